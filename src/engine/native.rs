//! Runs the plug-ins that are written in Rust, each time from the start, with the answers so far.

use std::sync::Arc;

use crate::engine::database::Assigned;
use crate::engine::fiber::{Asked, Fiber, FiberId, Frame, Phase};
use crate::engine::interpret::{Next, innermost_request};
use crate::engine::plug_in::{Context, Interruption, Service};
use crate::engine::request::{Answer, Request};
use crate::engine::world::{Flow, Shared, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{PlugInBody, Stage};
use crate::trace::Event;
use crate::words::PlugInId;

impl World {
    /// Runs the Rust plug-in on top of the stack up to its next request, or to its end.
    pub(super) fn step_native(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let shared = Arc::clone(&self.shared);
        let answer = fiber.result.take();
        let [.., Frame::Request(request), Frame::Native(frame)] = &mut fiber.frames[..] else {
            return Flow::Continue;
        };
        if let (Some(asked), Some(answer)) = (frame.pending.take(), answer) {
            frame.log.push((asked, answer));
        }
        let Some(plug_in) = behaviour(&shared, frame.plug_in) else {
            fiber.frames.pop();
            let message = "The plug-in's assembly was not given to the run.";
            fiber.result = Some(Err(Fault::new(FaultKind::PlugInFailed, message)));
            return Flow::Continue;
        };
        let stage = match request.phase {
            Phase::PreValidation => Stage::PreValidation,
            Phase::PreOperation => Stage::PreOperation,
            _ => Stage::PostOperation,
        };
        let mut service = Service {
            plan: &shared.plan,
            instance: request.instance,
            context: Context {
                message: request.request.message,
                stage,
                depth: request.depth,
                in_transaction: request.transaction.is_some(),
            },
            target: request.request.clone(),
            before: request.before.clone(),
            log: &frame.log,
            answered: 0,
            pending: None,
        };
        let result = plug_in.execute(&mut service);
        let (pending, target) = (service.pending.take(), service.target);
        if let Some(asked) = pending {
            frame.pending = Some(asked.clone());
            return self.serve(id, fiber, asked);
        }
        let result = match result {
            Ok(()) => self.coerce_columns(target).map(|target| {
                request.request = target;
                Answer::Done
            }),
            Err(Interruption::Fault(fault)) => Err(fault),
            Err(Interruption::Waiting) => {
                let message = "The plug-in said that it waits, but asked for nothing.";
                Err(Fault::new(FaultKind::PlugInFailed, message))
            }
        };
        fiber.frames.pop();
        fiber.result = Some(result);
        Flow::Continue
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
            Asked::Request(instance, request) => match self.coerce_columns(*request) {
                Ok(request) => match self.hand_over(id, fiber, instance, request) {
                    Next::Wait => Flow::Suspend,
                    Next::Frame | Next::Operation => Flow::Continue,
                },
                Err(fault) => {
                    fiber.result = Some(Err(fault));
                    Flow::Continue
                }
            },
        }
    }

    /// A request with every value in the type of its column.
    pub(super) fn coerce_columns(&mut self, mut request: Request) -> Result<Request, Fault> {
        for (column, assigned) in &mut request.columns {
            if let Assigned::Value(value) = assigned {
                let value = std::mem::take(value);
                *assigned = Assigned::Value(self.coerce(request.table, *column, value)?);
            }
        }
        Ok(request)
    }
}

fn behaviour(shared: &Shared, id: PlugInId) -> Option<&Arc<dyn crate::engine::plug_in::PlugIn>> {
    match &shared.plan.plug_in(id).body {
        PlugInBody::Rust(name) => shared.plug_ins.get(name),
        PlugInBody::Steps(_) => None,
    }
}
