//! Sessions: steps that begin and end, and statements that do so within one.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::invariant::order::{State, Transactions};
use crate::check::invariant::{Invariant, Report, told};
use crate::trace::{Entry, Event, LaneKind, StatementBegan};
use crate::words::{LaneId, RequestId, TransactionId};

/// What a session is doing.
#[derive(Default)]
struct Doing {
    step: Option<u16>,
    statement: Option<(RequestId, TransactionId)>,
}

/// Watches sessions.
#[derive(Default)]
pub(super) struct Watcher {
    sessions: BTreeMap<LaneId, Doing>,
    /// Every statement that has begun, with its lane.
    statements: BTreeMap<RequestId, LaneId>,
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, known: &Transactions, report: &mut Report) {
        let at = Moment::of(entry);
        let mut broken = |text: String| report.add(Invariant::Sessions, at, |_| text);
        match &entry.event {
            Event::LaneBegan { lane, kind: LaneKind::Session { .. }, .. } => {
                self.sessions.insert(*lane, Doing::default());
            }
            Event::StepBegan { lane, step, label } => match self.sessions.get_mut(lane) {
                None => broken(format!("step {label} begins in lane {}, no session", lane.0)),
                Some(doing) => {
                    if doing.step.replace(*step).is_some() {
                        broken(format!("step {label} begins before the one before it has ended"));
                    }
                }
            },
            Event::StepEnded { lane, step, .. } => {
                let doing = self.sessions.entry(*lane).or_default();
                if doing.step.take() != Some(*step) {
                    broken(format!("step {step} of lane {} ends and is not under way", lane.0));
                }
                if let Some((statement, _)) = doing.statement {
                    let (step, lane, request) = (step, lane.0, statement.0);
                    broken(format!("step {step} of lane {lane} ends before its request {request}"));
                }
            }
            Event::StatementBegan(_) => self.begin(entry, known, report),
            Event::StatementEnded { request, .. } => {
                if self.running(*request).is_none() {
                    broken(format!("request {} ends and is not under way", request.0));
                }
                if let Some(doing) =
                    self.statements.get(request).and_then(|lane| self.sessions.get_mut(lane))
                {
                    doing.statement = None;
                }
            }
            Event::StatementUndone { transaction, request }
                if self.running(*request) != Some(*transaction) =>
            {
                let (request, transaction) = (request.0, told(*transaction));
                broken(format!("request {request} is taken back, no statement of {transaction}"));
            }
            _ => {}
        }
    }

    /// The transaction of a statement that is under way.
    fn running(&self, request: RequestId) -> Option<TransactionId> {
        let lane = self.statements.get(&request)?;
        let (running, transaction) = self.sessions.get(lane)?.statement?;
        (running == request).then_some(transaction)
    }

    fn begin(&mut self, entry: &Entry, known: &Transactions, report: &mut Report) {
        let at = Moment::of(entry);
        let Event::StatementBegan(StatementBegan { lane, request, instance, transaction, .. }) =
            &entry.event
        else {
            return;
        };
        let doing = self.sessions.entry(*lane).or_default();
        let mut broken = Vec::new();
        if doing.step.is_none() {
            broken.push("is in no step");
        }
        if doing.statement.replace((*request, *transaction)).is_some() {
            broken.push("begins before the one before it has ended");
        }
        if self.statements.insert(*request, *lane).is_some() {
            broken.push("begins twice");
        }
        if known.state(*transaction) != Some(State::Open) {
            broken.push("is in a transaction that is not open");
        } else if !known.is_of(*transaction, *lane, *instance) {
            broken.push("is in another session's transaction");
        }
        for broken in broken {
            report.add(Invariant::Sessions, at, |_| format!("request {} {broken}", request.0));
        }
    }

    pub(super) fn finish(&self, last: Moment, report: &mut Report) {
        for (lane, doing) in &self.sessions {
            if let Some(step) = doing.step {
                report.add(Invariant::Sessions, last, |_| {
                    format!("step {step} of lane {} does not end", lane.0)
                });
            }
            if let Some((request, _)) = doing.statement {
                report.add(Invariant::Sessions, last, |_| {
                    format!("request {} does not end", request.0)
                });
            }
        }
    }
}
