//! Programs: one operation after the other, and what a fault does to them.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::batch::BatchCode;
use crate::engine::code::{Operation, RequestCode};
use crate::engine::database::broken;
use crate::engine::fiber::{Fiber, FiberId, Frame, Guard, Interrupt, Loop, ProgramFrame, State};
use crate::engine::request::Answer;
use crate::engine::scope::PlugInScope;
use crate::engine::world::{Flow, Shared, World};
use crate::fault::{Fault, FaultKind, Retry};
use crate::plan::{Backoff, ChangesFrom, Verb};
use crate::trace::Event;
use crate::words::evaluate::{self, Scope, evaluate, is_true, text_of};
use crate::words::{Expression, InstanceId, Name, ProgramId, RequestId, SimInstant, Value};

impl World {
    /// Carries out the next operation of the program on top of the stack.
    pub(super) fn step_program(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let shared = Arc::clone(&self.shared);
        match fiber.result.take() {
            Some(Ok(answer)) => self.accept(&shared, fiber, answer),
            Some(Err(fault)) => return self.meet_fault(&shared, id, fiber, fault),
            None => {}
        }
        loop {
            let Some(Frame::Program(frame)) = fiber.frames.last_mut() else {
                return Flow::Continue;
            };
            let Some(operation) = shared.code.operation(frame.program, frame.position) else {
                leave_program(fiber);
                fiber.result = Some(Ok(Answer::Done));
                return Flow::Continue;
            };
            frame.position += 1;
            match self.execute(&shared, id, fiber, operation) {
                Ok(Next::Operation) => {}
                Ok(Next::Frame) => return Flow::Continue,
                Ok(Next::Wait) => return Flow::Suspend,
                Err(mut fault) => {
                    let is_thrown = matches!(operation, Operation::Throw(_));
                    if fault.kind == FaultKind::PlugInFailed && !is_thrown {
                        tell_place(&shared, fiber, &mut fault);
                    }
                    return self.meet_fault(&shared, id, fiber, fault);
                }
            }
        }
    }

    fn execute(
        &mut self,
        shared: &Shared,
        id: FiberId,
        fiber: &mut Fiber,
        operation: &Operation,
    ) -> Result<Next, Fault> {
        match operation {
            Operation::Request(code) => return self.issue(shared, id, fiber, code),
            Operation::Statement(code) => return self.begin_statement(shared, id, fiber, code),
            Operation::AcceptChanges(name) => self.accept_changes(fiber, name),
            Operation::Work(duration) => return Ok(self.work(id, fiber, *duration)),
            Operation::Wait(duration) => {
                return Ok(self.pause(id, fiber, self.now + *duration));
            }
            Operation::WaitUntil(instant) => return Ok(self.pause(id, fiber, *instant)),
            Operation::Fail(message, status) => {
                let message = text_of(&self.value(fiber, message)?);
                let fault = Fault::new(FaultKind::PlugInAborted, message);
                return Err(Fault { status: *status, ..fault });
            }
            Operation::Throw(text) => return Err(self.thrown(fiber, text)?),
            Operation::SetShared(set) => self.set_shared(fiber, set)?,
            Operation::SetTarget(set) => self.set_target(shared, fiber, set)?,
            Operation::SetParameters(side, set) => self.set_parameters(fiber, *side, set)?,
            Operation::Let(bindings) => self.bind_all(fiber, bindings)?,
            Operation::Note(text) => {
                let text = text_of(&self.value(fiber, text)?);
                let lane = fiber.lane;
                self.log.emit(self.now, || Event::Noted { lane, text: text.into() });
            }
            Operation::Trace(text) => self.trace(fiber, text)?,
            Operation::Jump(position) => jump(fiber, *position),
            Operation::JumpUnless(condition, position) => {
                if !is_true(&self.value(fiber, condition)?) {
                    jump(fiber, *position);
                }
            }
            Operation::LoopOver(_) | Operation::LoopTimes(_) => {
                let new = self.begin_loop(fiber, operation)?;
                with_program(fiber, |frame| frame.loops.push(new));
            }
            Operation::LoopNext { bind, exit } => {
                next_of_loop(fiber, bind, *exit);
                return Ok(self.count_turn());
            }
            Operation::GuardRetry { .. } => with_program(fiber, |frame| {
                let (position, loops) = (frame.position - 1, frame.loops.len());
                frame.guards.push(Guard::Retry { position, failed: 0, loops });
            }),
            Operation::GuardTry { .. } => with_program(fiber, |frame| {
                let (position, loops) = (frame.position - 1, frame.loops.len());
                frame.guards.push(Guard::Try { position, loops });
            }),
            Operation::Unguard => with_program(fiber, |frame| {
                frame.guards.pop();
            }),
            Operation::Begin { instance, isolation } => {
                self.begin_explicit(fiber, *instance, *isolation)?;
            }
            Operation::Commit => self.commit_explicit(fiber)?,
            Operation::Batch(code) => return self.step_batch(id, fiber, code),
            Operation::Call { program, with } => return self.call(shared, fiber, *program, with),
        }
        Ok(Next::Operation)
    }

