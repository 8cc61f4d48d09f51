//! What the lock table costs. One function a claim; the same seed each time.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use multiverse::engine::lock::{Decision, LockTable, Owner, Resource};
use multiverse::engine::store::RowNumber;
use multiverse::words::{LockMode, TableId};

const ROWS: u64 = 1_000_000;
const HOT_ROWS: u64 = 100;
const LOCKS_OF_A_TRANSACTION: usize = 10;
const QUEUES: [u32; 4] = [2, 16, 64, 256];
const CYCLES: [u32; 4] = [2, 4, 16, 64];
const SEED: u64 = 42;

/// A small generator (xorshift), so that drawing a row costs a nanosecond.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((u128::from(self.0) * u128::from(bound)) >> 64).expect("below the bound")
    }
}

fn row(number: u32) -> Resource {
    Resource::Row(TableId(0), RowNumber(number))
}

fn transactions(c: &mut Criterion, name: &str, rows: u64, intent: bool) {
    let mut group = c.benchmark_group("acquire and release");
    group.throughput(Throughput::Elements(LOCKS_OF_A_TRANSACTION as u64));
    group.bench_function(name, |b| {
        let (mut table, mut draw, mut granted) = (LockTable::new(), Draw(SEED), Vec::new());
        b.iter(|| {
            for _ in 0..LOCKS_OF_A_TRANSACTION {
                if intent {
                    let resource = Resource::Table(TableId(0));
                    table.request(Owner(3), resource, LockMode::IntentExclusive);
                }
                table.request(Owner(3), row(draw.below(rows)), LockMode::Exclusive);
            }
            black_box(table.release_all(Owner(3), &mut granted))
        });
    });
}

fn uncontended(c: &mut Criterion) {
    transactions(c, "10 of 1,000,000 rows", ROWS, false);
}

fn uncontended_with_intent(c: &mut Criterion) {
    transactions(c, "10 of 1,000,000 rows, table first", ROWS, true);
}

fn hot_rows(c: &mut Criterion) {
    transactions(c, "10 of 100 rows", HOT_ROWS, false);
}

/// All wait for one row in X; each in turn ends and lets the next one go on.
fn queue(c: &mut Criterion) {
    let mut group = c.benchmark_group("queue on one row");
    for waiters in QUEUES {
        group.throughput(Throughput::Elements(u64::from(waiters)));
        group.bench_with_input(BenchmarkId::from_parameter(waiters), &waiters, |b, &waiters| {
            let (mut table, mut granted) = (LockTable::new(), Vec::new());
            b.iter(|| {
                for owner in 0..=waiters {
                    table.request(Owner(owner), row(7), LockMode::Exclusive);
                }
                for owner in 0..=waiters {
                    table.release_all(Owner(owner), &mut granted);
                }
                granted.clear();
            });
        });
    }
}

/// The last of them asks for what the first one holds; the search finds the cycle.
fn cycle(c: &mut Criterion) {
    let mut group = c.benchmark_group("close and find a cycle");
    for owners in CYCLES {
        group.bench_with_input(BenchmarkId::from_parameter(owners), &owners, |b, &owners| {
            let (mut table, mut granted) = (LockTable::new(), Vec::new());
            for owner in 0..owners {
                table.request(Owner(owner), row(owner), LockMode::Exclusive);
            }
            for owner in 1..owners {
                table.request(Owner(owner), row(owner - 1), LockMode::Exclusive);
            }
            b.iter(|| {
                let decision = table.request(Owner(0), row(owners - 1), LockMode::Exclusive);
                assert_eq!(decision, Decision::Queued);
                let cycle = black_box(table.cycle(Owner(0)));
                assert!(cycle.is_some());
                table.cancel(Owner(0), &mut granted)
            });
        });
    }
}

/// The usual search: the holder runs, so there is nothing to find.
fn no_cycle(c: &mut Criterion) {
    c.bench_function("wait without a cycle", |b| {
        let (mut table, mut granted) = (LockTable::new(), Vec::new());
        table.request(Owner(0), row(0), LockMode::Exclusive);
        b.iter(|| {
            table.request(Owner(1), row(0), LockMode::Exclusive);
            assert!(black_box(table.cycle(Owner(1))).is_none());
            table.cancel(Owner(1), &mut granted)
        });
    });
}

/// The search from the end of a long queue on one row, whose holder runs.
fn no_cycle_in_a_queue(c: &mut Criterion) {
    c.bench_function("search behind 256 waiters", |b| {
        let mut table = LockTable::new();
        for owner in 0..=257 {
            table.request(Owner(owner), row(0), LockMode::Exclusive);
        }
        b.iter(|| assert!(black_box(table.cycle(Owner(257))).is_none()));
    });
}

criterion_group!(
    benches,
    uncontended,
    uncontended_with_intent,
    hot_rows,
    queue,
    cycle,
    no_cycle,
    no_cycle_in_a_queue
);
criterion_main!(benches);
