//! Rows: versions that ascend, writes that don't meet, rollbacks that restore, reads that see what
//! they may.

mod reads;

use std::collections::BTreeMap;

use crate::check::invariant::order::Transactions;
use crate::check::invariant::{Invariant, Report, told};
use crate::check::{Moment, RowKey};
use crate::trace::{Entry, Event, RequestBegan, RowWritten, StatementBegan, WriteKind};
use crate::words::{InstanceId, RequestId, TransactionId};

use reads::Snapshots;

/// Who wrote which row's version, and what became of it.
struct Written {
    key: RowKey,
    writer: Option<TransactionId>,
    /// When it was committed as the row's newest; for a loaded row, when it was loaded.
    committed: Option<Moment>,
    /// When a newer version of the row was committed.
    outdated: Option<Moment>,
    /// Whether the statement that wrote it was taken back.
    undone: bool,
}

/// What a row was before an open transaction wrote it first.
struct Before {
    version: u64,
    /// The requests of the transaction that wrote the row and have not been taken back.
    requests: Vec<RequestId>,
}

/// A rollback whose rows are being restored.
struct Restoring {
    transaction: TransactionId,
    /// The statement, where no more is taken back.
    statement: Option<RequestId>,
    at: Moment,
    /// The rows that have not been restored yet, with their versions.
    missing: BTreeMap<RowKey, u64>,
}