    fn bind_all(&self, fiber: &mut Fiber, values: &[(Name, Expression)]) -> Result<(), Fault> {
        for (name, expression) in values {
            let value = self.value(fiber, expression)?;
            bind(fiber, name, value);
        }
        Ok(())
    }

    fn call(
        &mut self,
        shared: &Shared,
        fiber: &mut Fiber,
        program: ProgramId,
        with: &[(Name, Expression)],
    ) -> Result<Next, Fault> {
        if fiber.frames.len() >= MOST_FRAMES {
            return Err(broken("programs call one another too deeply".to_owned()));
        }
        let bindings = self.values(fiber, with)?;
        let home = shared.plan.programs[program.index()].home.or_else(|| home_of(fiber));
        fiber.frames.push(Frame::Program(ProgramFrame::new(program, home, bindings)));
        Ok(Next::Frame)
    }

    /// The value of an expression for the program on top of the stack.
    pub(super) fn value(&self, fiber: &Fiber, expression: &Expression) -> Result<Value, Fault> {
        if let Expression::Literal(value) = expression {
            return Ok(value.clone());
        }
        self.with_scope(fiber, |scope| evaluate(expression, scope))
    }

    /// The values of several named expressions.
    pub(super) fn values(
        &self,
        fiber: &Fiber,
        named: &[(Name, Expression)],
    ) -> Result<Vec<(Name, Value)>, Fault> {
        named.iter().map(|(name, value)| Ok((name.clone(), self.value(fiber, value)?))).collect()
    }

