//! What the lock table costs. One function a claim; the same seed each time.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use multiverse::engine::lock::{Decision, LockTable, Owner, Resource};
use multiverse::engine::store::RowNumber;
use multiverse::words::{LockMode, TableId};

const ROWS: [u64; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const LOCKED: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const WAITERS: [u32; 4] = [1, 10, 100, 1_000];
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

/// Ten locks and the end of their owner; the figure is for one lock.
fn transactions(c: &mut Criterion, name: &str, rows: &[u64], intent: bool) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(LOCKS_OF_A_TRANSACTION as u64));
    for &rows in rows {
        group.bench_with_input(BenchmarkId::from_parameter(rows), &rows, |b, &rows| {
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
}

/// The cost does not grow with the rows among which the ten are chosen.
fn uncontended(c: &mut Criterion) {
    transactions(c, "acquire and release 10 of so many rows", &ROWS, false);
}

fn uncontended_with_intent(c: &mut Criterion) {
    transactions(c, "acquire and release 10 of so many rows, table first", &ROWS[4..], true);
}

/// The cost grows with the locks that others hold only as far as they leave the cache.
fn beside_the_locks_of_others(c: &mut Criterion) {
    let mut group = c.benchmark_group("acquire and release one beside so many");
    for locked in LOCKED {
        group.bench_with_input(BenchmarkId::from_parameter(locked), &locked, |b, &locked| {
            let (mut table, mut draw, mut granted) = (LockTable::new(), Draw(SEED), Vec::new());
            for number in 0..locked {
                table.request(Owner(number % 16), row(number), LockMode::Shared);
            }
            b.iter(|| {
                let taken = row(locked + draw.below(u64::from(locked)));
                table.request(Owner(20), taken, LockMode::Exclusive);
                table.release(Owner(20), taken, &mut granted)
            });
        });
    }
}

/// A request on a row for which so many wait already, and its end: the decision alone, and with
/// the search for a cycle, which walks along the queue.
fn behind_waiters(c: &mut Criterion) {
    for search in [false, true] {
        let with = if search { ", cycle looked for" } else { "" };
        let mut group = c.benchmark_group(format!("wait behind so many{with}"));
        for waiters in WAITERS {
            group.bench_with_input(
                BenchmarkId::from_parameter(waiters),
                &waiters,
                |b, &waiters| {
                    let (mut table, mut granted) = (LockTable::new(), Vec::new());
                    for owner in 0..=waiters {
                        table.request(Owner(owner), row(7), LockMode::Exclusive);
                    }
                    let last = Owner(waiters + 1);
                    b.iter(|| {
                        let decision = table.request(last, row(7), LockMode::Exclusive);
                        assert_eq!(decision, Decision::Queued);
                        if search {
                            assert!(black_box(table.cycle(last)).is_none());
                        }
                        table.cancel(last, &mut granted)
                    });
                },
            );
        }
    }
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

criterion_group!(
    benches,
    uncontended,
    uncontended_with_intent,
    beside_the_locks_of_others,
    behind_waiters,
    queue,
    cycle
);
criterion_main!(benches);
