//! What was asked for: the steps of sessions, requests, and statements.

use crate::check::Moment;
use crate::check::history::fold::Fold;
use crate::check::history::{Request, RequestKind, RowKey, StepEnd, StepRun, Version};
use crate::trace::{Entry, Event, JobEvent, RequestBegan, StatementBegan};
use crate::words::{InstanceId, LaneId, RequestId, TableId, TransactionId};

impl Request<'_> {
    /// A request of which no more is known than what was asked, by whom and of whom.
    const fn asked(lane: LaneId, instance: InstanceId, kind: RequestKind, table: TableId) -> Self {
        Self {
            lane,
            parent: None,
            instance,
            kind,
            became: None,
            table,
            row: None,
            input: &[],
            transaction: None,
            began: None,
            ended: None,
        }
    }
}

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
                    let kind = RequestKind::Message(*message);
                    let asked = Request::asked(*lane, *instance, kind, *table);
                    known.get_or_insert(Request { row: *row, ..asked });
                });
            }
            Event::RequestBegan(RequestBegan {
                lane,
                request,
                parent,
                instance,
                message,
                table,
                row,
                transaction,
                input,
                ..
            }) => self.request(*request, |known| {
                let kind = RequestKind::Message(*message);
                let asked = Request::asked(*lane, *instance, kind, *table);
                let asked = Request { parent: *parent, row: *row, ..asked };
                let request = known.get_or_insert(asked);
                request.transaction = request.transaction.or(*transaction);
                request.input = input;
                request.began.get_or_insert(at);
            }),
            Event::Job(JobEvent::Began { lane, request, cause, instance, .. }) => {
                let event = self.history.requests.get(cause).map(|it| (it.kind, it.table));
                if let Some((_, table)) = event {
                    self.request(*request, |known| {
                        let kind = RequestKind::Job;
                        let asked = Request::asked(*lane, *instance, kind, table);
                        known.get_or_insert(Request { began: Some(at), ..asked });
                    });
                }
            }
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
            Event::StatementBegan(StatementBegan {
                lane,
                request,
                instance,
                table,
                kind,
                transaction,
                ..
            }) => {
                self.request(*request, |known| {
                    let kind = RequestKind::Statement(*kind);
                    let asked = Request::asked(*lane, *instance, kind, *table);
                    let transaction = Some(*transaction);
                    known.get_or_insert(Request { transaction, began: Some(at), ..asked });
                });
                self.enter(*transaction, *request, at);
            }
            Event::RequestBegan(RequestBegan {
                request, transaction: Some(transaction), ..
            })
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
