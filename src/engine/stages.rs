//! The stages of a request: which plug-in steps run, one after the other, and how they end.

use std::sync::Arc;

use crate::engine::batch::is_in_bulk;
use crate::engine::fiber::RequestFrame;
use crate::engine::fiber::{Fiber, FiberId, Frame, Guard, Phase, ProgramFrame};
use crate::engine::plug_in::replay::NativeFrame;
use crate::engine::request::Answer;
use crate::engine::sharing::too_large;
use crate::engine::split::Part;
use crate::engine::steps::StepList;
use crate::engine::world::{Flow, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{ImageKind, Plan, PlugInBody, Stage, StepKind};
use crate::trace::Event;
use crate::words::{PlugInId, SimInstant};

impl World {
    /// Begins the next plug-in step of a stage, or goes on to the next phase.
    pub(super) fn run_stage(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        stage: Stage,
        next: Phase,
    ) -> Flow {
        let is_in_bulk = is_in_bulk(&fiber.frames);
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let shared = Arc::clone(&self.shared);
        let plan = &shared.plan;
        let request = &frame.request;
        if let Some(list) = shared.steps.list(frame.instance, request.table, request.message, stage)
        {
            if frame.steps_begun == 0 && frame.part == Part::Whole {
                frame.part = Part::first(plan, frame, stage);
            }
            if let Some(plug_in) = next_step(plan, list, frame, is_in_bulk) {
                if !frame.stage_told {
                    frame.stage_told = true;
                    let request = frame.id;
                    self.log.emit(self.now, || Event::StageBegan { request, stage });
                }
                if let Some(mut fault) = too_large(plan, frame) {
                    fault.plug_in = Some(plug_in);
                    self.fail_request(fiber, fault);
                    return Flow::Continue;
                }
                self.take_image(fiber);
                self.take_post_image(fiber, plug_in);
                return self.begin_plug_in(id, fiber, plug_in);
            }
        }
        frame.phase = next;
        frame.part = Part::Whole;
        frame.steps_begun = 0;
        frame.stage_told = false;
        Flow::Continue
    }

    /// Keeps the row as it is when a step begins after the main operation, where the step is
    /// registered with a post-image: as its transaction sees it.
    fn take_post_image(&self, fiber: &mut Fiber, plug_in: PlugInId) {
        let images = &self.shared.plan.plug_in(plug_in).images;
        if let Some(Frame::Request(frame)) = fiber.frames.last_mut()
            && images.iter().any(|image| image.kind == ImageKind::Post)
        {
            frame.after = self.image_of(frame);
        }
    }

    /// Begins a plug-in step.
    pub(super) fn begin_plug_in(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        plug_in: PlugInId,
    ) -> Flow {
        let shared = Arc::clone(&self.shared);
        let registration = shared.plan.plug_in(plug_in);
        let lane = fiber.lane;
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let deadline = match registration.kind {
            StepKind::PlugIn => self.now + shared.plan.limits.plug_in,
            StepKind::Workflow => SimInstant::END,
        };
        frame.running = Some((plug_in, deadline));
        self.log.emit(self.now, || Event::PlugInBegan {
            lane,
            request: frame.id,
            plug_in,
            depth: frame.depth,
            in_transaction: frame.transaction.is_some(),
        });
        let body = match &registration.body {
            PlugInBody::Steps(program) => {
                let home = Some(frame.instance);
                Frame::Program(ProgramFrame::new(*program, home, Vec::new()))
            }
            PlugInBody::Rust(_) => {
                Frame::Native(Box::new(NativeFrame::new(plug_in, frame.shared.clone())))
            }
        };
        fiber.frames.push(body);
        self.sleep(id, fiber, shared.plan.costs.plug_in)
    }

    /// A plug-in step is done, or has failed.
    pub(super) fn plug_in_ended(
        &mut self,
        fiber: &mut Fiber,
        result: Result<Answer, Fault>,
    ) -> Flow {
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let Some((plug_in, _)) = frame.running.take() else {
            return Flow::Continue;
        };
        let request = frame.id;
        let (instance, transaction) = (frame.instance, frame.transaction);
        let database = &self.databases[instance.index()];
        let swallowed = || transaction.and_then(|reference| database.swallowed(reference));
        let fault = match result {
            Err(fault) => Some(fault),
            Ok(_) => swallowed(),
        }
        .map(|mut fault| {
            fault.plug_in.get_or_insert(plug_in);
            fault.from_instance(instance)
        });
        self.log.emit(self.now, || Event::PlugInEnded { request, plug_in, fault: fault.clone() });
        if let Some(fault) = fault {
            self.fail_request(fiber, fault);
        }
        Flow::Continue
    }

    /// A plug-in step has run out of time: everything above its request's frame ends with it, and
    /// nothing there can handle that.
    pub(super) fn stop_plug_in(&mut self, fiber: &mut Fiber, frame: usize) {
        let Some(Frame::Request(below)) = fiber.frames.get(frame) else {
            return;
        };
        let Some((plug_in, _)) = below.running else {
            return;
        };
        let message = "The plug-in execution failed because the operation has timed-out at the \
                       Sandbox Host.";
        let mut fault = Fault::new(FaultKind::PlugInTimeout, message);
        fault.plug_in = Some(plug_in);
        let fault = fault.from_instance(below.instance);
        while fiber.frames.len() > frame + 1 {
            match fiber.frames.last_mut() {
                Some(Frame::Request(_)) => self.fail_request(fiber, fault.clone()),
                Some(Frame::Program(program)) => {
                    let guards = std::mem::take(&mut program.guards);
                    for guard in guards.into_iter().rev() {
                        if let Guard::Transaction { own } = guard {
                            self.end_explicit(fiber, own, Some(&fault));
                        }
                    }
                    fiber.frames.pop();
                }
                _ => {
                    fiber.frames.pop();
                }
            }
        }
        fiber.result = Some(Err(fault));
    }
}

/// The next step of a stage that a request meets; of a split update first those of the ordinary
/// columns, then those of the others.
fn next_step(
    plan: &Plan,
    list: &StepList,
    frame: &mut RequestFrame,
    is_in_bulk: bool,
) -> Option<PlugInId> {
    let table = plan.table(frame.request.table);
    loop {
        let part = frame.part;
        let columns = frame.request.columns.iter().map(|(column, _)| *column);
        let columns = columns.filter(|column| part.has(table, *column));
        if let Some((position, plug_in)) = list.next(frame.steps_begun, columns) {
            frame.steps_begun = position + 1;
            if is_in_bulk && plan.plug_in(plug_in).message != frame.request.message {
                // A step of the bulk message runs once for all of its rows.
                continue;
            }
            return Some(plug_in);
        }
        if part != Part::Ordinary {
            return None;
        }
        frame.part = Part::Special;
        frame.steps_begun = 0;
    }
}
