//! Requests: pairs, nesting, depth, stages, and where the transaction begins.
//!
//! Source: Microsoft Learn, "Event framework", Event execution pipeline: PreValidation of an
//! outermost request is outside the database transaction, PreOperation to PostOperation are
//! inside it.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::invariant::order::Transactions;
use crate::check::invariant::{Invariant, Report};
use crate::plan::Stage;
use crate::trace::{Entry, Event, JobEvent, RequestBegan, Trace};
use crate::words::{InstanceId, LaneId, MessageId, PlugInId, RequestId, TransactionId};

/// One request that has begun.
struct Known {
    lane: LaneId,
    instance: InstanceId,
    parent: Option<RequestId>,
    depth: u32,
    /// Whether what is nested in it are the items that it carries.
    carries: bool,
    /// Whether it acts in no transaction where its caller has none.
    acts_in_none: bool,
    /// The transaction that it joined when it began.
    joined: Option<TransactionId>,
    /// Whether a transaction was begun for it.
    opened: bool,
    /// Whether it is no request but the run of a job's step.
    is_job: bool,
    stage: Option<Stage>,
    plug_ins: Vec<PlugInId>,
    children: u32,
    ended: bool,
}

/// Watches requests.
pub(super) struct Watcher {
    known: BTreeMap<RequestId, Known>,
    /// The stage in which each step is registered, by `PlugInId`.
    stages: Vec<Stage>,
    /// The custom messages that act in no transaction where their caller has none.
    without: Vec<MessageId>,
}

impl Watcher {
    pub(super) fn of(trace: &Trace) -> Self {
        Self {
            known: BTreeMap::new(),
            stages: trace.header.plug_ins.iter().map(|it| it.stage).collect(),
            without: (0..)
                .map(MessageId)
                .zip(&trace.header.messages)
                .filter(|(_, message)| !message.acts_in_transaction)
                .map(|(id, _)| id)
                .collect(),
        }
    }

