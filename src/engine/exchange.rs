//! Messages between callers and instances, and what outages do to them.
//!
//! A request to an instance is a message with latency, and so is its answer; the work in between
//! belongs to a fiber of its own, so that it goes on when the caller has given up. A message
//! meets an outage where it arrives:
//!
//! | outage        | request                              | answer that is due             |
//! |---------------|--------------------------------------|--------------------------------|
//! | `unreachable` | fails; nothing is done               | is lost, though all is done    |
//! | `maintenance` | is turned away; nothing is done      | gets through                   |
//! | `slow`        | takes longer                         | takes longer                   |
//!
//! Assumed: the caller of an unreachable instance learns of it after one more hop, as from a
//! refused connection; no page says how long a client of Dataverse waits to connect.
//!
//! Assumed: no transaction spans two instances: each has a database of its own, and a plug-in's
//! request to another one is a call over HTTP, which joins no transaction. No page says so in one
//! place.

use std::time::Duration;

use crate::engine::database::TransactionRef;
use crate::engine::fiber::{Fiber, FiberId, Frame, RequestFrame, Role, State};
use crate::engine::request::{Answer, Request};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{ActorKind, OutageKind};
use crate::trace::Event;
use crate::words::{InstanceId, RequestId};

impl World {
    /// Sends a request to an instance and lets the caller wait for the answer.
    pub(super) fn send(
        &mut self,
        caller_id: FiberId,
        caller: &mut Fiber,
        instance: InstanceId,
        request: Request,
        transaction: Option<TransactionRef>,
    ) {
        let id = self.number_request();
        let lane = caller.lane;
        self.log.emit(self.now, || Event::RequestSent {
            lane,
            request: id,
            instance,
            message: request.message,
            table: request.table,
            row: request.id(),
        });
        let gives_up = self.now + self.shared.plan.limits.client;
        self.wait(caller_id, caller, State::Calling(id), gives_up);
        if self.leaves(instance) {
            self.depart(caller_id, caller, instance, request);
            return;
        }
        let hop = self.hop(caller);
        let server_id = self.allocate();
        let mut server = std::mem::take(&mut self.fibers[server_id.0 as usize]);
        server.lane = lane;
        server.user = caller.user;
        server.role = Role::Server {
            request: id,
            instance,
            caller: caller_id,
            caller_turn: caller.turn,
            hop,
        };
        let frame = RequestFrame::new(id, instance, request, transaction);
        server.frames.push(Frame::Request(Box::new(frame)));
        let arrives = self.now + hop + self.delay(instance);
        self.wait(server_id, &mut server, State::Travelling, arrives);
        self.fibers[server_id.0 as usize] = server;
    }

    /// How long a message from this caller takes one way.
    fn hop(&self, caller: &Fiber) -> Duration {
        let plan = &self.shared.plan;
        match caller.role {
            Role::Guest { hop, .. } => hop,
            Role::Client { actor } if plan.actor(actor).kind == ActorKind::Client => {
                plan.costs.client
            }
            _ => plan.costs.network,
        }
    }

    /// How much longer a message to or from this instance takes now.
    fn delay(&self, instance: InstanceId) -> Duration {
        match self.outages.on(instance, self.now, |kind| matches!(kind, OutageKind::Slow(_))) {
            Some((_, OutageKind::Slow(delay))) => delay,
            _ => Duration::ZERO,
        }
    }

