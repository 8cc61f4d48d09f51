//! Rows: versions that ascend, rollbacks that restore, reads that see what they may.

use std::collections::BTreeMap;

use crate::check::invariant::order::{State, Transactions};
use crate::check::invariant::{Invariant, Report, told};
use crate::check::{Moment, RowKey};
use crate::trace::{Entry, Event, WriteKind};
use crate::words::{InstanceId, RequestId, TransactionId};

/// Who wrote which row's version, and since when it is out of date.
struct Written {
    key: RowKey,
    writer: Option<TransactionId>,
    /// When a newer version of the row was committed.
    outdated: Option<Moment>,
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
    /// The version that each row had before each open transaction wrote it first.
    before: BTreeMap<TransactionId, BTreeMap<RowKey, u64>>,
    /// The rollback whose rows are being restored, with those that are missing.
    restoring: Option<(TransactionId, Moment, BTreeMap<RowKey, u64>)>,
    /// When each request began.
    requests: BTreeMap<RequestId, Moment>,
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
        match &entry.event {
            Event::RequestBegan { request, .. } => {
                self.requests.insert(*request, at);
            }
            Event::RowLoaded { instance, table, row, row_version, .. } => {
                let key = RowKey::of(*instance, *table, *row);
                self.install(key, None, *row_version, at, report);
                self.committed.insert(key, *row_version);
            }
            Event::RowWritten { .. } => self.write(entry, report),
            Event::RowRead { request, transaction, instance, table, row, row_version, .. } => {
                let key = RowKey::of(*instance, *table, *row);
                let began = self.requests.get(request).copied();
                self.read(*transaction, key, *row_version, (at, began), known, report);
            }
            Event::Committed { transaction } => self.commit(*transaction, at),
            Event::RolledBack { transaction, .. } => {
                let before = self.before.remove(transaction).unwrap_or_default();
                self.restoring = Some((*transaction, at, before));
            }
            _ => {}
        }
    }

    /// A rollback is over: every row that it wrote must have been restored.
    pub(super) fn finish(&mut self, report: &mut Report) {
        let Some((transaction, at, missing)) = self.restoring.take() else {
            return;
        };
        for (key, _) in missing {
            report.add(Invariant::Rollback, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                format!("the rollback of {} misses {place}", told(transaction))
            });
        }
    }

    fn write(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        let Event::RowWritten {
            transaction,
            instance,
            table,
            row,
            kind,
            version_before,
            version_after,
            ..
        } = &entry.event
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
        let before = self.before.entry(*transaction).or_default();
        before.entry(key).or_insert(live);
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
        let written = Written { key, writer, outdated: None };
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
            Some((rolled_back, _, missing)) if *rolled_back == transaction => missing.remove(&key),
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
            let live = self.live.get(key).copied().unwrap_or(0);
            let old = self.committed.insert(*key, live).unwrap_or(0);
            if let Some(old) = self.versions.get_mut(&(key.instance, old)) {
                old.outdated.get_or_insert(at);
            }
        }
    }

    fn read(
        &self,
        reader: Option<TransactionId>,
        key: RowKey,
        version: u64,
        (at, began): (Moment, Option<Moment>),
        known: &Transactions,
        report: &mut Report,
    ) {
        let written = self.versions.get(&(key.instance, version));
        let written = written.filter(|it| it.key == key);
        let own = reader.and_then(|it| self.before.get(&it));
        let wrong = match written {
            None => Some("which it never had".to_owned()),
            _ if own.is_some_and(|it| it.contains_key(&key)) => {
                let live = self.live.get(&key).copied();
                let stale = live != Some(version);
                stale.then(|| "and not what its own transaction wrote".to_owned())
            }
            Some(written) => match written.writer.map(|it| (it, known.state(it))) {
                None | Some((_, Some(State::Committed))) => {
                    let outdated = written.outdated.zip(began);
                    let stale = outdated.is_some_and(|(outdated, began)| outdated < began);
                    stale.then(|| "which was out of date when the request began".to_owned())
                }
                Some((writer, _)) if Some(writer) == reader => None,
                Some((writer, Some(State::Open))) => {
                    Some(format!("which {} has not committed", told(writer)))
                }
                Some((writer, _)) => Some(format!("which {} rolled back", told(writer))),
            },
        };
        if let Some(wrong) = wrong {
            report.add(Invariant::CommittedReads, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                format!("version {version} of {place} is read, {wrong}")
            });
        }
    }
}