/// Watches rows.
#[derive(Default)]
pub(super) struct Watcher {
    /// The version of each row that is there now, committed or not; 0 for a row that is not.
    live: BTreeMap<RowKey, u64>,
    /// The version of each row that was committed last; 0 for a row that is not there.
    committed: BTreeMap<RowKey, u64>,
    /// The newest version of each instance.
    newest: BTreeMap<InstanceId, u64>,
    versions: BTreeMap<(InstanceId, u64), Written>,
    /// The rows that each open transaction has written.
    before: BTreeMap<TransactionId, BTreeMap<RowKey, Before>>,
    /// The open transaction that has written each row.
    writers: BTreeMap<RowKey, TransactionId>,
    /// The version that each row had before each request wrote it first.
    before_request: BTreeMap<RequestId, BTreeMap<RowKey, u64>>,
    restoring: Option<Restoring>,
    /// When each request and statement began.
    requests: BTreeMap<RequestId, Moment>,
    snapshots: Snapshots,
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, known: &Transactions, report: &mut Report) {
        let at = Moment::of(entry);
        if let Event::RowRestored { transaction, instance, table, row, row_version } = &entry.event
        {
            let key = RowKey::of(*instance, *table, *row);
            self.restore(*transaction, key, *row_version, at, report);
            return;
        }
        self.finish(report);
        self.snapshots.see(entry);
        match &entry.event {
            Event::RequestBegan(RequestBegan { request, .. })
            | Event::StatementBegan(StatementBegan { request, .. }) => {
                self.requests.insert(*request, at);
            }
            Event::RowLoaded { instance, table, row, row_version, .. } => {
                let key = RowKey::of(*instance, *table, *row);
                self.install(key, None, *row_version, at, report);
                self.committed.insert(key, *row_version);
            }
            Event::RowWritten(..) => self.write(entry, report),
            Event::RowRead(..) => self.read(entry, known, report),
            Event::Committed { transaction } => self.commit(*transaction, at),
            Event::RolledBack { transaction, .. } => {
                let before = self.before.remove(transaction).unwrap_or_default();
                for key in before.keys() {
                    self.writers.remove(key);
                }
                let missing = before.into_iter().map(|(key, it)| (key, it.version)).collect();
                let (transaction, statement) = (*transaction, None);
                self.restoring = Some(Restoring { transaction, statement, at, missing });
            }
            Event::StatementUndone { transaction, request } => {
                self.undo(*transaction, *request, at);
            }
            _ => {}
        }
    }

    /// A rollback is over: every row that it wrote must have been restored.
    pub(super) fn finish(&mut self, report: &mut Report) {
        let Some(Restoring { transaction, statement, at, missing }) = self.restoring.take() else {
            return;
        };
        for (key, _) in missing {
            report.add(Invariant::Rollback, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                let whose = match statement {
                    None => told(transaction),
                    Some(request) => format!("request {} of {}", request.0, told(transaction)),
                };
                format!("the rollback of {whose} misses {place}")
            });
        }
    }

    /// A statement is taken back: its versions were never there.
    fn undo(&mut self, transaction: TransactionId, request: RequestId, at: Moment) {
        let missing = self.before_request.remove(&request).unwrap_or_default();
        for key in missing.keys() {
            let Some(rows) = self.before.get_mut(&transaction) else {
                break;
            };
            if let Some(before) = rows.get_mut(key) {
                before.requests.retain(|it| *it != request);
                if before.requests.is_empty() {
                    rows.remove(key);
                    self.writers.remove(key);
                }
            }
            let live = self.live.get(key).copied().unwrap_or(0);
            if let Some(written) = self.versions.get_mut(&(key.instance, live)) {
                written.undone = true;
            }
        }
        let statement = Some(request);
        self.restoring = Some(Restoring { transaction, statement, at, missing });
    }

    fn write(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        let Event::RowWritten(RowWritten {
            transaction,
            request,
            instance,
            table,
            row,
            kind,
            version_before,
            version_after,
            ..
        }) = &entry.event
        else {
            return;
        };
        let key = RowKey::of(*instance, *table, *row);
        let live = self.live.get(&key).copied().unwrap_or(0);
        let expected = match kind {
            WriteKind::Insert => 0,
            WriteKind::Update | WriteKind::Delete => *version_before,
        };
        let absent = *kind != WriteKind::Insert && live == 0;
        if live != *version_before || *version_before != expected || absent {
            report.add(Invariant::RowVersions, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                format!(
                    "a write replaces version {version_before} of {place}, which has version {live}"
                )
            });
        }
        let other = self.writers.insert(key, *transaction).filter(|it| it != transaction);
        if let Some(other) = other {
            report.add(Invariant::WriteUnderLock, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                let (writer, other) = (told(*transaction), told(other));
                format!("{writer} writes {place}, which {other} has written and not committed")
            });
        }
        let before = self.before.entry(*transaction).or_default();
        let before = before.entry(key);
        let before = before.or_insert(Before { version: live, requests: Vec::new() });
        before.requests.push(*request);
        let of_request = self.before_request.entry(*request).or_default();
        of_request.entry(key).or_insert(live);
        if *kind != WriteKind::Delete || *version_after != 0 {
            self.install(key, Some(*transaction), *version_after, at, report);
        }
        if *kind == WriteKind::Delete {
            self.live.insert(key, 0);
        }
    }

    /// A row has a new version.
    fn install(
        &mut self,
        key: RowKey,
        writer: Option<TransactionId>,
        version: u64,
        at: Moment,
        report: &mut Report,
    ) {
        let newest = self.newest.entry(key.instance).or_default();
        if version <= *newest {
            let newest = *newest;
            report.add(Invariant::RowVersions, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                format!("{place} gets version {version} after version {newest} was given")
            });
        }
        *newest = version.max(*newest);
        self.live.insert(key, version);
        let committed = writer.is_none().then_some(at);
        let written = Written { key, writer, committed, outdated: None, undone: false };
        self.versions.insert((key.instance, version), written);
    }

    fn restore(
        &mut self,
        transaction: TransactionId,
        key: RowKey,
        version: u64,
        at: Moment,
        report: &mut Report,
    ) {
        let expected = match &mut self.restoring {
            Some(it) if it.transaction == transaction => it.missing.remove(&key),
            _ => None,
        };
        if expected != Some(version) {
            report.add(Invariant::Rollback, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                let rightly = match expected {
                    Some(0) => "and should be gone".to_owned(),
                    Some(expected) => format!("and had version {expected}"),
                    None => "which it need not restore".to_owned(),
                };
                let transaction = told(transaction);
                format!("{transaction} restores {place} to version {version}, {rightly}")
            });
        }
        self.live.insert(key, version);
    }

    fn commit(&mut self, transaction: TransactionId, at: Moment) {
        for key in self.before.remove(&transaction).unwrap_or_default().keys() {
            self.writers.remove(key);
            let live = self.live.get(key).copied().unwrap_or(0);
            let old = self.committed.insert(*key, live).unwrap_or(0);
            if let Some(old) = self.versions.get_mut(&(key.instance, old)) {
                old.outdated.get_or_insert(at);
            }
            if let Some(new) = self.versions.get_mut(&(key.instance, live)) {
                new.committed.get_or_insert(at);
            }
        }
    }
}
