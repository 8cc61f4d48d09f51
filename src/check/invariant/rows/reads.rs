//! What a read may see, by its level:
//!
//! | level | the version that is read |
//! |---|---|
//! | read uncommitted | what stands there; the trace says who wrote it, if it is not committed |
//! | read committed, repeatable read, serializable | the newest that is committed |
//! | read committed snapshot | one that was not out of date when the statement began |
//! | snapshot | what was committed at one moment, the same for all reads of the transaction |
//!
//! Who has written the row sees, at every level, what it wrote. What goes into a write is read
//! under the write's lock: the newest that is committed, at every level.
//!
//! The moment of a snapshot is not in the trace. It is not before the transaction's first request
//! and not after its first access, and each read narrows it further: not before the version that
//! was read was committed, and before the next one was. When nothing is left, the reads were of two
//! moments.

use std::collections::BTreeMap;

use crate::check::invariant::order::{State, Transactions};
use crate::check::invariant::rows::{Watcher, Written};
use crate::check::invariant::{Invariant, Report, told};
use crate::check::{Moment, RowKey};
use crate::plan::Isolation;
use crate::trace::{
    Entry, Event, ReadKind, RequestBegan, RowRead, RowWritten, RowsSelected, StatementBegan,
};
use crate::words::TransactionId;

/// Between which moments each open transaction's snapshot was taken.
#[derive(Default)]
pub(super) struct Snapshots {
    windows: BTreeMap<TransactionId, Window>,
}

struct Window {
    /// When the first request in it began.
    began: Option<Moment>,
    /// Not before this.
    least: Moment,
    /// Before this; `None` until it looked at something.
    most: Option<Moment>,
}

impl Snapshots {
    pub(super) fn see(&mut self, entry: &Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::TransactionBegan {
                transaction,
                isolation: Isolation::Snapshot,
                request,
                ..
            } => {
                let window = Window { began: request.map(|_| at), least: at, most: None };
                self.windows.insert(*transaction, window);
            }
            Event::StatementBegan(StatementBegan { transaction, .. })
            | Event::RequestBegan(RequestBegan { transaction: Some(transaction), .. }) => {
                if let Some(window) = self.windows.get_mut(transaction)
                    && window.began.is_none()
                {
                    window.began = Some(at);
                    window.least = at;
                }
            }
            Event::RowRead(RowRead { transaction: Some(transaction), .. })
            | Event::RowsSelected(RowsSelected { transaction: Some(transaction), .. })
            | Event::RowWritten(RowWritten { transaction, .. }) => {
                if let Some(window) = self.windows.get_mut(transaction) {
                    window.most.get_or_insert(at);
                }
            }
            Event::Committed { transaction } | Event::RolledBack { transaction, .. } => {
                self.windows.remove(transaction);
            }
            _ => {}
        }
    }

    /// A version is read. Whether there is a moment at which all that was read was the newest that
    /// was committed.
    fn narrow(&mut self, reader: Option<TransactionId>, written: &Written) -> bool {
        let Some(window) = reader.and_then(|it| self.windows.get_mut(&it)) else {
            return true;
        };
        window.least = window.least.max(written.committed.unwrap_or_default());
        if let Some(outdated) = written.outdated {
            window.most = Some(window.most.map_or(outdated, |most| most.min(outdated)));
        }
        window.most.is_none_or(|most| window.least < most)
    }
}

impl Watcher {
    pub(super) fn read(&mut self, entry: &Entry, known: &Transactions, report: &mut Report) {
        let at = Moment::of(entry);
        let Event::RowRead(RowRead { instance, table, row, row_version: version, .. }) =
            &entry.event
        else {
            return;
        };
        let key = RowKey::of(*instance, *table, *row);
        if let Some(wrong) = self.wrong_with(entry, key, known) {
            report.add(Invariant::CommittedReads, at, |names| {
                let place = names.place(key.instance, key.table, key.row);
                format!("version {version} of {place} is read, {wrong}")
            });
        }
    }

    /// What is wrong with a read, if anything.
    fn wrong_with(&mut self, entry: &Entry, key: RowKey, known: &Transactions) -> Option<String> {
        let Event::RowRead(RowRead {
            transaction: reader, row_version, level, kind, writer, ..
        }) = &entry.event
        else {
            return None;
        };
        let written = self.versions.get(&(key.instance, *row_version));
        let Some(written) = written.filter(|it| it.key == key) else {
            return Some("which it never had".to_owned());
        };
        let state = written.writer.and_then(|it| known.state(it));
        let dirty = written.writer.filter(|it| state == Some(State::Open) && Some(*it) != *reader);
        let is_live = self.live.get(&key) == Some(row_version);
        if *level == Isolation::ReadUncommitted && *kind != ReadKind::Computed {
            return match (is_live, dirty) {
                (false, _) => Some("which is not what stands there".to_owned()),
                (true, dirty) if dirty == *writer => None,
                (true, Some(dirty)) => {
                    Some(format!("and the trace does not say that {} wrote it", told(dirty)))
                }
                (true, None) => Some("which is said not to be committed, and is".to_owned()),
            };
        }
        let own = reader.and_then(|it| self.before.get(&it));
        if own.is_some_and(|it| it.contains_key(&key)) {
            return (!is_live).then(|| "and not what its own transaction wrote".to_owned());
        }
        if let Some(dirty) = dirty {
            return Some(format!("which {} has not committed", told(dirty)));
        }
        match written.writer {
            Some(writer) if written.undone => {
                return Some(format!("which a statement of {} took back", told(writer)));
            }
            Some(writer) if state != Some(State::Committed) => {
                return Some(format!("which {} rolled back", told(writer)));
            }
            Some(writer) if written.committed.is_none() => {
                return Some(format!("which {} wrote over before it was committed", told(writer)));
            }
            _ => {}
        }
        self.wrong_version(entry, key)
    }

    /// What is wrong with a version that is, or was, committed.
    fn wrong_version(&mut self, entry: &Entry, key: RowKey) -> Option<String> {
        let Event::RowRead(RowRead {
            request, transaction, row_version, level, kind, writer, ..
        }) = &entry.event
        else {
            return None;
        };
        if writer.is_some() {
            return Some("which is said not to be committed, and is".to_owned());
        }
        let written = self.versions.get(&(key.instance, *row_version))?;
        let is_newest = self.committed.get(&key) == Some(row_version);
        match level {
            Isolation::Snapshot => {
                let fits = self.snapshots.narrow(*transaction, written);
                (!fits).then(|| "which is of another moment than its snapshot".to_owned())
            }
            Isolation::ReadCommittedSnapshot if *kind != ReadKind::Computed => {
                let began = self.requests.get(request);
                let stale = written.outdated.zip(began).is_some_and(|(old, began)| old < *began);
                stale.then(|| "which was out of date when the request began".to_owned())
            }
            _ => (!is_newest).then(|| "which is not the newest that is committed".to_owned()),
        }
    }
}
