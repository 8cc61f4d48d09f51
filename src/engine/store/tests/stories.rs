//! What the store is for, in short stories.

use std::ops::ControlFlow;

use super::*;

const ANN: TransactionId = TransactionId(1);
const BOB: TransactionId = TransactionId(2);
const NOBODY: u64 = u64::MAX;
const COMMITTED: View = View::Committed { reader: None };

fn accounts() -> TableStore {
    TableStore::new(&table(&[("name", text()), ("number", text())], &[&[1]], &[&[0]]))
}

fn set(name: &str, number: &str) -> Vec<(ColumnId, Value)> {
    vec![(ColumnId(0), Value::text(name)), (ColumnId(1), Value::text(number))]
}

fn name(value: &str) -> [(ColumnId, Value); 1] {
    [(ColumnId(0), Value::text(value))]
}

fn number(value: &str) -> [(ColumnId, Value); 1] {
    [(ColumnId(1), Value::text(value))]
}

fn name_in(store: &TableStore, row: RowNumber, view: View) -> Option<Value> {
    Some(store.read(row, view)?.value(ColumnId(0)))
}

#[test]
fn nobody_but_its_writer_and_a_nolock_reader_sees_an_uncommitted_row() {
    let mut store = accounts();
    let row = store.insert(Some(ANN), id(1), &set("Fabrikam", "F-1"), 5, 0).expect("free");
    let mine = View::Committed { reader: Some(ANN) };
    let seen = [COMMITTED, mine, View::Latest].map(|view| store.read(row, view).is_some());
    assert_eq!(seen, [false, true, true]);
    assert_eq!((store.len(), store.writer(row)), (0, Some(ANN)));
    store.commit(ANN, row, 1, NOBODY);
    assert_eq!(name_in(&store, row, COMMITTED), Some(Value::text("Fabrikam")));
    assert_eq!((store.len(), store.writer(row)), (1, None));
}

#[test]
fn a_snapshot_sees_what_was_committed_when_it_was_taken_until_it_ends() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 1, 10).expect("free");
    for (stamp, value) in [(20, "B"), (30, "C")] {
        store.update(ANN, row, &name(value), stamp).expect("free");
        store.commit(ANN, row, stamp, 15);
    }
    let as_of = |store: &TableStore, stamp| {
        let view = View::Snapshot { stamp, reader: None };
        name_in(store, row, view)
    };
    let names = [9, 15, 25, 35].map(|stamp| as_of(&store, stamp));
    let texts = ["A", "B", "C"].map(|name| Some(Value::text(name)));
    assert_eq!(names[0], None);
    assert_eq!(names[1..], texts);
    store.prune(25);
    assert_eq!(as_of(&store, 25), Some(Value::text("B")));
    assert_eq!(as_of(&store, 15), None);
    store.check_invariants();
}

#[test]
fn a_commit_that_no_snapshot_outlives_forgets_all_that_snapshots_have_seen() {
    let mut store = TableStore::new(&table(&[("name", text())], &[], &[]));
    let row = store.insert(None, id(1), &name("A"), 1, 10).expect("free");
    for (stamp, value, oldest_snapshot) in [(20, "B", 15), (30, "C", NOBODY)] {
        store.update(ANN, row, &name(value), stamp).expect("free");
        store.commit(ANN, row, stamp, oldest_snapshot);
        store.check_invariants();
    }
    let seen = [15, 25, 35].map(|stamp| {
        let view = View::Snapshot { stamp, reader: None };
        name_in(&store, row, view)
    });
    assert_eq!(seen, [None, None, Some(Value::text("C"))]);
}