    /// Does something with the scope of the program on top of the stack.
    pub(super) fn with_scope<T>(
        &self,
        fiber: &Fiber,
        action: impl FnOnce(&Scope<'_>) -> Result<T, evaluate::Trouble>,
    ) -> Result<T, Fault> {
        let bindings = match fiber.frames.last() {
            Some(Frame::Program(frame)) => &frame.bindings[..],
            _ => &[],
        };
        let plug_in = PlugInScope::of(&self.shared.plan, &fiber.frames);
        let scope = Scope {
            bindings,
            plug_in: plug_in.as_ref().map(|names| names as _),
            row: None,
            clock: self.clock(),
        };
        action(&scope).map_err(broken)
    }

    /// The values of an actor's first bindings, outside any program.
    pub(super) fn evaluate_all(
        &self,
        named: &[(Name, Expression)],
        bindings: &[(Name, Value)],
    ) -> Result<Vec<(Name, Value)>, Fault> {
        let scope = Scope { bindings, plug_in: None, row: None, clock: self.clock() };
        let values = named.iter().map(|(name, value)| {
            evaluate(value, &scope).map(|value| (name.clone(), value)).map_err(broken)
        });
        values.collect()
    }

    /// Binds the answer to what the program asked for.
    fn accept(&mut self, shared: &Shared, fiber: &mut Fiber, answer: Answer) {
        let lane = fiber.lane;
        let asked = match fiber.frames.last() {
            Some(Frame::Program(frame)) => frame
                .position
                .checked_sub(1)
                .and_then(|position| shared.code.operation(frame.program, position)),
            _ => return,
        };
        let name = match asked {
            Some(Operation::Request(RequestCode { verb, .. })) => match verb {
                Verb::Create { bind, .. }
                | Verb::Retrieve { bind, .. }
                | Verb::Query { bind, .. }
                | Verb::Upsert { bind, .. }
                | Verb::Execute { bind, .. } => bind.as_ref(),
                Verb::Changes { bind, from, .. } => {
                    if let (ChangesFrom::Cursor(cursor), Answer::Changes(delta)) = (from, &answer) {
                        self.note_read(fiber, cursor, delta);
                    }
                    bind.as_ref()
                }
                _ => None,
            },
            Some(Operation::Statement(code)) => code.bind.as_ref(),
            Some(Operation::Batch(BatchCode::Send { bind, .. })) => bind.as_ref(),
            _ => None,
        };
        let Some(Frame::Program(frame)) = fiber.frames.last_mut() else {
            return;
        };
        let mut bind = |name: &Name, value: Value| {
            self.log.emit(self.now, || Event::Bound {
                lane,
                name: name.clone(),
                value: value.clone(),
            });
            frame.bind(name, value);
        };
        if let Some(Operation::Request(RequestCode { verb: Verb::Query { parts, .. }, .. })) = asked
        {
            for (part, name) in parts {
                bind(name, answer.part(*part));
            }
        }
        if let (
            Some(Operation::Batch(BatchCode::Send { faults: Some(name), .. })),
            Answer::Batch(_, faults),
        ) = (asked, &answer)
        {
            bind(name, Value::List(Arc::clone(faults)));
        }
        if let Some(name) = name {
            bind(name, answer.into_value());
        }
    }

    fn work(&mut self, id: FiberId, fiber: &mut Fiber, duration: Duration) -> Next {
        let lane = fiber.lane;
        let request = innermost_request(fiber);
        self.log.emit(self.now, || Event::Worked { lane, request, duration });
        match self.sleep(id, fiber, duration) {
            Flow::Continue => Next::Operation,
            Flow::Suspend => Next::Wait,
        }
    }

    fn pause(&mut self, id: FiberId, fiber: &mut Fiber, until: SimInstant) -> Next {
        if until <= self.now {
            return Next::Operation;
        }
        let lane = fiber.lane;
        self.log.emit(self.now, || Event::Slept { lane, until });
        self.wait(id, fiber, State::Sleeping { until }, until);
        Next::Wait
    }

    fn begin_loop(&self, fiber: &Fiber, operation: &Operation) -> Result<Loop, Fault> {
        let (Operation::LoopOver(expression) | Operation::LoopTimes(expression)) = operation else {
            return Ok(Loop::Times { times: 0, taken: 0 });
        };
        match (operation, self.value(fiber, expression)?) {
            (Operation::LoopOver(_), Value::List(items)) => Ok(Loop::Over { items, taken: 0 }),
            (Operation::LoopOver(_), Value::Null) => {
                Ok(Loop::Over { items: Arc::default(), taken: 0 })
            }
            (Operation::LoopTimes(_), Value::Whole(times)) => {
                Ok(Loop::Times { times: u64::try_from(times).unwrap_or(0), taken: 0 })
            }
            (_, other) => Err(broken(format!("{} can't be repeated over", other.kind()))),
        }
    }

    /// What a program does about a fault: the innermost guard that knows what to do decides;
    /// without one, the program ends in it.
    fn meet_fault(
        &mut self,
        shared: &Shared,
        id: FiberId,
        fiber: &mut Fiber,
        fault: Fault,
    ) -> Flow {
        loop {
            let Some(Frame::Program(frame)) = fiber.frames.last_mut() else {
                return Flow::Continue;
            };
            let Some(guard) = frame.guards.pop() else {
                leave_program(fiber);
                fiber.result = Some(Err(fault));
                return Flow::Continue;
            };
            let program = frame.program;
            match guard {
                Guard::Transaction { own } => self.end_explicit(fiber, own, Some(&fault)),
                Guard::Retry { position, failed, loops } => {
                    let Some(Operation::GuardRetry { up_to, wait, on }) =
                        shared.code.operation(program, position)
                    else {
                        continue;
                    };
                    if failed < *up_to && is_worth_another_try(&fault, on) {
                        frame.batches.clear();
                        frame.loops.truncate(loops);
                        frame.position = position + 1;
                        frame.guards.push(Guard::Retry { position, failed: failed + 1, loops });
                        return self.wait_for_retry(id, fiber, fault, failed, *wait);
                    }
                }
                Guard::Try { position, loops } => {
                    let Some(Operation::GuardTry { on, on_fault }) =
                        shared.code.operation(program, position)
                    else {
                        continue;
                    };
                    if on.is_empty() || on.contains(&fault.kind) {
                        frame.batches.clear();
                        frame.loops.truncate(loops);
                        frame.position = *on_fault;
                        frame.bind(&Name::from("fault"), Value::text(fault.kind.facts().word));
                        let faulted = fault.faulted_request_index.map(i64::from);
                        let faulted = faulted.map_or(Value::Null, Value::Whole);
                        frame.bind(&Name::from("faulted"), faulted);
                        let lane = fiber.lane;
                        self.log.emit(self.now, || Event::FaultHandled { lane, fault });
                        return Flow::Continue;
                    }
                }
            }
        }
    }

    fn wait_for_retry(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        fault: Fault,
        failed: u32,
        backoff: Backoff,
    ) -> Flow {
        let mut wait = backoff.first;
        for _ in 0..failed {
            if wait >= backoff.most || backoff.factor <= 1 {
                break;
            }
            wait = wait.saturating_mul(backoff.factor);
        }
        wait = wait.min(backoff.most);
        if backoff.jitter {
            wait = self.random.jitter(wait);
        }
        let lane = fiber.lane;
        self.log.emit(self.now, || Event::Retried { lane, attempt: failed + 2, fault, wait });
        if self.count_turn() == Next::Wait {
            return Flow::Suspend;
        }
        self.sleep(id, fiber, wait)
    }

    /// Counts one turn of a loop: beyond the run's limit the fiber stays where it is.
    pub(super) fn count_turn(&mut self) -> Next {
        self.turns += 1;
        if self.transitions + self.turns < self.shared.plan.limits.transitions {
            Next::Operation
        } else {
            Next::Wait
        }
    }

    /// Brings a fault that came from outside to the frame that it concerns.
    pub(super) fn unwind(&mut self, fiber: &mut Fiber, interrupt: Interrupt) -> Flow {
        match interrupt {
            Interrupt::Fault(fault) => match fiber.frames.last() {
                Some(Frame::Request(_)) => self.fail_request(fiber, fault),
                Some(Frame::Statement(_)) => {
                    if let Some(Frame::Statement(frame)) = fiber.frames.pop() {
                        let fault = self.fail_statement(fiber, *frame, fault);
                        fiber.result = Some(Err(fault));
                    }
                }
                _ => fiber.result = Some(Err(fault)),
            },
            Interrupt::PlugInTimeout { frame } => self.stop_plug_in(fiber, frame),
        }
        Flow::Continue
    }
}

/// The deepest stack of frames. A plan from a file can't have programs that call one another in a
/// circle; one that was built in Rust can.
const MOST_FRAMES: usize = 256;

/// Says in a fault's message which line of the file broke.
fn tell_place(shared: &Shared, fiber: &Fiber, fault: &mut Fault) {
    if let Some(Frame::Program(frame)) = fiber.frames.last() {
        let place = shared.code.place(frame.program, frame.position.saturating_sub(1));
        if place.line > 0 {
            let said = fault.message.trim_end_matches('.').len();
            fault.message.truncate(said);
            fault.message.push_str(&format!(" (line {}).", place.line));
        }
    }
}

/// What comes after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The program's next operation.
    Operation,
    /// Another frame is on top.
    Frame,
    /// The fiber waits.
    Wait,
}

