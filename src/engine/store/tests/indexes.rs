//! What the indexes say, beside a model that looks at all rows and sorts them whenever it is asked.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::model::{INDEXES, KEYS, Row, values_in};
use super::oracle::Pair;
use super::*;

const ALL: u16 = 4;
const NOBODY: View = View::Committed { reader: None };

/// The order of an index: null first.
fn order(a: &[Value], b: &[Value]) -> Ordering {
    let of = |value| ValueRef::of(value).expect("a column's value");
    let mut pairs = a.iter().zip(b).map(|(a, b)| match (of(a), of(b)) {
        (ValueRef::Null, ValueRef::Null) => Ordering::Equal,
        (ValueRef::Null, _) => Ordering::Less,
        (_, ValueRef::Null) => Ordering::Greater,
        (a, b) => a.partial_cmp(&b).expect("of one kind"),
    });
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The values of an entry, and the number of its row.
type Placed = (Vec<Value>, u32);

type Comparison = fn(Ordering) -> bool;

fn sorted(mut entries: Vec<Placed>) -> Vec<Placed> {
    let compare = |a: &Placed, b: &Placed| order(&a.0, &b.0).then(a.1.cmp(&b.1));
    entries.sort_by(compare);
    entries.dedup_by(|a, b| compare(a, b).is_eq());
    entries
}

/// The entries of an index from a position to before another one.
fn walk<'a>(store: &'a TableStore, index: u16, from: &[u8], until: &[u8]) -> Vec<Entry<'a>> {
    let mut at = Bound::Included(from);
    let mut all = Vec::new();
    while let Some(entry) = store.next_entry(index, at)
        && entry.bytes < until
    {
        all.push(entry);
        at = Bound::Excluded(entry.bytes);
    }
    all
}

fn whole<'a>(store: &'a TableStore, index: u16) -> Vec<Entry<'a>> {
    walk(store, index, &[], &prefix_end(&[]))
}

fn numbers(entries: &[Entry<'_>]) -> Vec<u32> {
    entries.iter().map(|entry| entry.row.0).collect()
}

fn numbers_of<'a>(placed: impl IntoIterator<Item = &'a Placed>) -> Vec<u32> {
    placed.into_iter().map(|(_, row)| *row).collect()
}

/// What the write that made one store of the other does to the entries of a row, worked out from
/// what the row has before and after.
fn changes(
    before: &TableStore,
    after: &TableStore,
    row: RowNumber,
    is_known: bool,
) -> Vec<EntryChange> {
    let of = |store: &TableStore| {
        let mut entries = Vec::new();
        store.entries(row, &mut entries);
        entries.into_iter().collect::<BTreeMap<_, _>>()
    };
    let old = if is_known { of(before) } else { BTreeMap::new() };
    let new = of(after);
    (0..ALL)
        .filter(|index| old.get(index) != new.get(index))
        .map(|index| {
            let is_key = usize::from(index) < KEYS.len();
            let after = new.get(&index).filter(|_| is_known || is_key);
            EntryChange { index, before: old.get(&index).copied(), after: after.copied() }
        })
        .collect()
}

/// What the store foretold of a write came true.
pub(super) fn check_foretold(
    before: &TableStore,
    after: &TableStore,
    written: RowNumber,
    row: Option<RowNumber>,
    set: &[(ColumnId, Value)],
) -> Result<(), TestCaseError> {
    let mut foretold = Vec::new();
    before.changed_entries(row, set, &mut foretold);
    prop_assert_eq!(foretold, changes(before, after, written, row.is_some()));
    let mut entries = Vec::new();
    after.entries(written, &mut entries);
    for index in 0..ALL {
        let position = before.position(index, row.unwrap_or(before.next_slot()), set);
        let entry = entries.iter().find(|(other, _)| *other == index);
        prop_assert_eq!(position.is_some(), entry.is_some());
        if let (Some(position), Some((_, hash))) = (&position, entry) {
            let found = after.next_entry(index, Bound::Included(position));
            let expected = Entry { bytes: position, row: written, hash: *hash };
            prop_assert_eq!(found, Some(expected));
        }
    }
    Ok(())
}

