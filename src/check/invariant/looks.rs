//! Reads that lock nothing: at read uncommitted, and where versions are read.
//!
//! A lock is a transaction's, and the trace does not say for which request it was taken. It is the
//! innermost that is open in the transaction. Whether that one reads without locks is told by what
//! it reads, which may come before the lock or after it.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide": reads under row
//! versioning take no shared locks, only schema stability; "Table hints": UPDLOCK, XLOCK and the
//! like take their locks at every level.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::invariant::{Invariant, Report, told};
use crate::plan::{Hint, Isolation, StatementKind};
use crate::trace::{
    Entry, Event, LockResource, RequestBegan, RowRead, RowsSelected, StatementBegan,
};
use crate::words::{RequestId, TransactionId};

/// A request that only reads.
#[derive(Default)]
struct Reader {
    /// Its first lock on a row, an entry, a gap or a transaction.
    locked: Option<(TransactionId, LockResource, Moment)>,
    /// Whether it reads without locks.
    free: bool,
}

/// Watches reads.
#[derive(Default)]
pub(super) struct Watcher {
    readers: BTreeMap<RequestId, Reader>,
    /// The requests that are open in each transaction, the innermost last.
    open: BTreeMap<TransactionId, Vec<RequestId>>,
    /// In which transaction each request is open.
    within: BTreeMap<RequestId, TransactionId>,
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        match &entry.event {
            Event::RequestBegan(RequestBegan { request, message, transaction, .. }) => {
                if message.is_read() {
                    self.readers.insert(*request, Reader::default());
                }
                self.open(*transaction, *request);
            }
            Event::TransactionBegan { transaction, request: Some(request), .. } => {
                self.open(Some(*transaction), *request);
            }
            Event::StatementBegan(StatementBegan { request, kind, transaction, hints, .. }) => {
                let asks = [Hint::UpdLock, Hint::XLock, Hint::TabLock, Hint::ReadCommittedLock];
                if *kind == StatementKind::Select && !asks.into_iter().any(|it| hints.has(it)) {
                    self.readers.insert(*request, Reader::default());
                }
                self.open(Some(*transaction), *request);
            }
            Event::RequestEnded { request, .. } | Event::StatementEnded { request, .. } => {
                self.readers.remove(request);
                if let Some(transaction) = self.within.remove(request)
                    && let Some(open) = self.open.get_mut(&transaction)
                {
                    open.retain(|it| it != request);
                    if open.is_empty() {
                        self.open.remove(&transaction);
                    }
                }
            }
            Event::LockGranted { transaction, resource, .. }
            | Event::LockQueued { transaction, resource, .. } => {
                let of_rows = !matches!(resource, LockResource::Table { .. });
                let innermost = self.open.get(transaction).and_then(|it| it.last());
                if let Some(request) = innermost.copied().filter(|_| of_rows)
                    && let Some(reader) = self.readers.get_mut(&request)
                {
                    let lock = (*transaction, *resource, Moment::of(entry));
                    reader.locked.get_or_insert(lock);
                    judge(request, reader, report);
                }
            }
            Event::RowRead(RowRead { request, level, .. })
            | Event::RowMissed { request, level, .. }
            | Event::RowsSelected(RowsSelected { request, level, .. }) => {
                let free = *level == Isolation::ReadUncommitted || level.reads_versions();
                if let Some(reader) = self.readers.get_mut(request).filter(|_| free) {
                    reader.free = true;
                    judge(*request, reader, report);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, transaction: Option<TransactionId>, request: RequestId) {
        if let Some(transaction) = transaction {
            self.open.entry(transaction).or_default().push(request);
            self.within.insert(request, transaction);
        }
    }
}

fn judge(request: RequestId, reader: &mut Reader, report: &mut Report) {
    let Some((transaction, resource, at)) = reader.locked.filter(|_| reader.free) else {
        return;
    };
    reader.locked = None;
    report.add(Invariant::LockFreeReads, at, |names| {
        let (holder, place) = (told(transaction), names.resource(&resource));
        format!(
            "request {} only reads, without locks, and {holder} locks {place} for it",
            request.0
        )
    });
}
