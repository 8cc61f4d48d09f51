//! Random histories of several transactions, of which the store and the model say the same.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::indexes::check_foretold;
use super::model::{COLUMNS, IDS, INDEXES, KEYS, Model, Row, Version, key_of};
use super::*;

/// What a write sets.
type Settings = Vec<(ColumnId, Value)>;

#[derive(Clone, Debug)]
enum Act {
    Load(RowId, Settings),
    Insert(u32, RowId, Settings),
    Update(u32, RowId, Settings),
    Delete(u32, RowId),
    Commit(u32),
    Rollback(u32),
    /// A statement of several writes that is taken back: changes and additions, and deletions
    /// where there is nothing to set.
    Fail(u32, Vec<(RowId, Option<Settings>)>),
    Open,
    Close,
    Stash,
    Swap,
}

fn settings() -> impl Strategy<Value = Settings> {
    let first = prop::sample::select(vec![
        Value::Null,
        Value::text("a"),
        Value::text("a\0"),
        Value::text("b"),
    ]);
    let second = prop::sample::select(vec![Value::Null, Value::Whole(-1), Value::Whole(1)]);
    let third = prop::sample::select(vec![
        Value::Decimal(Decimal::new(10, 1)),
        Value::Decimal(Decimal::new(100, 2)),
        Value::Decimal(Decimal::new(-2, 0)),
    ]);
    let one = prop_oneof![
        first.prop_map(|value| (ColumnId(0), value)),
        second.prop_map(|value| (ColumnId(1), value)),
        third.prop_map(|value| (ColumnId(2), value)),
        super::parts::values().prop_map(|value| (ColumnId(3), value)),
        (900..1_100_usize).prop_map(|length| (ColumnId(3), Value::text(&"x".repeat(length)))),
    ];
    prop::collection::vec(one, 0..6)
}

fn acts() -> impl Strategy<Value = Act> {
    let ids = || (0..IDS).prop_map(id);
    let who = || 0..3_u32;
    prop_oneof![
        3 => (ids(), settings()).prop_map(|(id, set)| Act::Load(id, set)),
        6 => (who(), ids(), settings()).prop_map(|(who, id, set)| Act::Insert(who, id, set)),
        8 => (who(), ids(), settings()).prop_map(|(who, id, set)| Act::Update(who, id, set)),
        4 => (who(), ids()).prop_map(|(who, id)| Act::Delete(who, id)),
        3 => who().prop_map(Act::Commit),
        2 => who().prop_map(Act::Rollback),
        2 => (who(), prop::collection::vec((ids(), prop::option::of(settings())), 1..5))
            .prop_map(|(who, writes)| Act::Fail(who, writes)),
        2 => Just(Act::Open),
        1 => Just(Act::Close),
        1 => Just(Act::Stash),
        1 => Just(Act::Swap),
    ]
}

fn columns_of(base: Option<&Vec<Value>>, set: &[(ColumnId, Value)]) -> Vec<Value> {
    let mut columns = base.cloned();
    let columns = columns.get_or_insert_with(|| vec![Value::Null; COLUMNS.into()]);
    for (column, value) in set {
        columns[column.index()] = value.clone();
    }
    std::mem::take(columns)
}

/// The store and the model under the same acts.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) store: TableStore,
    pub(super) model: Model,
}

impl Pair {
    fn new() -> Self {
        let columns = [
            ("number", text()),
            ("branch", ColumnType::Whole),
            ("rate", ColumnType::Decimal),
            ("note", text()),
        ];
        Self { store: TableStore::new(&table(&columns, &KEYS, &INDEXES)), model: Model::default() }
    }

