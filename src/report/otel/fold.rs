//! From events to spans.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::plan::Stage;
use crate::report::otel::{Span, SpanKind};
use crate::trace::{
    Entry, Event, JobEvent, LockResource, Names, Outcome, RequestBegan, StatementBegan, Trace,
    WaitEnd,
};
use crate::words::{InstanceId, LaneId, RequestId, SimInstant, TransactionId};

/// What a span that has not ended is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    Lane(LaneId),
    Call(RequestId),
    Request(RequestId),
    Stage(RequestId),
    Step(RequestId),
    Wait(TransactionId),
}

struct Fold<'t> {
    names: Names<'t>,
    now: SimInstant,
    spans: Vec<Span>,
    open: BTreeMap<Open, usize>,
    /// The lane of each request, and its outermost one: what the platform correlates by.
    requests: BTreeMap<RequestId, (LaneId, RequestId)>,
    /// In which request or lane each transaction was at work last.
    at_work: BTreeMap<TransactionId, Open>,
    /// The request that a lane's instances are carrying out, the innermost last.
    carried_out: BTreeMap<LaneId, Vec<RequestId>>,
}

/// The spans of a run in the order in which they began, and the instant of its end.
pub(in crate::report) fn spans(trace: &Trace) -> (Vec<Span>, SimInstant) {
    let mut fold = Fold {
        names: Names::of(trace),
        now: SimInstant::START,
        spans: Vec::new(),
        open: BTreeMap::new(),
        requests: BTreeMap::new(),
        at_work: BTreeMap::new(),
        carried_out: BTreeMap::new(),
    };
    for Entry { at, event, .. } in &trace.entries {
        fold.now = *at;
        fold.tell(event);
    }
    (fold.spans, fold.now)
}