    pub(super) fn see(&mut self, entry: &Entry, known: &Transactions, report: &mut Report) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::RequestBegan(_) => self.begin(entry, report),
            Event::Job(JobEvent::Began { .. }) => self.begin_job(entry),
            Event::RequestEnded { request, .. } => self.end(*request, at, report),
            Event::StageBegan { request, stage } => self.stage(*request, *stage, at, report),
            Event::TransactionBegan { request: Some(request), .. } => {
                if let Some(request) = self.known.get_mut(request) {
                    request.opened = true;
                }
            }
            Event::PlugInBegan { request, plug_in, depth, in_transaction, .. } => {
                self.begin_plug_in((*request, *plug_in), *depth, *in_transaction, at, known, report)
            }
            Event::PlugInEnded { request, plug_in, .. } => {
                let running = self.known.get_mut(request).and_then(|it| it.plug_ins.pop());
                if running != Some(*plug_in) {
                    let (request, plug_in) = (request.0, *plug_in);
                    report.add(Invariant::Stages, at, |names| {
                        let plug_in = names.plug_in(plug_in);
                        format!("plug-in {plug_in} ends in request {request} and is not running")
                    });
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        let Event::RequestBegan(RequestBegan {
            lane,
            request,
            parent,
            instance,
            depth,
            transaction,
            message,
            ..
        }) = &entry.event
        else {
            return;
        };
        let mut broken = Vec::new();
        let above = match parent {
            None => 0,
            Some(parent) => match self.known.get_mut(parent) {
                None => {
                    broken.push("is nested in one that never began");
                    depth.saturating_sub(1)
                }
                Some(above) => {
                    above.children += 1;
                    if above.ended {
                        broken.push("is nested in one that has ended");
                    }
                    if above.lane != *lane {
                        broken.push("is nested in another lane's");
                    }
                    // An item of a batch is as deep as the batch.
                    above.depth.saturating_sub(u32::from(above.carries))
                }
            },
        };
        if *depth != above.saturating_add(1) {
            broken.push("has a depth that is not one more than its parent's");
        }
        let known = Known {
            lane: *lane,
            instance: *instance,
            parent: *parent,
            depth: *depth,
            carries: message.carries(),
            acts_in_none: message.custom().is_some_and(|id| self.without.contains(&id)),
            joined: *transaction,
            opened: false,
            is_job: false,
            stage: None,
            plug_ins: Vec::new(),
            children: 0,
            ended: false,
        };
        if self.known.insert(*request, known).is_some() {
            broken.push("begins twice");
        }
        for broken in broken {
            report.add(Invariant::Requests, at, |_| format!("request {} {broken}", request.0));
        }
    }

    /// A job's step runs after its event, at the event's depth, and outside of any transaction.
    fn begin_job(&mut self, entry: &Entry) {
        let Event::Job(JobEvent::Began { lane, request, instance, depth, .. }) = &entry.event
        else {
            return;
        };
        let known = Known {
            lane: *lane,
            instance: *instance,
            parent: None,
            depth: *depth,
            joined: None,
            opened: false,
            carries: false,
            acts_in_none: false,
            is_job: true,
            stage: Some(Stage::PostOperation),
            plug_ins: Vec::new(),
            children: 0,
            ended: false,
        };
        self.known.insert(*request, known);
    }

    fn end(&mut self, request: RequestId, at: Moment, report: &mut Report) {
        let mut broken = Vec::new();
        let mut above = None;
        match self.known.get_mut(&request) {
            None => broken.push("ends and never began"),
            Some(known) => {
                if known.ended {
                    broken.push("ends twice");
                } else {
                    above = known.parent;
                }
                if known.children > 0 {
                    broken.push("ends before one that is nested in it");
                }
                if !known.plug_ins.is_empty() {
                    broken.push("ends before its plug-in");
                }
                known.ended = true;
            }
        }
        if let Some(above) = above.and_then(|above| self.known.get_mut(&above)) {
            above.children = above.children.saturating_sub(1);
        }
        for broken in broken {
            report.add(Invariant::Requests, at, |_| format!("request {} {broken}", request.0));
        }
    }

    fn stage(&mut self, request: RequestId, stage: Stage, at: Moment, report: &mut Report) {
        let Some(known) = self.known.get_mut(&request) else {
            return;
        };
        let before = known.stage.replace(stage);
        if let Some(before) = before.filter(|it| stage.number() <= it.number()) {
            report.add(Invariant::Stages, at, |_| {
                let (stage, before) = (stage.name(), before.name());
                format!("request {} enters {stage} after {before}", request.0)
            });
        }
        if known.ended {
            report.add(Invariant::Stages, at, |_| {
                format!("request {} enters {} after its end", request.0, stage.name())
            });
        }
    }

    fn begin_plug_in(
        &mut self,
        (request, plug_in): (RequestId, PlugInId),
        depth: u32,
        in_transaction: bool,
        at: Moment,
        transactions: &Transactions,
        report: &mut Report,
    ) {
        let Some(known) = self.known.get_mut(&request) else {
            report.add(Invariant::Stages, at, |names| {
                let plug_in = names.plug_in(plug_in);
                format!("plug-in {plug_in} runs for a request that never began")
            });
            return;
        };
        known.plug_ins.push(plug_in);
        let Some(stage) = self.stages.get(plug_in.index()).copied() else {
            return;
        };
        if known.stage != Some(stage) || known.depth != depth {
            report.add(Invariant::Stages, at, |names| {
                let plug_in = names.plug_in(plug_in);
                let stage = stage.name();
                format!("plug-in {plug_in} runs outside its stage {stage} or depth {depth}")
            });
        }
        // A lane's transactions tell nothing of its outermost request: one that its client gave up
        // may still be running beside it.
        let outermost = known.depth == 1 && known.joined.is_none();
        let around = !outermost && transactions.lane_has_one(known.lane, known.instance);
        let opened = known.opened || around;
        let wrong = match stage {
            _ if known.is_job => in_transaction,
            _ if known.acts_in_none => in_transaction != opened,
            Stage::PreValidation if outermost => in_transaction || opened,
            Stage::PreValidation => in_transaction != opened,
            Stage::PreOperation | Stage::MainOperation | Stage::PostOperation => {
                !in_transaction || !opened
            }
        };
        if wrong {
            report.add(Invariant::TransactionScope, at, |names| {
                let plug_in = names.plug_in(plug_in);
                let (stage, depth) = (stage.name(), known.depth);
                let told = if in_transaction { "inside" } else { "outside" };
                let open = if opened { "one is" } else { "none is" };
                format!(
                    "plug-in {plug_in} ({stage}, depth {depth}) runs {told} a transaction, and \
                     {open} open"
                )
            });
        }
    }

    pub(super) fn finish(&self, last: Moment, report: &mut Report) {
        for (request, _) in self.known.iter().filter(|(_, it)| !it.ended) {
            report
                .add(Invariant::Requests, last, |_| format!("request {} does not end", request.0));
        }
    }
}
