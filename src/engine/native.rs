//! Runs the plug-ins that are written in Rust, each time from the start, with the answers so far.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::engine::database::Assigned;
use crate::engine::fiber::{Fiber, FiberId, Frame};
use crate::engine::interpret::{Next, innermost_request};
use crate::engine::plug_in::replay::{Asked, Logged, Replay};
use crate::engine::plug_in::{Context, Interruption, PlugIn, Users};
use crate::engine::request::{Answer, Request};
use crate::engine::scope::PlugInScope;
use crate::engine::security::user_of;
use crate::engine::sharing::SharedVariables;
use crate::engine::world::{Flow, Shared, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{PlugInBody, Side};
use crate::trace::Event;
use crate::words::{Name, PlugInId, Value};

/// What one run of a plug-in's function came to.
struct Ran {
    /// The lines that it has traced for the first time.
    lines: Vec<Name>,
    shared: SharedVariables,
    ending: Ending,
}

/// How a run of a plug-in's function ended.
enum Ending {
    /// It asks for something.
    Asks(Asked),
    /// It is done; the target is as it has left it, with the parameters that it has set.
    Done(Box<Request>, Vec<(Side, Name, Value)>),
    /// It has failed.
    Failed(Fault),
    /// It has raised an exception that the caller learns nothing of.
    Broke(String),
}

impl World {
    /// Runs the Rust plug-in on top of the stack up to its next request, or to its end.
    pub(super) fn step_native(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let shared = Arc::clone(&self.shared);
        let answer = fiber.result.take();
        let Some(Frame::Native(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        frame.began.get_or_insert(self.now);
        if let (Some(asked), Some(answer)) = (frame.pending.take(), answer) {
            frame.log.push(Logged::Answered(asked, answer, self.now));
        }
        let Some(plug_in) = behaviour(&shared, frame.plug_in) else {
            fiber.frames.pop();
            let message = "The plug-in's assembly was not given to the run.";
            fiber.result = Some(Err(Fault::new(FaultKind::PlugInFailed, message)));
            return Flow::Continue;
        };
        let Some(ran) = self.run_native(&shared, fiber, &**plug_in) else {
            return Flow::Continue;
        };
        for line in &ran.lines {
            self.write_to_trace_log(fiber, line.clone());
        }
        let [.., Frame::Request(request), Frame::Native(frame)] = &mut fiber.frames[..] else {
            return Flow::Continue;
        };
        frame.log.extend(ran.lines.into_iter().map(Logged::Traced));
        request.shared = ran.shared;
        let result = match ran.ending {
            Ending::Asks(asked) => {
                frame.pending = Some(asked.clone());
                return self.serve(id, fiber, asked);
            }
            Ending::Done(target, parameters) => self.take_over(fiber, *target, parameters),
            Ending::Failed(fault) => Err(fault),
            Ending::Broke(text) => Err(self.exception(fiber, &text)),
        };
        fiber.frames.pop();
        fiber.result = Some(result);
        Flow::Continue
    }

    /// Takes over what the plug-in on top of the stack has changed of its request.
    fn take_over(
        &mut self,
        fiber: &mut Fiber,
        target: Request,
        parameters: Vec<(Side, Name, Value)>,
    ) -> Result<Answer, Fault> {
        let target = self.coerce_columns(target)?;
        if let [.., Frame::Request(request), Frame::Native(_)] = &mut fiber.frames[..] {
            request.request = target;
        }
        for (side, name, value) in parameters {
            self.give_parameters(fiber, side, vec![(name, value)])?;
        }
        Ok(Answer::Done)
    }

    /// Runs the function of the plug-in on top of the stack once along its log.
    fn run_native(&self, shared: &Shared, fiber: &Fiber, plug_in: &dyn PlugIn) -> Option<Ran> {
        let Some(Frame::Native(frame)) = fiber.frames.last() else { return None };
        let scope = PlugInScope::of(&shared.plan, &fiber.frames)?;
        let mut context = Context {
            step: shared.plan.plug_in(frame.plug_in),
            replay: Replay::new(&frame.log, frame.began.unwrap_or(self.now)),
            target: scope.request.request.clone(),
            shared: frame.shared.clone(),
            parameters: Vec::new(),
            users: Users { initiating: fiber.user, acting: user_of(self, fiber) },
            scope,
        };
        // A panic leaves nothing half done: the context is thrown away, and the plug-in has no
        // state that changes.
        let result = catch_unwind(AssertUnwindSafe(|| plug_in.execute(&mut context)));
        let Context { mut replay, target, shared, parameters, .. } = context;
        let diverged = replay.end();
        let ending = match (diverged, replay.pending, result) {
            (Some(fault), ..) => Ending::Failed(fault),
            (_, _, Err(panic)) => Ending::Broke(text_of(&*panic)),
            (_, Some(asked), _) => Ending::Asks(asked),
            (_, _, Ok(Ok(()))) => Ending::Done(Box::new(target), parameters),
            (_, _, Ok(Err(Interruption::Fault(fault)))) => Ending::Failed(fault),
            (_, _, Ok(Err(Interruption::Exception(text)))) => Ending::Broke(text),
            (_, _, Ok(Err(Interruption::Waiting))) => {
                let message = "The plug-in said that it waits, but asked for nothing.";
                Ending::Failed(Fault::new(FaultKind::PlugInFailed, message))
            }
        };
        Some(Ran { lines: mem::take(&mut replay.lines), shared, ending })
    }

    /// Carries out what a Rust plug-in asked for.
    fn serve(&mut self, id: FiberId, fiber: &mut Fiber, asked: Asked) -> Flow {
        match asked {
            Asked::Work(duration) => {
                let lane = fiber.lane;
                let request = innermost_request(fiber);
                self.log.emit(self.now, || Event::Worked { lane, request, duration });
                fiber.result = Some(Ok(Answer::Done));
                self.sleep(id, fiber, duration)
            }
            Asked::Id => {
                fiber.result = Some(Ok(Answer::Id(self.random.id())));
                Flow::Continue
            }
            Asked::Request(ask) => {
                let [.., Frame::Request(request), Frame::Native(_)] = &fiber.frames[..] else {
                    return Flow::Continue;
                };
                let own = request.instance;
                match self.asked(fiber, own, &ask) {
                    Ok((instance, request)) => match self.hand_over(id, fiber, instance, request) {
                        Next::Wait => Flow::Suspend,
                        Next::Frame | Next::Operation => Flow::Continue,
                    },
                    Err(fault) => {
                        fiber.result = Some(Err(fault));
                        Flow::Continue
                    }
                }
            }
        }
    }

    /// A request with every value in the type of its column.
    fn coerce_columns(&mut self, mut request: Request) -> Result<Request, Fault> {
        for (column, assigned) in &mut request.columns {
            if let Assigned::Value(value) = assigned {
                let value = mem::take(value);
                *assigned = Assigned::Value(self.coerce(request.table, *column, value)?);
            }
        }
        if let Some(batch) = &mut request.batch {
            for item in &mut batch.items {
                let whole =
                    mem::replace(item, Request::new(item.message, item.table, item.target.clone()));
                *item = self.coerce_columns(whole)?;
            }
        }
        Ok(request)
    }
}

fn behaviour(shared: &Shared, id: PlugInId) -> Option<&Arc<dyn PlugIn>> {
    match &shared.plan.plug_in(id).body {
        PlugInBody::Rust(name) => shared.plug_ins.get(name),
        PlugInBody::Steps(_) => None,
    }
}

/// What a panic said.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "the plug-in panicked".to_owned())
}
