//! The rows that a report follows: those that are written, and what other instances hold of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{History, RowKey};
use crate::report::html::state::{Change, Fact, Standing};
use crate::trace::{Event, LockResource, RowWritten, WriteKind};
use crate::words::{ColumnId, InstanceId, RowId, TableId, TransactionId, Value};

/// The most rows that are followed.
const ROWS_MAX: usize = 60;

/// The most columns of a row that are shown.
const COLUMNS_MAX: usize = 4;

/// A row's columns.
type Image = BTreeMap<ColumnId, Value>;

/// What one transaction wrote to one row, with the versions: the last counts, and `None` is a
/// row that it deleted.
type Writes = Vec<(u64, Option<Image>)>;

/// The rows that are followed.
pub(super) struct Rows {
    /// The rows, each in one instance.
    pub(super) keys: Vec<RowKey>,
    /// Which columns are shown, by table: those that are written.
    columns: BTreeMap<TableId, BTreeSet<ColumnId>>,
}

impl Rows {
    /// Chooses the rows: the contended ones first, then those that are written, in order; and of
    /// each what the other instances hold.
    pub(super) fn of(history: &History, resources: &[LockResource]) -> Self {
        let mut wanted: Vec<(InstanceId, TableId, RowId)> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut columns: BTreeMap<TableId, BTreeSet<ColumnId>> = BTreeMap::new();
        let contended = resources.iter().filter_map(|it| match *it {
            LockResource::Row { instance, table, row } => Some((instance, table, row)),
            _ => None,
        });
        let written = history.trace.entries.iter().filter_map(|it| match &it.event {
            Event::RowWritten(written) => Some((written.instance, written.table, written.row)),
            _ => None,
        });
        for key in contended.chain(written) {
            if wanted.len() < ROWS_MAX && seen.insert(key) {
                wanted.push(key);
            }
        }
        for entry in &history.trace.entries {
            if let Event::RowWritten(RowWritten { table, columns: written, .. }) = &entry.event {
                let shown = columns.entry(*table).or_default();
                shown.extend(written.iter().map(|(column, _, _)| *column));
            }
        }
        let instances = 0..u16::try_from(history.trace.header.instances.len()).unwrap_or(0);
        let mut keys = Vec::new();
        for (instance, table, row) in wanted {
            let others = instances.clone().map(InstanceId).filter(|it| *it != instance);
            let twins = others.map(|it| RowKey::of(it, table, row));
            let twins = twins.filter(|it| history.rows.contains_key(it));
            for key in std::iter::once(RowKey::of(instance, table, row)).chain(twins) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        Self { keys, columns }
    }

    /// How the rows change, event by event.
    pub(super) fn changes(&self, history: &History) -> Vec<Change> {
        let number = self.keys.iter().enumerate().map(|(at, it)| (*it, at)).collect();
        let mut fold = Fold {
            rows: self,
            history,
            number,
            committed: BTreeMap::new(),
            pending: BTreeMap::new(),
            changes: Vec::new(),
            now: 0,
        };
        for entry in &history.trace.entries {
            fold.now = entry.sequence;
            fold.event(&entry.event);
        }
        fold.changes
    }

    /// A row in words.
    fn told(&self, history: &History, table: TableId, image: &Image) -> String {
        let shown = self.columns.get(&table);
        let told = image.iter().filter(|(column, value)| {
            **value != Value::Null && shown.is_none_or(|it| it.is_empty() || it.contains(column))
        });
        let mut parts: Vec<String> = told
            .map(|(column, value)| {
                let column = history.names.column(table, *column);
                format!("{column} {}", history.names.value(value))
            })
            .collect();
        if parts.is_empty() {
            return "all blank".to_owned();
        }
        let more = parts.len().saturating_sub(COLUMNS_MAX);
        parts.truncate(COLUMNS_MAX);
        let rest = if more > 0 { format!(", {more} more") } else { String::new() };
        format!("{}{rest}", parts.join(", "))
    }
}

struct Fold<'r, 'h> {
    rows: &'r Rows,
    history: &'r History<'h>,
    number: BTreeMap<RowKey, usize>,
    committed: BTreeMap<usize, Image>,
    /// What is written and not committed.
    pending: BTreeMap<(usize, TransactionId), Writes>,
    changes: Vec<Change>,
    now: u32,
}

impl Fold<'_, '_> {
    fn change(&mut self, fact: Fact, standing: Option<Standing>) {
        self.changes.push((self.now, fact, standing));
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::RowLoaded { instance, table, row, columns, .. } => {
                let key = RowKey::of(*instance, *table, *row);
                if let Some(at) = self.number.get(&key).copied() {
                    let image = columns.iter().cloned().collect();
                    self.commit(at, Some(image));
                }
            }
            Event::RowWritten(written) => self.written(written),
            Event::RowRestored { transaction, instance, table, row, row_version } => {
                let key = RowKey::of(*instance, *table, *row);
                if let Some(at) = self.number.get(&key).copied() {
                    self.restored(at, *transaction, *row_version);
                }
            }
            Event::Committed { transaction } => {
                for (at, images) in self.taken(*transaction) {
                    if let Some((_, image)) = images.into_iter().last() {
                        self.commit(at, image);
                    }
                }
            }
            Event::RolledBack { transaction, .. } => {
                self.taken(*transaction);
            }
            _ => {}
        }
    }