    fn insert(
        &mut self,
        transaction: Option<TransactionId>,
        id: RowId,
        set: &[(ColumnId, Value)],
    ) -> Result<(), TestCaseError> {
        let Self { store, model } = self;
        (model.row_version, model.stamp) = (model.row_version + 1, model.stamp + 1);
        let columns = columns_of(None, set);
        let taken = model.rows.get(&id).filter(|row| {
            row.newest().is_some() || row.writer.is_some() && row.writer != transaction
        });
        let clash = taken.map(|row| Clash { key: Clash::PRIMARY, with: RowNumber(row.number) });
        let clash = clash.or_else(|| model.clash(transaction, id, &columns));
        let before = (store.clone(), store.find(id));
        let result = store.insert(transaction, id, set, model.row_version, model.stamp);
        prop_assert_eq!(result.err(), clash);
        if let Ok(row) = result {
            check_foretold(&before.0, store, row, before.1, set)?;
            let version = Version {
                stamp: transaction.is_none().then_some(model.stamp),
                row_version: model.row_version,
                columns: Some(columns),
            };
            model.put(id, transaction, version);
            prop_assert_eq!(result.ok(), Some(RowNumber(model.rows[&id].number)));
        }
        Ok(())
    }

    /// Updates, or deletes when there is nothing to set, where the row's lock would allow it.
    fn change(
        &mut self,
        transaction: TransactionId,
        id: RowId,
        set: Option<&[(ColumnId, Value)]>,
    ) -> Result<(), TestCaseError> {
        let Self { store, model } = self;
        let Some(row) = model.rows.get(&id) else {
            return Ok(());
        };
        let may = row.writer.is_none_or(|writer| writer == transaction);
        let (Some(before), true) = (row.newest(), may) else {
            return Ok(());
        };
        model.row_version += 1;
        let (number, row_version) = (RowNumber(row.number), model.row_version);
        let columns = set.map(|set| columns_of(Some(before), set));
        if let (Some(set), Some(columns)) = (set, &columns) {
            let clash = model.clash(Some(transaction), id, columns);
            let before = store.clone();
            let result = store.update(transaction, number, set, row_version);
            prop_assert_eq!(result.err(), clash);
            if clash.is_some() {
                return Ok(());
            }
            check_foretold(&before, store, number, Some(number), set)?;
        } else {
            store.delete(transaction, number, row_version);
        }
        let version = Version { stamp: None, row_version, columns };
        model.put(id, Some(transaction), version);
        Ok(())
    }

    /// Carries out the writes of one statement and takes them back, the last one first.
    fn fail(
        &mut self,
        transaction: TransactionId,
        writes: Vec<(RowId, Option<Settings>)>,
    ) -> Result<(), TestCaseError> {
        let (digest, rows) = (digest_of(&self.store), self.model.rows.clone());
        let mut written = Vec::new();
        for (id, set) in writes {
            let row = self.store.find(id);
            let saved = row.map_or(Saved::NOTHING, |row| self.store.saved(transaction, row));
            let is_there = row.is_some_and(|row| self.store.read(row, View::Latest).is_some());
            match set {
                Some(set) if !is_there => self.insert(Some(transaction), id, &set)?,
                set => self.change(transaction, id, set.as_deref())?,
            }
            written.extend(self.store.find(id).map(|row| (row, saved)));
        }
        for (row, saved) in written.into_iter().rev() {
            let version = self.store.restore(transaction, row, &saved);
            let there = self.store.read(row, View::Latest);
            prop_assert_eq!(version, there.map(|image| image.row_version()));
            self.store.check_invariants();
        }
        self.model.rows = rows;
        prop_assert_eq!(digest_of(&self.store), digest);
        Ok(())
    }

    fn end(&mut self, transaction: TransactionId, commits: bool) -> Result<(), TestCaseError> {
        let Self { store, model } = self;
        model.stamp += 1;
        let oldest = model.oldest();
        let rows = model.rows.values();
        let written = rows.filter(|row| row.writer == Some(transaction));
        for row in written {
            let number = RowNumber(row.number);
            if commits {
                store.commit(transaction, number, model.stamp, oldest);
            } else {
                let before = row.committed().next_back();
                let before = before.filter(|version| version.columns.is_some());
                prop_assert_eq!(
                    store.rollback(transaction, number),
                    before.map(|version| version.row_version)
                );
            }
        }
        model.end(transaction, commits);
        Ok(())
    }

