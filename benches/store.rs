//! What the row store costs. One function a claim; the same seed each time.
#![allow(missing_docs)]

use std::hint::black_box;
use std::ops::{Bound, ControlFlow};
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hashbrown::HashTable;
use multiverse::engine::store::{RowNumber, TableStore, ValueRef, View};
use multiverse::plan::{AlternateKey, Column, Table};
use multiverse::words::{ColumnId, ColumnType, RowId, TransactionId, Value};
use uuid::Uuid;

const ROWS: u32 = 1_000_000;
const COLUMNS: u16 = 10;
const CLONES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// How many steps of a scan that can be interrupted are measured at once.
const SEEKS: u32 = 10_000;
const SEED: u64 = 42;
const WRITER: TransactionId = TransactionId(1);

/// A small generator (xorshift), so that drawing a row costs a nanosecond.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((u128::from(self.0) * u128::from(bound)) >> 64).expect("below the bound")
    }
}

/// Ids as version 5 gives them: spread over all bits.
fn id(number: u32) -> RowId {
    let low = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = low.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    RowId(Uuid::from_u64_pair(high, low))
}

/// Ten columns, two of them alternate keys: a text and a whole number.
fn definition() -> Table {
    let kind = |index| match index {
        1 | 2 | 9 => ColumnType::Whole,
        8 => ColumnType::UniqueId,
        _ => ColumnType::Text { max_length: 100 },
    };
    let columns = (0..COLUMNS)
        .map(|index| Column { name: format!("column {index}").into(), kind: kind(index) });
    let key =
        |name: &str, column| AlternateKey { name: name.into(), columns: vec![ColumnId(column)] };
    Table {
        keys: vec![key("by number", 0), key("by code", 1)],
        ..Table::new("account".into(), columns.collect())
    }
}

/// About 100 bytes of values, with keys in no order.
fn row(number: u32) -> Vec<(ColumnId, Value)> {
    row_with(number, u64::from(number).wrapping_mul(2_654_435_761) % (1 << 32))
}

/// About 100 bytes of values; both keys come from the code.
fn row_with(number: u32, code: u64) -> Vec<(ColumnId, Value)> {
    let values = [
        Value::text(&format!("A-{code:010}")),
        Value::Whole(i64::try_from(code).expect("small")),
        Value::Whole(0),
        Value::text("Contoso Ltd"),
        Value::text("Bahnhofstrasse"),
        Value::text("Winterthur"),
        Value::text("Switzerland"),
        Value::text("active"),
        Value::Id(id(number / 7)),
        Value::Whole(i64::from(number % 1_000)),
    ];
    (0..COLUMNS).map(ColumnId).zip(values).collect()
}

fn filled(rows: &[Vec<(ColumnId, Value)>]) -> TableStore {
    let mut store = TableStore::new(&definition());
    for (values, number) in rows.iter().zip(0..) {
        let loaded = store.insert(None, id(number), values, u64::from(number), 1);
        loaded.expect("no clash");
    }
    store
}

fn rows(count: u32) -> Vec<Vec<(ColumnId, Value)>> {
    (0..count).map(row).collect()
}

fn load(c: &mut Criterion) {
    let rows = rows(ROWS);
    let mut group = c.benchmark_group("load");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(ROWS)));
    group.bench_function("1,000,000 rows with 2 keys", |b| {
        b.iter_with_large_drop(|| filled(&rows));
    });
    let store = filled(&rows);
    println!("memory: {} bytes a row", store.memory() / store.len());
    let rows: Vec<_> = (0..ROWS).map(|number| row_with(number, number.into())).collect();
    group.bench_function("1,000,000 rows with 2 keys in ascending order", |b| {
        b.iter_with_large_drop(|| filled(&rows));
    });
    let store = filled(&rows);
    println!("memory: {} bytes a row", store.memory() / store.len());
}