    /// A request arrives. Answers whether it is admitted; else an outage has stopped it, and the
    /// caller will hear of it.
    pub(super) fn arrive(&mut self, id: FiberId, server: &mut Fiber) -> bool {
        let Role::Server { request, instance, .. } = server.role else {
            return false;
        };
        let closed = |kind| !matches!(kind, OutageKind::Slow(_));
        let Some((outage, kind)) = self.outages.on(instance, self.now, closed) else {
            return true;
        };
        let name = &self.shared.plan.instance(instance).name;
        let fault = match kind {
            OutageKind::Maintenance => Fault::new(
                FaultKind::UnderMaintenance,
                format!("The organization is currently disabled: `{name}` is under maintenance."),
            ),
            _ => Fault::new(
                FaultKind::Unreachable,
                format!("An error occurred while accessing the network: `{name}` did not answer."),
            ),
        }
        .from_instance(instance);
        let lane = server.lane;
        self.log.emit(self.now, || Event::RequestRefused {
            lane,
            request,
            outage,
            fault: fault.clone(),
        });
        server.frames.clear();
        server.result = Some(Err(fault));
        self.send_back(id, server, false);
        false
    }

    /// A request is done: its answer leaves for the caller.
    pub(super) fn respond(&mut self, id: FiberId, mut server: Fiber) {
        if self.send_back(id, &mut server, true) {
            let answer = server.result.take();
            self.fibers[id.0 as usize] = server;
            self.deliver(id, true, answer);
            return;
        }
        self.fibers[id.0 as usize] = server;
    }

    /// Puts an answer on its way. Answers whether it is there at once.
    fn send_back(&mut self, id: FiberId, server: &mut Fiber, carried_out: bool) -> bool {
        let Role::Server { instance, hop, .. } = server.role else {
            return false;
        };
        let travel = hop + self.delay(instance);
        server.state = State::Returning { carried_out };
        if travel.is_zero() && carried_out {
            return true;
        }
        self.wait(id, server, State::Returning { carried_out }, self.now + travel);
        false
    }

    /// An answer reaches its caller, if that one still waits for it, and the caller goes on.
    pub(super) fn deliver(
        &mut self,
        id: FiberId,
        carried_out: bool,
        answer: Option<Result<Answer, Fault>>,
    ) {
        let server = std::mem::take(&mut self.fibers[id.0 as usize]);
        let Role::Server { request, instance, caller, caller_turn, .. } = server.role else {
            return;
        };
        let lane = server.lane;
        self.free(id, server);
        if self.fibers[caller.0 as usize].turn != caller_turn {
            return;
        }
        let mut answer = answer.unwrap_or(Ok(Answer::Done));
        let cut = self.outages.on(instance, self.now, |kind| kind == OutageKind::Unreachable);
        if let Some((outage, _)) = cut.filter(|_| carried_out) {
            self.log.emit(self.now, || Event::ResponseLost { lane, request, outage });
            let name = &self.shared.plan.instance(instance).name;
            let message = format!(
                "An error occurred while accessing the network: the answer of `{name}` never came."
            );
            let fault = Fault::new(FaultKind::Unreachable, message);
            answer = Err(fault.from_instance(instance));
        } else {
            self.log.emit(self.now, || Event::ResponseDelivered {
                lane,
                request,
                fault: answer.as_ref().err().cloned(),
            });
        }
        self.resume(caller, answer);
    }

    /// A caller has its answer, and goes on.
    pub(super) fn resume(&mut self, caller: FiberId, answer: Result<Answer, Fault>) {
        let mut fiber = std::mem::take(&mut self.fibers[caller.0 as usize]);
        fiber.result = Some(answer);
        fiber.state = State::Ready;
        fiber.turn = fiber.turn.wrapping_add(1);
        self.fibers[caller.0 as usize].turn = fiber.turn;
        self.note_stale();
        self.run(caller, fiber);
    }

    /// A caller has waited for an answer as long as its client, or a plug-in that it is in, may.
    pub(super) fn call_time_is_up(&mut self, fiber: &mut Fiber, request: RequestId) {
        let lane = fiber.lane;
        self.log.emit(self.now, || Event::RequestAbandoned { lane, request });
        self.plug_in_time_is_up(fiber);
        if fiber.interrupt.is_none() {
            let message = "The client gave up waiting for an answer. The request may or may not \
                           have been carried out.";
            fiber.result = Some(Err(Fault::new(FaultKind::ClientTimeout, message)));
        }
    }
}