#[test]
fn a_rollback_restores_the_version_that_was_there() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 7, 1).expect("free");
    let before = digest_of(&store);
    store.update(ANN, row, &name("B"), 8).expect("free");
    store.update(ANN, row, &number("2"), 9).expect("free");
    store.delete(ANN, row, 10);
    assert_eq!(name_in(&store, row, View::Latest), None);
    assert_eq!(name_in(&store, row, COMMITTED), Some(Value::text("A")));
    assert_eq!(store.rollback(ANN, row), Some(7));
    assert_eq!(digest_of(&store), before);
    assert_eq!(store.rollback(ANN, row), Some(7), "once more changes nothing");
    store.check_invariants();
}

#[test]
fn a_key_that_somebody_gives_up_is_not_free_before_he_commits() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 1, 1).expect("free");
    store.update(ANN, row, &number("2"), 2).expect("free");
    for taken in ["1", "2"] {
        let clash = store.insert(Some(BOB), id(2), &set("B", taken), 3, 0);
        assert_eq!(clash, Err(Clash { key: 0, with: row }), "{taken}");
    }
    assert_eq!(store.writer(row), Some(ANN), "for whom Bob must wait");
    store.commit(ANN, row, 2, NOBODY);
    let other = store.insert(Some(BOB), id(2), &set("B", "1"), 3, 0);
    assert!(other.is_ok());
    let clash = store.update(BOB, other.expect("free"), &number("2"), 4);
    assert_eq!(clash, Err(Clash { key: 0, with: row }));
}

#[test]
fn a_transaction_may_take_a_key_that_it_gave_up_itself() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 1, 1).expect("free");
    store.delete(ANN, row, 2);
    let other = store.insert(Some(ANN), id(2), &set("B", "1"), 3, 0).expect("own deletion");
    let rows: Vec<_> = store.find_by_key(0, &[Value::text("1")]).collect();
    assert_eq!(rows, [row, other]);
    assert_eq!(store.rollback(ANN, row), Some(1));
    assert_eq!(store.rollback(ANN, other), None);
    let rows: Vec<_> = store.find_by_key(0, &[Value::text("1")]).collect();
    assert_eq!(rows, [row]);
    store.check_invariants();
}

#[test]
fn a_row_without_a_key_value_is_outside_the_key() {
    let mut store = accounts();
    for number in 1..=3 {
        let row = store.insert(None, id(number), &name("stub"), 1, 1);
        assert!(row.is_ok());
    }
    assert_eq!(store.find_by_key(0, &[Value::Null]).count(), 0);
    assert_eq!(store.find_by_key(0, &[]).count(), 0);
    assert_eq!(store.find_by_key(7, &[Value::text("1")]).count(), 0);
}

#[test]
fn a_deleted_row_may_be_added_again_by_whoever_comes_after() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 1, 1).expect("free");
    store.delete(ANN, row, 2);
    let clash = store.insert(Some(BOB), id(1), &set("B", "9"), 3, 0);
    let key = Clash::PRIMARY;
    assert_eq!(clash, Err(Clash { key, with: row }));
    let again = store.insert(Some(ANN), id(1), &set("C", "1"), 3, 0);
    assert_eq!(again, Ok(row));
    assert_eq!(name_in(&store, row, COMMITTED), Some(Value::text("A")));
    store.commit(ANN, row, 2, NOBODY);
    assert_eq!(name_in(&store, row, COMMITTED), Some(Value::text("C")));
    let clash = store.insert(Some(BOB), id(1), &set("B", "9"), 4, 0);
    assert_eq!(clash, Err(Clash { key, with: row }));
}

/// Found by the property tests: a row that is deleted, added and deleted once more while a snapshot
/// still sees it has two deletions, one above the other.
#[test]
fn a_row_deleted_twice_is_gone_when_the_last_snapshot_is() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 1, 10).expect("free");
    store.delete(ANN, row, 2);
    store.commit(ANN, row, 20, 15);
    let again = store.insert(Some(BOB), id(1), &set("B", "2"), 3, 0);
    assert_eq!(again, Ok(row));
    store.delete(BOB, row, 4);
    store.commit(BOB, row, 30, 15);
    store.check_invariants();
    store.prune(25);
    store.check_invariants();
    assert_eq!(store.find(id(1)), None);
}