impl Pair {
    /// The entries that an index must have for the versions that `of` chooses.
    fn entries<'a>(
        &'a self,
        index: u16,
        of: impl Fn(&'a Row) -> Vec<&'a Vec<Value>>,
    ) -> Vec<Placed> {
        let index = usize::from(index);
        let (columns, is_key) = match KEYS.get(index) {
            Some(columns) => (columns, true),
            None => (&INDEXES[index - KEYS.len()], false),
        };
        let mut entries = Vec::new();
        for row in self.model.rows.values() {
            for version in of(row) {
                let values = values_in(version, columns);
                if !is_key || values.iter().all(|value| !value.is_null()) {
                    entries.push((values, row.number));
                }
            }
        }
        sorted(entries)
    }

    pub(super) fn compare_indexes(&self) -> Result<(), TestCaseError> {
        let oldest = self.model.oldest();
        for index in 0..ALL {
            let expected = self.entries(index, |row| {
                row.kept(oldest)
                    .into_iter()
                    .filter_map(|version| version.columns.as_ref())
                    .collect()
            });
            let found = whole(&self.store, index);
            prop_assert_eq!(numbers(&found), numbers_of(&expected), "index {}", index);
            self.compare_hashes(index, &found, &expected)?;
            self.compare_stretches(index, &expected)?;
            for view in self.views() {
                let shown = found
                    .iter()
                    .filter(|entry| self.store.shows(index, entry.bytes, entry.row, view));
                let expected = self.entries(index, |row| {
                    row.read(view)
                        .and_then(|version| version.columns.as_ref())
                        .into_iter()
                        .collect()
                });
                let shown: Vec<_> = shown.copied().collect();
                prop_assert_eq!(numbers(&shown), numbers_of(&expected), "{:?}", view);
            }
        }
        Ok(())
    }