    fn step(&mut self, act: Act) -> Result<(), TestCaseError> {
        let transaction = |who| TransactionId(10 + who);
        match act {
            Act::Load(id, set) => self.insert(None, id, &set)?,
            Act::Insert(who, id, set) => self.insert(Some(transaction(who)), id, &set)?,
            Act::Update(who, id, set) => self.change(transaction(who), id, Some(&set))?,
            Act::Delete(who, id) => self.change(transaction(who), id, None)?,
            Act::Commit(who) => self.end(transaction(who), true)?,
            Act::Rollback(who) => self.end(transaction(who), false)?,
            Act::Fail(who, writes) => self.fail(transaction(who), writes)?,
            Act::Open => self.model.snapshots.push(self.model.stamp),
            Act::Close => {
                let snapshots = &mut self.model.snapshots;
                snapshots.drain(..1.min(snapshots.len()));
            }
            Act::Stash | Act::Swap => {}
        }
        self.store.prune(self.model.oldest());
        self.model.forget_the_unseen();
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let Self { store, model } = self;
        store.check_invariants();
        let mut numbers: Vec<_> = model.rows.values().map(|row| RowNumber(row.number)).collect();
        numbers.sort();
        prop_assert_eq!(store.rows().collect::<Vec<_>>(), numbers.clone());
        prop_assert_eq!(store.next_slot(), RowNumber(model.free_number()));
        for from in 0..8 {
            let next = numbers.iter().find(|row| row.0 >= from);
            prop_assert_eq!(store.next_row(from), next.copied());
            self.compare_scans(RowNumber(from))?;
        }
        let committed = model.rows.values();
        let committed =
            committed.filter(|row| row.read(View::Committed { reader: None }).is_some());
        prop_assert_eq!(store.len(), committed.count());
        for id in (0..IDS).map(id) {
            let row = model.rows.get(&id);
            let number = row.map(|row| RowNumber(row.number));
            prop_assert_eq!(store.find(id), number);
            if let (Some(row), Some(number)) = (row, number) {
                prop_assert_eq!(store.writer(number), row.writer);
                self.compare_views(row, number)?;
            }
        }
        self.compare_keys()?;
        self.compare_indexes()
    }

    /// The views that may be asked for now.
    pub(super) fn views(&self) -> Vec<View> {
        let readers = [None, Some(10), Some(11), Some(12)].map(|who| who.map(TransactionId));
        let mut views = vec![View::Latest];
        for reader in readers {
            views.push(View::Committed { reader });
            let stamps = self.model.snapshots.iter();
            views.extend(stamps.map(|stamp| View::Snapshot { stamp: *stamp, reader }));
        }
        views
    }

    /// A scan shows what a look at each row shows.
    fn compare_scans(&self, from: RowNumber) -> Result<(), TestCaseError> {
        for view in self.views() {
            let mut shown = Vec::new();
            self.store.scan(from, view, |row, image| {
                shown.push((row, image.id(), image.row_version()));
                ControlFlow::Continue(())
            });
            let rows = self.store.rows().filter(|row| *row >= from);
            let expected = rows.filter_map(|row| {
                let image = self.store.read(row, view)?;
                Some((row, image.id(), image.row_version()))
            });
            prop_assert_eq!(shown, expected.collect::<Vec<_>>());
        }
        Ok(())
    }