impl Fold<'_> {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::LaneBegan { lane, name, .. } => {
                self.begin(Open::Lane(*lane), *lane, None, name.to_string(), SpanKind::Internal);
            }
            Event::LaneEnded { lane, outcome } => {
                let fault = match outcome {
                    Outcome::Failed(fault) => Some(fault),
                    Outcome::Succeeded => None,
                    // It ends with the run, unfinished.
                    Outcome::Unfinished(_) => return,
                };
                self.end(Open::Lane(*lane), fault);
            }
            Event::RequestSent { lane, request, instance, message, table, .. } => {
                let name = self.names.message_on(*message, *table);
                let parent = self.innermost(*lane);
                let call = Open::Call(*request);
                let at = self.begin(call, *lane, Some(parent), name, SpanKind::Client);
                let instance = self.names.instance(*instance);
                self.spans[at].attributes.push(("server.address", json!(instance)));
            }
            Event::RequestRefused { request, fault, .. } => {
                self.end(Open::Call(*request), Some(fault));
            }
            Event::ResponseLost { request, .. } => self.end_call(*request, "answer lost"),
            Event::RequestAbandoned { request, lane } => {
                // The instance goes on; what the caller does next is not inside of it.
                self.carried_out.remove(lane);
                self.end_call(*request, "given up");
            }
            Event::ResponseDelivered { request, fault, .. } => {
                self.end(Open::Call(*request), fault.as_ref());
            }
            Event::RequestBegan(began) => self.request_began(began),
            Event::StatementBegan(began) => self.statement_began(began),
            Event::Job(job) => self.job(job),
            Event::RequestEnded { request, fault } | Event::StatementEnded { request, fault } => {
                self.request_ended(*request, fault.as_ref());
            }
            Event::StageBegan { request, stage } => self.stage_began(*request, *stage),
            Event::PlugInBegan { request, plug_in, depth, in_transaction, .. } => {
                // The stage had seemed to be over after the step before.
                self.stage_ends(*request, None);
                let name = self.names.plug_in(*plug_in);
                let at = self.inside(Open::Step(*request), *request, name);
                self.spans[at].attributes.extend([
                    ("dataverse.depth", json!(depth)),
                    ("dataverse.in_transaction", json!(in_transaction)),
                ]);
            }
            Event::PlugInEnded { request, fault, .. } => {
                self.end(Open::Step(*request), fault.as_ref());
                // Nothing but steps happens in their stage: it ends with the last of them.
                self.stage_ends(*request, Some(self.now));
            }
            Event::TransactionBegan { lane, transaction, request, .. } => {
                let at_work = request.map_or(Open::Lane(*lane), Open::Request);
                self.at_work.insert(*transaction, at_work);
            }
            Event::LockQueued { transaction, resource, mode, holders, .. } => {
                let mode = format!("{mode:?}");
                self.wait_began(*transaction, resource, &mode, holders);
            }
            Event::WaitEnded { transaction, end, .. } => self.wait_ended(*transaction, end),
            _ => {}
        }
    }

    fn request_began(&mut self, began: &RequestBegan) {
        let RequestBegan { lane, request, parent, instance, message, table, .. } = began;
        let outermost = parent.and_then(|it| self.requests.get(&it)).map_or(*request, |it| it.1);
        self.requests.insert(*request, (*lane, outermost));
        self.carried_out.entry(*lane).or_default().push(*request);
        if let Some(transaction) = began.transaction {
            self.at_work.insert(transaction, Open::Request(*request));
        }
        let around = match parent {
            Some(parent) => self.within(*parent),
            None => Open::Call(*request),
        };
        let kind = if parent.is_none() { SpanKind::Server } else { SpanKind::Internal };
        let name = self.names.message_on(*message, *table);
        let at = self.begin(Open::Request(*request), *lane, Some(around), name, kind);
        let row = began.row.map(|row| self.names.place(*instance, *table, row));
        let span = &mut self.spans[at];
        span.instance = Some(*instance);
        span.attributes.extend([
            ("dataverse.message", json!(self.names.message(*message))),
            ("dataverse.depth", json!(began.depth)),
            ("dataverse.correlation_id", json!(format!("request {}", outermost.0))),
        ]);
        span.attributes.extend(row.map(|row| ("dataverse.row", json!(row))));
    }

    fn statement_began(&mut self, began: &StatementBegan) {
        let StatementBegan { lane, request, instance, table, kind, transaction, .. } = began;
        self.requests.insert(*request, (*lane, *request));
        self.at_work.insert(*transaction, Open::Request(*request));
        let name = format!("{kind:?} {}", self.names.table(*table));
        let (statement, around) = (Open::Request(*request), Open::Lane(*lane));
        let at = self.begin(statement, *lane, Some(around), name, SpanKind::Server);
        self.spans[at].instance = Some(*instance);
    }

    /// The run of a job's step is correlated with the request whose event it is for.
    fn job(&mut self, job: &JobEvent) {
        let JobEvent::Began { lane, request, cause, instance, depth, .. } = job else { return };
        let outermost = self.requests.get(cause).map_or(*cause, |it| it.1);
        self.requests.insert(*request, (*lane, outermost));
        self.carried_out.entry(*lane).or_default().push(*request);
        let (open, around) = (Open::Request(*request), Open::Lane(*lane));
        let name = "asynchronous step".to_owned();
        let at = self.begin(open, *lane, Some(around), name, SpanKind::Internal);
        let span = &mut self.spans[at];
        span.instance = Some(*instance);
        span.attributes.extend([
            ("dataverse.depth", json!(depth)),
            ("dataverse.correlation_id", json!(format!("request {}", outermost.0))),
        ]);
    }

    fn request_ended(&mut self, request: RequestId, fault: Option<&Fault>) {
        self.leave_stage(request);
        self.end(Open::Request(request), fault);
        let Some((lane, _)) = self.requests.get(&request) else { return };
        if let Some(inside) = self.carried_out.get_mut(lane) {
            inside.retain(|it| *it != request);
        }
        // What shares a transaction with a nested request goes on with the one around it.
        let around = self.carried_out.get(lane).and_then(|inside| inside.last().copied());
        let next = around.map_or(Open::Lane(*lane), Open::Request);
        for at_work in self.at_work.values_mut().filter(|it| **it == Open::Request(request)) {
            *at_work = next;
        }
    }

    fn stage_began(&mut self, request: RequestId, stage: Stage) {
        self.leave_stage(request);
        let at = self.inside(Open::Stage(request), request, stage.name().to_owned());
        self.spans[at].attributes.push(("dataverse.stage", json!(stage.number())));
    }

    /// The stage that a request is in ends then, as far as is known.
    fn stage_ends(&mut self, request: RequestId, ended: Option<SimInstant>) {
        if let Some(&stage) = self.open.get(&Open::Stage(request)) {
            self.spans[stage].ended = ended;
        }
    }

    /// The stage that a request is in ends, if its steps have not ended it already.
    fn leave_stage(&mut self, request: RequestId) {
        if let Some(at) = self.open.remove(&Open::Stage(request)) {
            self.spans[at].ended.get_or_insert(self.now);
        }
    }

    fn wait_began(
        &mut self,
        transaction: TransactionId,
        resource: &LockResource,
        mode: &str,
        holders: &[TransactionId],
    ) {
        let at_work = self.at_work.get(&transaction).copied();
        let Some((around, lane, instance)) = at_work.and_then(|it| self.place_of(it)) else {
            return;
        };
        let name = format!("wait for {}", self.names.resource(resource));
        let at = self.begin(Open::Wait(transaction), lane, Some(around), name, SpanKind::Internal);
        let span = &mut self.spans[at];
        span.instance = instance;
        let holders: Vec<_> = holders.iter().map(|it| format!("transaction {}", it.0)).collect();
        span.attributes.extend([
            ("db.lock.mode", json!(mode)),
            ("db.lock.held_by", json!(holders.join(", "))),
        ]);
    }

    fn wait_ended(&mut self, transaction: TransactionId, end: &WaitEnd) {
        if let Some(&at) = self.open.get(&Open::Wait(transaction)) {
            self.spans[at].attributes.push(("db.lock.wait_end", json!(format!("{end:?}"))));
        }
        self.end(Open::Wait(transaction), None);
    }

    /// Where a request or lane is just now, with its lane and instance.
    fn place_of(&self, at_work: Open) -> Option<(Open, LaneId, Option<InstanceId>)> {
        match at_work {
            Open::Request(request) => {
                let (lane, _) = *self.requests.get(&request)?;
                let at = *self.open.get(&Open::Request(request))?;
                Some((self.within(request), lane, self.spans[at].instance))
            }
            Open::Lane(lane) => Some((Open::Lane(lane), lane, None)),
            _ => None,
        }
    }

    /// The innermost span of a request: its step, its stage, or itself.
    fn within(&self, request: RequestId) -> Open {
        let is_open =
            |it: &Open| self.open.get(it).is_some_and(|&at| self.spans[at].ended.is_none());
        let inner = [Open::Step(request), Open::Stage(request)];
        inner.into_iter().find(is_open).unwrap_or(Open::Request(request))
    }

    /// Where a lane is: in a plug-in step of a request that is carried out for it, or in itself.
    fn innermost(&self, lane: LaneId) -> Open {
        let inside = self.carried_out.get(&lane).and_then(|inside| inside.last());
        inside.map_or(Open::Lane(lane), |request| self.within(*request))
    }

    /// Begins a span inside of a request.
    fn inside(&mut self, open: Open, request: RequestId, name: String) -> usize {
        let lane = self.requests.get(&request).map_or(LaneId(0), |it| it.0);
        let around = self.within(request);
        let at = self.begin(open, lane, Some(around), name, SpanKind::Internal);
        let request = self.open.get(&Open::Request(request));
        self.spans[at].instance = request.and_then(|&request| self.spans[request].instance);
        at
    }

    fn begin(
        &mut self,
        open: Open,
        lane: LaneId,
        around: Option<Open>,
        name: String,
        kind: SpanKind,
    ) -> usize {
        // A request of a session, or one whose caller is not told, is directly below its lane.
        let parent = around.and_then(|it| self.open.get(&it).copied());
        let parent = parent.or_else(|| self.open.get(&Open::Lane(lane)).copied());
        let at = self.spans.len();
        self.spans.push(Span {
            lane: lane.0,
            parent,
            name,
            kind,
            instance: None,
            began: self.now,
            ended: None,
            attributes: Vec::new(),
            fault: None,
        });
        self.open.insert(open, at);
        at
    }

    fn end(&mut self, open: Open, fault: Option<&Fault>) {
        if let Some(at) = self.open.remove(&open) {
            self.spans[at].ended = Some(self.now);
            self.spans[at].fault = fault.cloned();
        }
    }

    /// A call ends without an answer.
    fn end_call(&mut self, request: RequestId, how: &str) {
        if let Some(&at) = self.open.get(&Open::Call(request)) {
            self.spans[at].attributes.push(("multiverse.call", Value::from(how)));
        }
        self.end(Open::Call(request), None);
    }
}
