//! Batches that are carried out whole or not at all: ExecuteTransaction and the bulk messages.
//!
//! Source: Microsoft Learn, "Execute messages in a single database transaction"; "Use bulk
//! operation messages", On error.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::invariant::{Invariant, Report, told};
use crate::plan::Message;
use crate::trace::{Entry, Event, RequestBegan};
use crate::words::{RequestId, TransactionId};

/// A batch that is under way.
#[derive(Default)]
struct Batch {
    /// The transaction that it has joined or opened.
    transaction: Option<TransactionId>,
    /// The first of its items that has failed.
    failed: Option<RequestId>,
}

/// Watches batches.
#[derive(Default)]
pub(super) struct Watcher {
    batches: BTreeMap<RequestId, Batch>,
    /// The items that are under way, with the batch of each.
    items: BTreeMap<RequestId, RequestId>,
    /// The open transactions in which an item has failed, with its batch.
    failed: BTreeMap<TransactionId, RequestId>,
}

/// Whether a message carries others, all of them or none.
fn is_whole(message: Message) -> bool {
    message.carries() && message != Message::ExecuteMultiple
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::RequestBegan(RequestBegan { request, parent, message, transaction, .. }) => {
                if let Some(parent) = parent {
                    self.begin_item(*request, *parent, *transaction, at, report);
                }
                if is_whole(*message) {
                    let batch = Batch { transaction: *transaction, failed: None };
                    self.batches.insert(*request, batch);
                }
            }
            Event::TransactionBegan { request: Some(request), transaction, .. } => {
                if let Some(batch) = self.batches.get_mut(request) {
                    batch.transaction = Some(*transaction);
                }
            }
            Event::RequestEnded { request, fault } => {
                self.end(*request, fault.is_some(), at, report);
            }
            Event::Committed { transaction } => {
                if let Some(batch) = self.failed.remove(transaction) {
                    report.add(Invariant::Batches, at, |_| {
                        let transaction = told(*transaction);
                        format!("{transaction} is committed, though request {} failed", batch.0)
                    });
                }
            }
            Event::RolledBack { transaction, .. } => {
                self.failed.remove(transaction);
            }
            _ => {}
        }
    }

    /// A request begins within another one's. Those that a batch carries are in its transaction.
    fn begin_item(
        &mut self,
        item: RequestId,
        batch: RequestId,
        transaction: Option<TransactionId>,
        at: Moment,
        report: &mut Report,
    ) {
        let Some(known) = self.batches.get(&batch) else { return };
        self.items.insert(item, batch);
        if known.transaction.is_none() || known.transaction != transaction {
            report.add(Invariant::Batches, at, |_| {
                format!("request {} is not in the transaction of batch {}", item.0, batch.0)
            });
        }
        if let Some(failed) = known.failed {
            report.add(Invariant::Batches, at, |_| {
                let (item, batch, failed) = (item.0, batch.0, failed.0);
                format!("request {item} of batch {batch} begins, though {failed} has failed")
            });
        }
    }

    fn end(&mut self, request: RequestId, has_failed: bool, at: Moment, report: &mut Report) {
        if let Some(number) = self.items.remove(&request)
            && has_failed
            && let Some(batch) = self.batches.get_mut(&number)
        {
            batch.failed.get_or_insert(request);
            if let Some(transaction) = batch.transaction {
                self.failed.insert(transaction, number);
            }
        }
        if let Some(Batch { failed: Some(failed), .. }) = self.batches.remove(&request)
            && !has_failed
        {
            report.add(Invariant::Batches, at, |_| {
                format!("batch {} ends well, though its request {} failed", request.0, failed.0)
            });
        }
    }
}