    fn commit(&mut self, at: usize, image: Option<Image>) {
        let table = self.rows.keys[at].table;
        let told = image.as_ref().map(|it| self.rows.told(self.history, table, it));
        self.change(Fact::Committed(at), told.map(Standing::Told));
        match image {
            Some(image) => self.committed.insert(at, image),
            None => self.committed.remove(&at),
        };
    }

    fn written(&mut self, written: &RowWritten) {
        let key = RowKey::of(written.instance, written.table, written.row);
        let Some(at) = self.number.get(&key).copied() else {
            return;
        };
        let before = self.pending.get(&(at, written.transaction)).and_then(|it| it.last());
        let mut image = match before {
            Some((_, image)) => image.clone().unwrap_or_default(),
            None => self.committed.get(&at).cloned().unwrap_or_default(),
        };
        image.extend(written.columns.iter().map(|(column, _, after)| (*column, after.clone())));
        let image = (written.kind != WriteKind::Delete).then_some(image);
        let writes = self.pending.entry((at, written.transaction)).or_default();
        writes.push((written.version_after, image));
        self.tell(at, written.transaction);
    }

    /// Of what a transaction wrote to a row, what is later than this version is taken back.
    fn restored(&mut self, at: usize, transaction: TransactionId, version: u64) {
        if let Some(writes) = self.pending.get_mut(&(at, transaction)) {
            writes.retain(|(after, _)| *after <= version);
            self.tell(at, transaction);
        }
    }

    /// Tells what a transaction has written to a row and not committed.
    fn tell(&mut self, at: usize, transaction: TransactionId) {
        let table = self.rows.keys[at].table;
        let last = self.pending.get(&(at, transaction)).and_then(|it| it.last());
        let told = last.map(|(_, image)| match image {
            Some(image) => self.rows.told(self.history, table, image),
            None => "deleted".to_owned(),
        });
        self.change(Fact::Pending(at, transaction), told.map(Standing::Told));
    }

    /// Everything that a transaction has written, which is pending no more.
    fn taken(&mut self, transaction: TransactionId) -> Vec<(usize, Writes)> {
        let is_its = |(_, by): &(usize, TransactionId)| *by == transaction;
        let keys: Vec<_> = self.pending.keys().copied().filter(is_its).collect();
        let mut taken = Vec::new();
        for (at, by) in keys {
            self.change(Fact::Pending(at, by), None);
            taken.extend(self.pending.remove(&(at, by)).map(|it| (at, it)));
        }
        taken
    }
}