    /// Rows with one key share a hash; nothing else does.
    fn compare_hashes(
        &self,
        index: u16,
        found: &[Entry<'_>],
        expected: &[Placed],
    ) -> Result<(), TestCaseError> {
        let is_key = usize::from(index) < KEYS.len();
        for (a, placed_a) in found.iter().zip(expected) {
            for (b, placed_b) in found.iter().zip(expected) {
                let same_values = order(&placed_a.0, &placed_b.0).is_eq();
                let shares = same_values && (is_key || placed_a.1 == placed_b.1);
                prop_assert_eq!(a.hash == b.hash, shares, "{:?} and {:?}", a, b);
            }
        }
        Ok(())
    }

    /// The five comparisons of an index's first column, each as the stretch that it stands for.
    fn compare_stretches(&self, index: u16, expected: &[Placed]) -> Result<(), TestCaseError> {
        let store = &self.store;
        let encode = |values: &[Value]| store.encode(index, values).expect("of the column's kind");
        let (null, end) = (encode(&[Value::Null]), prefix_end(&encode(&[])));
        for (values, _) in expected {
            let value = &values[..1];
            let (at, after) = (encode(value), prefix_end(&encode(value)));
            let least = prefix_end(&null);
            let stretches: [(_, _, Comparison); 5] = [
                (&at, &after, Ordering::is_eq),
                (&least, &at, Ordering::is_lt),
                (&least, &after, Ordering::is_le),
                (&at, &end, Ordering::is_ge),
                (&after, &end, Ordering::is_gt),
            ];
            for (number, (from, until, is_meant)) in stretches.into_iter().enumerate() {
                let meant = expected.iter().filter(|(other, _)| {
                    let is_null = other[0].is_null() && number != 0;
                    !is_null && is_meant(order(&other[..1], value))
                });
                if value[0].is_null() && number != 0 {
                    continue;
                }
                let found = walk(store, index, from, until);
                prop_assert_eq!(numbers(&found), numbers_of(meant), "{} {:?}", number, value);
            }
        }
        Ok(())
    }
}

fn cases() -> TableStore {
    let columns = [
        ("title", text()),
        ("customer", ColumnType::Lookup(crate::words::TableId(1))),
        ("amount", ColumnType::Money),
        ("count", ColumnType::Whole),
    ];
    TableStore::new(&table(&columns, &[], &[&[1], &[2], &[3, 0]]))
}

fn case(title: &str, customer: u128, count: i64) -> Vec<(ColumnId, Value)> {
    let values = [Value::text(title), Value::Id(id(customer)), Value::Null, Value::Whole(count)];
    (0..).map(ColumnId).zip(values).collect()
}

/// Two cases of one customer are two entries with two hashes: a lock on one is none on the other.
#[test]
fn rows_that_share_a_value_lie_side_by_side_in_the_order_of_their_slots() {
    let mut store = cases();
    for (number, customer) in [(1, 50), (2, 40), (3, 50), (4, 60)] {
        store.insert(None, id(number), &case("a", customer, 1), 1, 1).expect("free");
    }
    let prefix = store.encode(0, &[Value::Id(id(50))]).expect("a lookup");
    let found = walk(&store, 0, &prefix, &prefix_end(&prefix));
    assert_eq!(numbers(&found), [0, 2]);
    assert_ne!(found[0].hash, found[1].hash);
    let of_other = store.shows(0, found[0].bytes, found[1].row, NOBODY);
    assert!(!of_other, "an entry is one row's");
    assert_eq!(numbers(&whole(&store, 1)), [0, 1, 2, 3], "null is a value here");
}

#[test]
fn a_number_is_sought_by_its_size_and_other_kinds_are_not_sought() {
    let mut store = cases();
    let set = [(ColumnId(2), Value::Decimal(Decimal::new(300, 2))), (ColumnId(3), Value::Whole(3))];
    store.insert(None, id(1), &set, 1, 1).expect("free");
    let three = [Value::Whole(3), Value::Decimal(Decimal::new(30, 1))];
    for value in three {
        for index in [1, 2] {
            let prefix = store.encode(index, std::slice::from_ref(&value)).expect("a number");
            assert_eq!(numbers(&walk(&store, index, &prefix, &prefix_end(&prefix))), [0]);
        }
    }
    assert_eq!(store.encode(2, &[Value::Decimal(Decimal::new(35, 1))]), None);
    assert_eq!(store.encode(1, &[Value::text("3")]), None);
    assert_eq!(store.encode(0, &[Value::Null, Value::Null]), None, "more values than columns");
    assert_eq!(store.encode(9, &[]), None, "no such index");
    assert_eq!(store.next_entry(9, Bound::Unbounded), None);
}

/// What a nolock scan of an index is known for: a row whose key moves ahead of the scan is met
/// twice, and one whose key moves behind it is missed.
#[test]
fn a_scan_meets_a_row_that_overtakes_it_twice_and_misses_one_that_falls_back() {
    let mut store = cases();
    let ann = TransactionId(1);
    for number in 1..=4 {
        let count = i64::try_from(number).expect("few") * 10;
        store.insert(None, id(number), &case("a", 1, count), 1, 1).expect("free");
    }
    let mut met = Vec::new();
    let mut position = Vec::new();
    while let Some(entry) = store.next_entry(2, Bound::Excluded(&position)) {
        position = entry.bytes.to_vec();
        let row = entry.row;
        if store.shows(2, &position, row, View::Latest) {
            met.push(row.0);
        }
        if met == [0, 1] {
            let count = |count| [(ColumnId(3), Value::Whole(count))];
            store.update(ann, RowNumber(0), &count(35), 2).expect("no key");
            store.update(ann, RowNumber(2), &count(5), 3).expect("no key");
        }
    }
    assert_eq!(met, [0, 1, 0, 3]);
    let shown = whole(&store, 2);
    let shown = shown.iter().filter(|entry| store.shows(2, entry.bytes, entry.row, NOBODY));
    assert_eq!(shown.count(), 4, "what is committed has not moved");
    store.check_invariants();
}

#[test]
fn a_write_beside_the_indexes_changes_no_entry() {
    let mut store = cases();
    let row = store.insert(None, id(1), &case("a", 1, 10), 1, 1).expect("free");
    let mut changed = Vec::new();
    store.changed_entries(Some(row), &[(ColumnId(3), Value::Whole(10))], &mut changed);
    assert_eq!(changed, [], "the same value again");
    store.changed_entries(Some(row), &[(ColumnId(3), Value::Whole(11))], &mut changed);
    assert_eq!(changed.iter().map(|change| change.index).collect::<Vec<_>>(), [2]);
}