/// What the least that is possible costs on the same machine at the same moment: a hash map with a
/// box for each row, of which each look-up needs the one before.
fn bare(c: &mut Criterion) {
    let key = |number: u32| id(number).0.as_u128();
    let mut index = HashTable::new();
    for number in 0..ROWS {
        let row = Box::new((key(number), [0_u8; 104]));
        index.insert_unique(hash_of(key(number)), row, |row| hash_of(row.0));
    }
    c.bench_function("bare: find and update", |b| {
        let (mut draw, mut last) = (Draw(SEED), 0);
        b.iter(|| {
            let wanted = key((draw.below(ROWS) + last) % ROWS);
            let row = index.find_mut(hash_of(wanted), |row| row.0 == wanted);
            let row = row.expect("a row");
            row.1[60] = row.1[60].wrapping_add(1);
            last = u32::from(row.1[60] & 1);
        });
    });
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half")]
fn hash_of(key: u128) -> u64 {
    ((key >> 64) as u64 ^ key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn point(c: &mut Criterion) {
    let mut store = filled(&rows(ROWS));
    let view = View::Committed { reader: None };
    c.bench_function("find", |b| {
        let mut draw = Draw(SEED);
        b.iter(|| black_box(store.find(id(draw.below(ROWS)))));
    });
    c.bench_function("find and read a column", |b| {
        let mut draw = Draw(SEED);
        b.iter(|| {
            let found = store.find(id(draw.below(ROWS))).expect("a row");
            let image = store.read(found, view).expect("committed");
            assert!(!black_box(image.get(ColumnId(5))).is_null());
        });
    });
    c.bench_function("read a column of one row", |b| {
        let image = store.read(RowNumber(4_711), view).expect("committed");
        b.iter(|| black_box(black_box(&image).get(ColumnId(5))));
    });
    c.bench_function("find by key", |b| {
        let mut draw = Draw(SEED);
        let texts: Vec<_> = (0..100_000).map(|_| [row(draw.below(ROWS))[0].1.clone()]).collect();
        let mut next = texts.iter().cycle();
        b.iter(|| {
            let values = next.next().expect("endless");
            assert!(black_box(store.find_by_key(0, values).next()).is_some());
        });
    });
    c.bench_function("foretell the entries that a write beside the indexes changes", |b| {
        let set = [(ColumnId(2), Value::Whole(1))];
        let mut changes = Vec::new();
        b.iter(|| {
            store.changed_entries(black_box(Some(RowNumber(4_711))), &set, &mut changes);
            assert!(changes.is_empty());
        });
    });
    c.bench_function("find, update and commit", |b| {
        let (mut draw, mut stamp) = (Draw(SEED), 1);
        b.iter(|| {
            stamp += 1;
            let found = store.find(id(draw.below(ROWS))).expect("a row");
            let image = store.read(found, View::Latest).expect("a row");
            let version = image.row_version() + 1;
            let set = [(ColumnId(2), Value::Whole(i64::try_from(stamp & 0x3f).expect("small")))];
            store.update(WRITER, found, &set, version).expect("no clash");
            store.commit(WRITER, found, stamp, u64::MAX);
        });
    });
    println!("memory after updates: {} bytes a row", store.memory() / store.len());
}

/// A nolock scan of the whole table, in which the condition on one column is judged.
fn scan(c: &mut Criterion) {
    let store = filled(&rows(ROWS));
    let mut group = c.benchmark_group("scan");
    group.sample_size(20).throughput(Throughput::Elements(u64::from(ROWS)));
    let found = |store: &TableStore| {
        let mut count = 0;
        store.scan(RowNumber(0), View::Latest, |_, image| {
            count += u32::from(image.get(ColumnId(9)) == ValueRef::Whole(7));
            ControlFlow::Continue(())
        });
        count
    };
    assert_eq!(found(&store), ROWS / 1_000);
    group.bench_function("one column of 1,000,000 rows", |b| b.iter(|| found(&store)));
    group.throughput(Throughput::Elements(u64::from(SEEKS)));
    group.bench_function("step by step, the rows", |b| {
        b.iter(|| {
            let mut at = 0;
            for _ in 0..SEEKS {
                let row = store.next_row(at).expect("a row");
                assert!(black_box(store.read(row, View::Latest)).is_some());
                at = row.0 + 1;
            }
        });
    });
    group.bench_function("step by step, an index", |b| {
        b.iter(|| {
            let mut at = Vec::new();
            for _ in 0..SEEKS {
                let entry = store.next_entry(1, Bound::Excluded(&at)).expect("an entry");
                assert!(store.shows(1, entry.bytes, entry.row, View::Latest));
                at.clear();
                at.extend_from_slice(entry.bytes);
            }
        });
    });
}

fn clones(c: &mut Criterion) {
    let mut group = c.benchmark_group("clone and drop");
    for count in CLONES {
        let store = filled(&rows(count));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| black_box(store.clone()));
        });
    }
}

/// The time of the first write alone; the clone and its end are not counted.
fn first_write(c: &mut Criterion) {
    let mut group = c.benchmark_group("first write after a clone");
    for count in CLONES {
        let store = filled(&rows(count));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            let mut draw = Draw(SEED);
            b.iter_custom(|times| {
                let mut total = Duration::ZERO;
                for _ in 0..times {
                    let mut copy = store.clone();
                    let (found, set) = (draw.below(count), [(ColumnId(2), Value::Whole(1))]);
                    #[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
                    let begin = Instant::now();
                    copy.update(WRITER, RowNumber(found), &set, 9).expect("no clash");
                    total += begin.elapsed();
                }
                total
            });
        });
    }
}

/// A table of a scenario: 20 rows. What a world's clone pays for it.
fn tiny(c: &mut Criterion) {
    let store = filled(&rows(20));
    c.bench_function("clone a table of 20 rows", |b| b.iter(|| black_box(store.clone())));
    c.bench_function("clone a table of 20 rows and update one", |b| {
        let set = [(ColumnId(2), Value::Whole(1))];
        b.iter_batched_ref(
            || (),
            |()| {
                let mut copy = store.clone();
                copy.update(WRITER, RowNumber(3), &set, 9).expect("no clash");
                copy
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, load, bare, point, scan, clones, first_write, tiny);
criterion_main!(benches);