#[test]
fn a_commit_forgets_the_keys_of_all_that_nobody_sees_any_more() {
    let mut store = accounts();
    let row = store.insert(None, id(1), &set("A", "1"), 1, 10).expect("free");
    store.update(ANN, row, &number("2"), 2).expect("free");
    store.commit(ANN, row, 20, 15);
    assert_eq!(store.find_by_key(0, &[Value::text("1")]).count(), 1);
    store.update(ANN, row, &name("B"), 3).expect("free");
    store.commit(ANN, row, 30, NOBODY);
    assert_eq!(store.find_by_key(0, &[Value::text("1")]).count(), 0);
    store.check_invariants();
}

#[test]
fn the_lowest_free_slot_is_used_first() {
    let mut store = accounts();
    for number in 0..5 {
        let row = store.insert(None, id(number), NO_VALUES, 1, 1);
        assert!(row.is_ok());
    }
    for row in [3, 1].map(RowNumber) {
        store.delete(ANN, row, 2);
        store.commit(ANN, row, 2, NOBODY);
    }
    let rows = [7, 8, 9].map(|number| store.insert(None, id(number), NO_VALUES, 3, 3));
    assert_eq!(rows, [1, 3, 5].map(|row| Ok(RowNumber(row))));
}

#[test]
fn the_way_to_a_state_does_not_show_in_its_hash() {
    let mut straight = accounts();
    let mut winding = accounts();
    for number in 0..100_u8 {
        let values = set(&"x".repeat(usize::from(number)), &number.to_string());
        let at = id(u128::from(number));
        let row = straight.insert(None, at, &values, 1, 5).expect("free");
        assert_eq!(winding.insert(Some(BOB), id(1_000), NO_VALUES, 1, 1), Ok(row));
        assert_eq!(winding.rollback(BOB, row), None);
        assert_eq!(winding.insert(Some(ANN), at, &name("longer than it will be"), 0, 0), Ok(row));
        winding.update(ANN, row, &values, 1).expect("free");
        winding.commit(ANN, row, 5, NOBODY);
    }
    assert_eq!(digest_of(&straight), digest_of(&winding));
    winding.check_invariants();
}

#[test]
fn a_page_whose_rows_grow_and_shrink_does_not_grow_for_ever() {
    let mut store = accounts();
    let rows =
        [1, 2, 3].map(|number| store.insert(None, id(number), NO_VALUES, 1, 1).expect("free"));
    let mut largest = 0;
    for round in 0..2_000_u32 {
        let row = rows[(round % 3) as usize];
        let value = "y".repeat((round * 37 % 200) as usize);
        store.update(ANN, row, &name(&value), 2).expect("free");
        if round % 5 == 0 {
            store.rollback(ANN, row);
        } else {
            store.commit(ANN, row, 2, NOBODY);
        }
        store.check_invariants();
        largest = largest.max(store.memory());
    }
    assert!(largest < 6_000, "{largest} bytes for three rows");
}

/// More rows than a chunk has, whose lengths differ so that some fit their cells and some don't.
#[test]
fn rows_of_all_lengths_lie_side_by_side() {
    let mut store = accounts();
    let text_of = |number: u32, round: u32| {
        let length = match (number + round) % 23 {
            0 => 1_500,
            few @ 1..5 => few * 60,
            _ => number % 9,
        };
        "z".repeat(length as usize)
    };
    let mut rows = Vec::new();
    for number in 0..5_000 {
        let values = set(&text_of(number, 0), &number.to_string());
        let at = id(u128::from(number));
        rows.push(store.insert(None, at, &values, 1, 1).expect("free"));
    }
    let before = store.clone();
    let digest = digest_of(&before);
    for number in (0..5_000).step_by(3) {
        let row = rows[number as usize];
        store.update(ANN, row, &name(&text_of(number, 1)), 2).expect("free");
        if number % 2 == 0 {
            store.commit(ANN, row, 2, NOBODY);
        }
    }
    store.check_invariants();
    for (number, row) in (0..5_000).zip(rows) {
        let written = number % 3 == 0;
        let committed = text_of(number, u32::from(written && number % 2 == 0));
        let latest = text_of(number, u32::from(written));
        assert_eq!(name_in(&store, row, COMMITTED), Some(Value::text(&committed)));
        assert_eq!(name_in(&store, row, View::Latest), Some(Value::text(&latest)));
        assert_eq!(name_in(&before, row, View::Latest), Some(Value::text(&text_of(number, 0))));
        store.rollback(ANN, row);
    }
    store.check_invariants();
    assert_eq!(digest_of(&before), digest);
}