    fn compare_views(&self, row: &Row, number: RowNumber) -> Result<(), TestCaseError> {
        for view in self.views() {
            let found = self.store.read(number, view);
            let expected = row.read(view);
            prop_assert_eq!(found.is_some(), expected.is_some(), "{:?} of {:?}", view, row);
            if let (Some(found), Some(expected)) = (found, expected) {
                prop_assert_eq!(found.row_version(), expected.row_version);
                let values = found.columns().map(|(_, value)| value.to_value());
                prop_assert_eq!(Some(values.collect::<Vec<_>>()), expected.columns.clone());
            }
            if let (View::Snapshot { stamp, reader: None }, Some(_)) = (view, expected) {
                let changed = row.committed().any(|version| version.stamp > Some(stamp));
                prop_assert_eq!(self.store.changed_since(number, stamp), changed);
            }
        }
        Ok(())
    }

    fn compare_keys(&self) -> Result<(), TestCaseError> {
        let oldest = self.model.oldest();
        let mut expected = BTreeMap::<(usize, String), Vec<u32>>::new();
        let mut wanted = Vec::new();
        for key in 0..KEYS.len() {
            for row in self.model.rows.values() {
                for version in row.kept(oldest) {
                    let columns = version.columns.as_ref().expect("kept");
                    let Some(values) = key_of(columns, key) else {
                        continue;
                    };
                    let normal = values.iter().map(|value| match value {
                        Value::Decimal(number) => Value::Decimal(number.normalize()),
                        other => other.clone(),
                    });
                    let name = format!("{:?}", normal.collect::<Vec<_>>());
                    expected.entry((key, name.clone())).or_default().push(row.number);
                    wanted.push((key, values, name));
                }
            }
        }
        for (key, values, name) in wanted {
            let mut rows = expected[&(key, name)].clone();
            rows.sort_unstable();
            rows.dedup();
            let found = self.store.find_by_key(u16::try_from(key).expect("few"), &values);
            prop_assert_eq!(found.map(|row| row.0).collect::<Vec<_>>(), rows);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_the_model_does(history in prop::collection::vec(acts(), 1..80)) {
        let mut pair = Pair::new();
        let mut stash: Vec<(Pair, u64)> = Vec::new();
        for act in history {
            match act {
                Act::Stash => stash.push((pair.clone(), digest_of(&pair.store))),
                Act::Swap => {
                    if let Some((other, digest)) = stash.pop() {
                        prop_assert_eq!(digest_of(&other.store), digest);
                        let own = digest_of(&pair.store);
                        stash.push((std::mem::replace(&mut pair, other), own));
                    }
                }
                act => pair.step(act)?,
            }
            pair.compare()?;
        }
        for (other, digest) in stash {
            other.compare()?;
            prop_assert_eq!(digest_of(&other.store), digest);
        }
    }

    #[test]
    fn a_rollback_leaves_no_trace(
        history in prop::collection::vec(acts(), 0..40),
        doomed in prop::collection::vec(acts(), 1..20),
    ) {
        let mut pair = Pair::new();
        for act in history {
            pair.step(act)?;
        }
        for who in 0..3 {
            pair.step(Act::Commit(who))?;
        }
        let before = digest_of(&pair.store);
        for act in doomed {
            if let Act::Insert(..) | Act::Update(..) | Act::Delete(..) | Act::Fail(..) = act {
                pair.step(act)?;
            }
        }
        for who in 0..3 {
            pair.step(Act::Rollback(who))?;
        }
        prop_assert_eq!(digest_of(&pair.store), before);
    }

    #[test]
    fn nothing_old_is_kept_when_nobody_reads_as_of_the_past(
        history in prop::collection::vec(acts(), 1..60),
    ) {
        let mut pair = Pair::new();
        for act in history {
            pair.step(act)?;
        }
        for who in 0..3 {
            pair.step(Act::Commit(who))?;
        }
        pair.model.snapshots.clear();
        pair.store.prune(u64::MAX);
        pair.model.forget_the_unseen();
        pair.compare()?;
        prop_assert!(pair.store.history.is_empty());
        prop_assert_eq!(pair.store.rows().count(), pair.store.len());
        prop_assert!(pair.store.rows().all(|row| !pair.store.has_history(row)));
    }
}
