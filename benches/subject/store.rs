//! What the row store costs. One function a claim; the same seed each time.

use std::cell::{LazyCell, RefCell};
use std::hint::black_box;
use std::ops::{Bound, ControlFlow};
use std::time::{Duration, Instant};

use multiverse::engine::store::{RowNumber, TableStore, ValueRef, View};
use multiverse::plan::{AlternateKey, Column, Table};
use multiverse::words::{ColumnId, ColumnType, RowId, TransactionId, Value};
use serde_json::json;
use uuid::Uuid;

use super::anchor::Draw;
use super::suite::{self, Pace, Suite};

/// Rows of the large table.
const ROWS: u32 = 1_000_000;
const COLUMNS: u16 = 10;
/// Rows of the tables that are copied: one as scenarios have it, to a large one.
const CLONES: [u32; 3] = [20, 10_000, 1_000_000];
/// How many steps of a scan that can be interrupted are measured at once.
const SEEKS: u32 = 10_000;
const WRITER: TransactionId = TransactionId(1);

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

/// Makes the values of a row from its number.
type Made = fn(u32) -> Vec<(ColumnId, Value)>;

/// Loading rows of ten columns with two alternate keys. What a row takes of memory is told beside.
pub fn load(suite: &mut Suite) {
    let ascending = |number| row_with(number, number.into());
    let orders = [("keys in no order", row as Made), ("keys in ascending order", ascending)];
    for (order, made) in orders {
        let rows = LazyCell::new(|| (0..ROWS).map(made).collect::<Vec<_>>());
        let told = LazyCell::new(|| {
            let store = filled(&rows);
            let bytes = store.memory() / store.len();
            println!("Table load/{order}: {bytes} bytes a row");
            suite::tell(("Table load", order), &json!({ "bytes": bytes }));
        });
        suite.case(("Table load", order), Pace::LONG, ROWS.into(), |bencher| {
            LazyCell::force(&told);
            bencher.iter_with_large_drop(|| filled(&rows));
        });
    }
}

fn drawn(draw: &mut Draw) -> u32 {
    u32::try_from(draw.below(ROWS.into())).expect("below the bound")
}

/// One row of a million, in no order that a cache could follow.
pub fn point(suite: &mut Suite) {
    let store = LazyCell::new(|| RefCell::new(filled(&rows(ROWS))));
    let view = View::Committed { reader: None };
    suite.case(("Table", "find and read a column"), Pace::USUAL, 1, |bencher| {
        let (store, mut draw) = (store.borrow(), Draw::of(0));
        bencher.iter(|| {
            let found = store.find(id(drawn(&mut draw))).expect("a row");
            let image = store.read(found, view).expect("committed");
            assert!(!black_box(image.get(ColumnId(5))).is_null());
        });
    });
    let texts = LazyCell::new(|| {
        let mut draw = Draw::of(0);
        (0..100_000).map(|_| [row(drawn(&mut draw))[0].1.clone()]).collect::<Vec<_>>()
    });
    suite.case(("Table", "find by key"), Pace::USUAL, 1, |bencher| {
        let (store, mut next) = (store.borrow(), texts.iter().cycle());
        bencher.iter(|| {
            let values = next.next().expect("endless");
            assert!(black_box(store.find_by_key(0, values).next()).is_some());
        });
    });
    let stamp = RefCell::new(1);
    suite.case(("Table", "find, update and commit"), Pace::USUAL, 1, |bencher| {
        let (mut store, mut draw) = (store.borrow_mut(), Draw::of(0));
        let mut stamp = stamp.borrow_mut();
        bencher.iter(|| {
            *stamp += 1;
            let found = store.find(id(drawn(&mut draw))).expect("a row");
            let image = store.read(found, View::Latest).expect("a row");
            let version = image.row_version() + 1;
            let set = [(ColumnId(2), Value::Whole(i64::try_from(*stamp & 0x3f).expect("small")))];
            store.update(WRITER, found, &set, version).expect("no clash");
            store.commit(WRITER, found, *stamp, u64::MAX);
        });
    });
}

/// A nolock scan of the whole table, in which the condition on one column is judged; and the steps
/// of one that can be interrupted, along the rows and along an index.
pub fn scan(suite: &mut Suite) {
    let store = LazyCell::new(|| filled(&rows(ROWS)));
    suite.case(("Table scan", "at once"), Pace::USUAL, ROWS.into(), |bencher| {
        bencher.iter(|| {
            let mut count = 0;
            store.scan(RowNumber(0), View::Latest, |_, image| {
                count += u32::from(image.get(ColumnId(9)) == ValueRef::Whole(7));
                ControlFlow::Continue(())
            });
            assert_eq!(count, ROWS / 1_000);
        });
    });
    suite.case(("Table scan", "step by step"), Pace::USUAL, SEEKS.into(), |bencher| {
        bencher.iter(|| {
            let mut at = 0;
            for _ in 0..SEEKS {
                let row = store.next_row(at).expect("a row");
                assert!(black_box(store.read(row, View::Latest)).is_some());
                at = row.0 + 1;
            }
        });
    });
    suite.case(
        ("Table scan", "step by step along an index"),
        Pace::USUAL,
        SEEKS.into(),
        |bencher| {
            bencher.iter(|| {
                let mut at = Vec::new();
                for _ in 0..SEEKS {
                    let entry = store.next_entry(1, Bound::Excluded(&at)).expect("an entry");
                    assert!(store.shows(1, entry.bytes, entry.row, View::Latest));
                    at.clear();
                    at.extend_from_slice(entry.bytes);
                }
            });
        },
    );
}

/// A copy of a table, and its end.
pub fn clones(suite: &mut Suite) {
    for count in CLONES {
        let store = LazyCell::new(|| filled(&rows(count)));
        suite.case(("Table clone", &format!("of {count} rows")), Pace::USUAL, 1, |bencher| {
            bencher.iter(|| black_box(store.clone()));
        });
    }
}

/// The time of the first write alone; the copy and its end are not counted.
pub fn first_write(suite: &mut Suite) {
    let pace = Pace { samples: 15, about: Duration::from_millis(100) };
    for count in CLONES {
        let store = LazyCell::new(|| filled(&rows(count)));
        let case = format!("of {count} rows");
        suite.case(("First write after a clone", &case), pace, 1, |bencher| {
            let mut draw = Draw::of(0);
            bencher.iter_custom(|times| {
                let mut total = Duration::ZERO;
                for _ in 0..times {
                    let mut copy = store.clone();
                    let found = u32::try_from(draw.below(count.into())).expect("below the bound");
                    let set = [(ColumnId(2), Value::Whole(1))];
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