#[test]
fn a_failed_statement_gives_each_row_back_what_its_transaction_had_made_of_it() {
    let mut store = accounts();
    let rows = [1, 2, 3].map(|number| {
        let values = set("A", &number.to_string());
        store.insert(None, id(number), &values, 1, 1).expect("free")
    });
    store.update(ANN, rows[1], &name("B"), 2).expect("free");
    store.delete(ANN, rows[2], 3);
    let before = digest_of(&store);
    let saved = rows.map(|row| store.saved(ANN, row));
    store.update(ANN, rows[0], &number("9"), 4).expect("free");
    store.update(ANN, rows[1], &number("3"), 5).expect("given up by the third");
    let again = store.insert(Some(ANN), id(3), &set("C", "2"), 6, 0);
    assert_eq!(again, Ok(rows[2]));
    let added = store.insert(Some(ANN), id(4), &set("D", "7"), 7, 0).expect("free");
    assert_eq!(store.restore(ANN, added, &Saved::NOTHING), None);
    let back = [2, 1, 0].map(|at| store.restore(ANN, rows[at], &saved[at]));
    assert_eq!(back, [None, Some(2), Some(1)]);
    assert_eq!(digest_of(&store), before);
    assert_eq!(store.writer(rows[1]), Some(ANN), "whose first statement stands");
    assert_eq!(store.find(id(4)), None);
    store.check_invariants();
}

/// The bearing of the check for snapshot's update conflict: the snapshot sees the row, and somebody
/// has committed another version, or a deletion, since.
#[test]
fn a_snapshot_knows_which_of_its_rows_have_changed_since() {
    let mut store = accounts();
    let rows = [1, 2, 3].map(|number| {
        let values = set("A", &number.to_string());
        store.insert(None, id(number), &values, 1, 10).expect("free")
    });
    let snapshot = 15;
    store.update(BOB, rows[0], &name("B"), 2).expect("free");
    store.delete(BOB, rows[1], 3);
    let changed = |store: &TableStore| rows.map(|row| store.changed_since(row, snapshot));
    assert_eq!(changed(&store), [false; 3], "nothing is committed yet");
    for row in &rows[..2] {
        store.commit(BOB, *row, 20, snapshot);
    }
    assert_eq!(changed(&store), [true, true, false]);
    assert_eq!(rows.map(|row| store.changed_since(row, 20)), [false; 3]);
    store.prune(20);
    assert!(store.changed_since(rows[1], snapshot), "the slot is free");
}

#[test]
fn a_scan_ends_when_its_visitor_has_seen_enough() {
    let mut store = accounts();
    for number in 0..5_000 {
        store.insert(None, id(number), NO_VALUES, 1, 1).expect("free");
    }
    for row in (10..4_990).map(RowNumber) {
        store.delete(ANN, row, 2);
        store.commit(ANN, row, 2, NOBODY);
    }
    assert_eq!(store.next_row(10), Some(RowNumber(4_990)));
    assert_eq!(store.next_row(5_000), None);
    let mut met = Vec::new();
    store.scan(RowNumber(8), View::Latest, |row, _| {
        met.push(row.0);
        if met.len() == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(met, [8, 9, 4_990, 4_991]);
}
