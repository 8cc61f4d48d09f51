//! Sessions: how their steps begin and end, and the order in which they do.
//!
//! A session's fiber has a frame for the session at the bottom, the program of the step that runs
//! on top of it, and above that the statement that the step has made. Between two steps it waits
//! for its turn: with an order at the *gate* ([`State::Gated`]), until the world opens it.
//!
//! The gate opens for the next step of the order when nothing in any session moves any more: each
//! waits for its turn, or for a lock, and no deadlock waits for its victim. So a step that blocks
//! does not hold the others up, and whatever a commit sets free is done before the next step
//! begins, as when a person types the steps into several windows one by one. A step of a session
//! that waits for a lock holds the order up until the session is free.
//!
//! When the order is through, the sessions end one by one in the order of the file, as soon as they
//! can.

use crate::engine::database::TransactionRef;
use crate::engine::fiber::{Fiber, FiberId, Frame, ProgramFrame, Role, SessionFrame, State};
use crate::engine::request::Answer;
use crate::engine::world::{Flow, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{ActorKind, Isolation, Session, StepRef};
use crate::trace::{Event, RollbackReason};
use crate::words::{ActorId, InstanceId, Name, SimInstant, Value};

impl SessionFrame {
    /// A session about to begin, with the bindings that its steps share.
    pub const fn new(actor: ActorId, bindings: Vec<(Name, Value)>) -> Self {
        Self {
            actor,
            bindings,
            running: None,
            next: 0,
            transaction: None,
            is_implicit: true,
            answer: Value::Null,
            fault: None,
        }
    }
}

/// The session at the bottom of a fiber's stack.
pub(super) fn session_of(fiber: &mut Fiber) -> Option<&mut SessionFrame> {
    match fiber.frames.first_mut() {
        Some(Frame::Session(session)) => Some(session),
        _ => None,
    }
}

impl World {
    /// The session's definition.
    pub(super) fn session(&self, actor: ActorId) -> Option<&Session> {
        match &self.shared.plan.actor(actor).kind {
            ActorKind::Session(session) => Some(session),
            ActorKind::Client | ActorKind::Flow { .. } => None,
        }
    }

    /// A session goes on: its step has ended, or it is its turn.
    pub(super) fn step_session(&mut self, fiber: &mut Fiber) -> Flow {
        let result = fiber.result.take();
        let lane = fiber.lane;
        let Some(Frame::Session(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let ordered = !self.shared.plan.order.is_empty();
        if let Some(step) = frame.running.take() {
            let fault = result.and_then(Result::err);
            let answer = std::mem::take(&mut frame.answer);
            self.log.emit(self.now, || Event::StepEnded {
                lane,
                step,
                fault: fault.clone(),
                answer,
            });
            if let Some(fault) = fault {
                frame.fault.get_or_insert(fault);
                if !ordered {
                    return self.end_session(fiber);
                }
            }
        }
        if ordered {
            fiber.state = State::Gated;
            fiber.turn = fiber.turn.wrapping_add(1);
            return Flow::Suspend;
        }
        let next = frame.next;
        frame.next += 1;
        self.begin_step(fiber, next)
    }

    /// Begins a step, or ends the session when there is none.
    fn begin_step(&mut self, fiber: &mut Fiber, step: u16) -> Flow {
        let lane = fiber.lane;
        let Some(frame) = session_of(fiber) else { return Flow::Continue };
        let shared = std::sync::Arc::clone(&self.shared);
        let ActorKind::Session(session) = &shared.plan.actor(frame.actor).kind else {
            return Flow::Continue;
        };
        let Some(definition) = session.steps.get(usize::from(step)) else {
            return self.end_session(fiber);
        };
        frame.running = Some(step);
        let bindings = std::mem::take(&mut frame.bindings);
        let label = definition.label.clone();
        self.log.emit(self.now, || Event::StepBegan { lane, step, label });
        let program = ProgramFrame::new(definition.program, Some(session.instance), bindings);
        fiber.frames.push(Frame::Program(program));
        Flow::Continue
    }

    /// Ends a session: what it has open is rolled back.
    fn end_session(&mut self, fiber: &mut Fiber) -> Flow {
        let Some(frame) = session_of(fiber) else { return Flow::Continue };
        let (actor, transaction) = (frame.actor, frame.transaction.take());
        let fault = frame.fault.take();
        if let (Some(reference), Some(session)) = (transaction, self.session(actor)) {
            let instance = session.instance;
            self.roll_back(instance, reference, RollbackReason::SessionEnded);
        }
        fiber.frames.clear();
        fiber.result = Some(fault.map_or(Ok(Answer::Done), Err));
        Flow::Continue
    }

    /// Opens the gate for the next step of the order, when nothing moves any more.
    pub(super) fn conduct(&mut self) {
        if self.shared.plan.order.is_empty() || !self.is_quiet() {
            return;
        }
        let next = self.shared.plan.order.get(self.ordered).cloned();
        let gated = |world: &Self, actor: Option<ActorId>| {
            let mut fibers = world.fibers.iter().zip(0..);
            let found = fibers.find(|(fiber, _)| {
                let Role::Client { actor: of } = fiber.role else { return false };
                fiber.state == State::Gated && actor.is_none_or(|actor| actor == of)
            });
            found.map(|(_, slot)| FiberId(slot))
        };
        match next {
            Some(StepRef { actor, step }) => {
                let Some(id) = gated(self, Some(actor)) else { return };
                self.ordered += 1;
                self.open_gate(id, |world, fiber| world.begin_step(fiber, step));
            }
            None => {
                let Some(id) = gated(self, None) else { return };
                self.open_gate(id, Self::end_session);
            }
        }
    }

    fn open_gate(&mut self, id: FiberId, act: impl FnOnce(&mut Self, &mut Fiber) -> Flow) {
        let mut fiber = std::mem::take(&mut self.fibers[id.0 as usize]);
        act(self, &mut fiber);
        self.wait(id, &mut fiber, State::Ready, self.now);
        self.fibers[id.0 as usize] = fiber;
    }

    /// Whether every session waits for its turn or for a lock, and no deadlock waits for its
    /// victim.
    fn is_quiet(&self) -> bool {
        let moves = |fiber: &Fiber| match fiber.role {
            Role::Client { actor } if self.session(actor).is_some() => {
                !matches!(fiber.state, State::Gated | State::Locked)
            }
            _ => false,
        };
        !self.fibers.iter().any(moves) && !self.databases.iter().any(|it| it.has_cycle())
    }

    /// Opens a transaction for a session.
    ///
    /// # Errors
    ///
    /// The session has one.
    pub(super) fn begin_in_session(
        &mut self,
        fiber: &mut Fiber,
        isolation: Option<Isolation>,
    ) -> Result<TransactionRef, Fault> {
        let lane = fiber.lane;
        let broken = || in_no_session("begin");
        let frame = session_of(fiber).ok_or_else(broken)?;
        let session = self.session(frame.actor).ok_or_else(broken)?;
        let instance = session.instance;
        let level = isolation
            .or(session.isolation)
            .unwrap_or_else(|| self.shared.plan.instance(instance).isolation);
        let priority = session.deadlock_priority;
        let reference = self.begin(instance, lane, (level, priority), None);
        if let Some(frame) = session_of(fiber) {
            frame.transaction = Some(reference);
        }
        Ok(reference)
    }

    /// Commits a session's transaction, or rolls it back as asked.
    ///
    /// # Errors
    ///
    /// The session has none: it never began one, or it was rolled back under its hands.
    pub(super) fn end_in_session(&mut self, fiber: &mut Fiber, commit: bool) -> Result<(), Fault> {
        let word = if commit { "COMMIT" } else { "ROLLBACK" };
        let frame = session_of(fiber).ok_or_else(|| in_no_session(word))?;
        let (actor, reference) = (frame.actor, frame.transaction.take());
        frame.is_implicit = false;
        let instance = self.session(actor).map_or(InstanceId(0), |session| session.instance);
        let Some(reference) = reference else {
            let message =
                format!("The {word} TRANSACTION request has no corresponding BEGIN TRANSACTION.");
            return Err(Fault::new(FaultKind::NoTransaction, message).from_instance(instance));
        };
        if commit {
            return self.commit(instance, reference).map_err(in_sql);
        }
        self.roll_back(instance, reference, RollbackReason::Asked);
        Ok(())
    }

    /// Takes note that a fault has ended a session's transaction, if it has.
    pub(super) fn leave_aborted(&mut self, fiber: &mut Fiber) {
        let Some(frame) = session_of(fiber) else { return };
        let Some(session) = self.session(frame.actor) else { return };
        let instance = session.instance;
        let Some(frame) = session_of(fiber) else { return };
        if let Some(reference) = frame.transaction
            && !self.databases[instance.index()].is_open(reference)
        {
            frame.transaction = None;
            frame.is_implicit = false;
            self.roll_back(instance, reference, RollbackReason::Asked);
        }
    }

    /// When a wait for a lock that begins now has lasted as long as the session allows.
    pub(super) fn lock_deadline(&self, actor: ActorId) -> Option<SimInstant> {
        let timeout = self.session(actor)?.lock_timeout?;
        Some(self.now + timeout)
    }
}

fn in_no_session(word: &str) -> Fault {
    let message = format!("{word} is for sessions.");
    Fault::new(FaultKind::NoTransaction, message)
}

/// A fault as SQL Server words it, for those who speak SQL to it and not to the platform.
///
/// Source: Microsoft Learn, "Database engine errors": 1205, 1222, -2; the number of a process is
/// left out, since nothing here has one.
pub(super) fn in_sql(mut fault: Fault) -> Fault {
    fault.message = match fault.kind {
        FaultKind::DeadlockVictim => "Transaction was deadlocked on lock resources with another \
                                      process and has been chosen as the deadlock victim. Rerun \
                                      the transaction."
            .to_owned(),
        FaultKind::LockTimeout => "Lock request time out period exceeded.".to_owned(),
        FaultKind::SqlTimeout => "Execution Timeout Expired. The timeout period elapsed prior to \
                                  completion of the operation or the server is not responding."
            .to_owned(),
        _ => return fault,
    };
    fault
}