/// Leaves the program on top of the stack. A session gets back the bindings of its step's program.
fn leave_program(fiber: &mut Fiber) {
    if let Some(Frame::Program(program)) = fiber.frames.pop()
        && let Some(Frame::Session(session)) = fiber.frames.last_mut()
    {
        session.bindings = program.bindings;
    }
}

/// The request whose plug-in the fiber is in, if any.
pub(super) fn innermost_request(fiber: &Fiber) -> Option<RequestId> {
    fiber.frames.iter().rev().find_map(|frame| match frame {
        Frame::Request(request) => Some(request.id),
        _ => None,
    })
}

fn is_worth_another_try(fault: &Fault, on: &[FaultKind]) -> bool {
    match on {
        [] => fault.kind.facts().retry != Retry::Never,
        kinds => kinds.contains(&fault.kind),
    }
}

/// Does something with the program on top of the stack.
pub(super) fn with_program(fiber: &mut Fiber, action: impl FnOnce(&mut ProgramFrame)) {
    if let Some(Frame::Program(frame)) = fiber.frames.last_mut() {
        action(frame);
    }
}

fn bind(fiber: &mut Fiber, name: &Name, value: Value) {
    with_program(fiber, |frame| frame.bind(name, value));
}

fn jump(fiber: &mut Fiber, position: usize) {
    with_program(fiber, |frame| frame.position = position);
}

fn home_of(fiber: &Fiber) -> Option<InstanceId> {
    match fiber.frames.last() {
        Some(Frame::Program(frame)) => frame.home,
        _ => None,
    }
}

fn next_of_loop(fiber: &mut Fiber, name: &Name, exit: usize) {
    with_program(fiber, |frame| {
        let next = match frame.loops.last_mut() {
            Some(Loop::Over { items, taken }) => {
                let item = items.get(*taken).cloned();
                *taken += 1;
                item
            }
            Some(Loop::Times { times, taken }) if *taken < *times => {
                *taken += 1;
                Some(Value::Whole(i64::try_from(*taken).unwrap_or(i64::MAX)))
            }
            _ => None,
        };
        match next {
            Some(value) => frame.bind(name, value),
            None => {
                frame.loops.pop();
                frame.position = exit;
            }
        }
    });
}
