//! What was asked for: the steps of sessions, requests, and statements.

use crate::check::Moment;
use crate::check::history::fold::Fold;
use crate::check::history::{Request, RequestKind, RowKey, StepEnd, StepRun, Version};
use crate::trace::{Entry, Event};
use crate::words::{RequestId, TransactionId};

impl<'t> Fold<'t> {
    pub(super) fn steps(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        let steps = &mut self.history.steps;
        match &entry.event {
            Event::StepBegan { lane, step, label } => {
                self.steps.insert(*lane, steps.len());
                let (lane, step) = (*lane, *step);
                steps.push(StepRun {
                    lane,
                    step,
                    label,
                    began: at,
                    ended: None,
                    waits: Vec::new(),
                });
            }
            Event::StepEnded { lane, fault, answer, .. } => {
                if let Some(position) = self.steps.remove(lane) {
                    steps[position].ended = Some(StepEnd { at, fault: fault.as_ref(), answer });
                }
            }
            _ => {}
        }
    }

    pub(super) fn requests(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::RequestSent { lane, request, instance, message, table, row } => {
                self.request(*request, |known| {
                    known.get_or_insert(Request {
                        lane: *lane,
                        parent: None,
                        instance: *instance,
                        kind: RequestKind::Message(*message),
                        became: None,
                        table: *table,
                        row: *row,
                        transaction: None,
                        began: None,
                        ended: None,
                    });
                });
            }
            Event::RequestBegan {
                lane,
                request,
                parent,
                instance,
                message,
                table,
                row,
                transaction,
                ..
            } => self.request(*request, |known| {
                let request = known.get_or_insert(Request {
                    lane: *lane,
                    parent: *parent,
                    instance: *instance,
                    kind: RequestKind::Message(*message),
                    became: None,
                    table: *table,
                    row: *row,
                    transaction: None,
                    began: None,
                    ended: None,
                });
                request.transaction = request.transaction.or(*transaction);
                request.began.get_or_insert(at);
            }),
            Event::TransactionBegan { transaction, request: Some(request), .. } => {
                self.request(*request, |known| {
                    if let Some(request) = known {
                        request.transaction.get_or_insert(*transaction);
                    }
                })
            }
            Event::UpsertResolved { request, became, .. } => self.request(*request, |known| {
                if let Some(request) = known {
                    request.became = *became;
                }
            }),
            Event::RequestEnded { request, fault } | Event::StatementEnded { request, fault } => {
                self.request(*request, |known| {
                    if let Some(request) = known {
                        request.ended.get_or_insert((at, fault.as_ref()));
                    }
                })
            }
            _ => {}
        }
    }

    /// The statements of sessions, and what goes on in each transaction.
    pub(super) fn statements(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::StatementBegan { lane, request, instance, table, kind, transaction, .. } => {
                self.request(*request, |known| {
                    known.get_or_insert(Request {
                        lane: *lane,
                        parent: None,
                        instance: *instance,
                        kind: RequestKind::Statement(*kind),
                        became: None,
                        table: *table,
                        row: None,
                        transaction: Some(*transaction),
                        began: Some(at),
                        ended: None,
                    });
                });
                self.enter(*transaction, *request, at);
            }
            Event::RequestBegan { request, transaction: Some(transaction), .. }
            | Event::TransactionBegan { transaction, request: Some(request), .. } => {
                self.enter(*transaction, *request, at);
            }
            Event::StatementUndone { transaction, request } => {
                let pending = self.pending.entry(*transaction).or_default();
                let of_statement = |it: &mut (RowKey, Version)| it.1.request == Some(*request);
                let undone: Vec<_> = pending.extract_if(.., of_statement).collect();
                for (key, version) in undone {
                    self.row(key).undone.push(Version { settled: at, ..version });
                }
            }
            _ => {}
        }
    }

    /// A request or statement begins in a transaction.
    fn enter(&mut self, transaction: TransactionId, request: RequestId, at: Moment) {
        if let Some(transaction) = self.history.transactions.get_mut(&transaction) {
            transaction.first.get_or_insert((request, at));
            transaction.last = Some(request);
        }
    }

    /// Changes what is known of one request.
    fn request(&mut self, id: RequestId, change: impl FnOnce(&mut Option<Request<'t>>)) {
        let mut known = self.history.requests.remove(&id);
        change(&mut known);
        if let Some(known) = known {
            self.history.requests.insert(id, known);
        }
    }
}
