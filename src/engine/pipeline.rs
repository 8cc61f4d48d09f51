//! The event pipeline: how an instance carries a request out.
//!
//! ```text
//!  Arrived ▶ (Resolve) ▶ PreValidation ▶ (Privileges) ▶ Begin ▶ PreOperation ▶ MainOperation ▶
//!             the row       stage 10                              stage 20        stage 30
//!           └────── outside for the outermost request ──────┘ └─ one database transaction ─┐
//!                                                                                          │
//!   ▶ PostOperation ▶ (Queue) ▶ Commit       nested requests of all stages join it ────────┘
//!       stage 40      jobs for asynchronous steps
//! ```
//!
//! The frame of a job's step has a phase of its own, `Job`: the request itself is over by then.
//!
//! Source: Microsoft Learn, "Event framework" (stages); "Database transactions" (Scalable
//! Customization Design): PreValidation of the outermost request runs before the transaction, so
//! each of its own requests is a transaction of its own; whatever is nested in a transaction is
//! part of it. A fault in a synchronous step rolls the whole transaction back.

use crate::engine::association::unwritable;
use crate::engine::batch::unfit;
use crate::engine::concurrency::unversioned;
use crate::engine::custom_message::{acts_in_none, blank_answer};
use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame, State};
use crate::engine::interpret::Next;
use crate::engine::jobs::Origin;
use crate::engine::operation::Done;
use crate::engine::request::{Answer, Request, Target};
use crate::engine::transaction::sql_timeout;
use crate::engine::world::{Flow, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Message, Stage};
use crate::trace::{Event, RequestBegan, RollbackReason};
use crate::words::{InstanceId, LaneId, TableId};

impl World {
    /// Takes the request on top of the stack one phase or one plug-in step further.
    pub(super) fn step_request(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let result = fiber.result.take();
        let Some(Frame::Request(frame)) = fiber.frames.last() else {
            return Flow::Continue;
        };
        match result {
            Some(result) if frame.running.is_some() => return self.plug_in_ended(fiber, result),
            Some(result) => return self.part_ended(fiber, result),
            None => {}
        }
        match frame.phase {
            Phase::Arrived => self.admit(id, fiber),
            Phase::MainOperation if frame.request.message.custom().is_some() => {
                self.run_stage(id, fiber, Stage::MainOperation, Phase::PostOperation)
            }
            Phase::Resolve | Phase::MainOperation | Phase::Queue => self.run_statement(id, fiber),
            Phase::PreValidation => {
                let next = match self.shared.plan.security.is_empty() {
                    true => Phase::Begin,
                    false => Phase::Privileges,
                };
                self.run_stage(id, fiber, Stage::PreValidation, next)
            }
            Phase::Privileges => self.check_privileges(id, fiber),
            Phase::Begin => {
                self.begin_for_request(fiber);
                Flow::Continue
            }
            Phase::PreOperation => {
                self.run_stage(id, fiber, Stage::PreOperation, Phase::MainOperation)
            }
            Phase::PostOperation => {
                let request = &frame.request;
                let steps = &self.shared.steps;
                let has_jobs = frame.defers_cascade()
                    || steps.asynchronous(frame.instance, request.table, request.message).is_some();
                let next = if has_jobs { Phase::Queue } else { Phase::Commit };
                self.run_stage(id, fiber, Stage::PostOperation, next)
            }
            Phase::Job => {
                if !self.begin_cascade_batch(fiber) {
                    self.complete(fiber);
                }
                Flow::Continue
            }
            Phase::Commit => {
                self.complete(fiber);
                Flow::Continue
            }
        }
    }

    /// The request reaches the platform.
    fn admit(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let lane = fiber.lane;
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let request = &frame.request;
        self.log.emit(self.now, || {
            Event::RequestBegan(RequestBegan {
                lane,
                request: frame.id,
                parent: frame.parent,
                instance: frame.instance,
                message: request.message,
                table: request.table,
                row: request.id(),
                depth: frame.depth,
                transaction: frame.transaction.map(|transaction| transaction.id),
                input: request.input.as_ref().map_or_else(Vec::new, |input| {
                    let given = input.columns.iter();
                    given.map(|(_, name, value)| (name.clone(), value.clone())).collect()
                }),
                columns: match (&request.select, request.message) {
                    (Some(select), _) => select.to_vec(),
                    _ => request.columns.iter().map(|(column, _)| *column).collect(),
                },
            })
        });
        let (instance, depth, table) = (frame.instance, frame.depth, request.table);
        frame.phase = match (request.message, &request.target) {
            (Message::Upsert, _) => Phase::Resolve,
            (_, Target::Key(..) | Target::Any) => Phase::Resolve,
            _ => Phase::PreValidation,
        };
        frame.job_access = self.job_access(frame);
        frame.answer = blank_answer(&self.shared.plan, frame);
        if let Some(fault) = self.inadmissible(fiber, instance, depth, table) {
            self.fail_request(fiber, fault);
            return Flow::Continue;
        }
        let cost = self.shared.plan.costs.request;
        self.sleep(id, fiber, cost)
    }

    /// Why the platform does not even begin with a request.
    ///
    /// Source: Microsoft Learn, `RemoteExecutionContext.Depth`: the number rises with what a
    /// running plug-in or workflow asks for, so what the platform does for a request by itself, a
    /// cascade, can't loop and has no limit.
    fn inadmissible(
        &self,
        fiber: &Fiber,
        instance: InstanceId,
        depth: u32,
        table: TableId,
    ) -> Option<Fault> {
        let plan = &self.shared.plan;
        if !self.databases[instance.index()].has(table) {
            let message = format!(
                "The entity with a name = '{}' was not found in '{}'.",
                plan.table(table).name,
                plan.instance(instance).name
            );
            return Some(Fault::new(FaultKind::NoSuchTable, message).from_instance(instance));
        }
        if depth > plan.limits.depth && !is_part(fiber) {
            return Some(too_deep().from_instance(instance));
        }
        let Some(Frame::Request(frame)) = fiber.frames.last() else {
            return None;
        };
        if let Some(fault) = unversioned(frame.request.required, plan.table(table)) {
            return Some(fault.from_instance(instance));
        }
        if let Some(fault) = unfit(&frame.request).or_else(|| unwritable(plan, &frame.request)) {
            return Some(fault.from_instance(instance));
        }
        self.databases[instance.index()].unusable(frame.transaction?)
    }

    /// The request gets a transaction, unless it is in one, or only reads without a lock and
    /// without a step that would need one.
    fn begin_for_request(&mut self, fiber: &mut Fiber) {
        let lane = fiber.lane;
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return;
        };
        frame.phase = Phase::PreOperation;
        let isolation = self.shared.plan.instance(frame.instance).isolation;
        let (instance, request) = (frame.instance, &frame.request);
        let reads = request.message.is_read();
        // Each item of an ExecuteMultiple has a transaction of its own.
        let needs_none = request.message == Message::ExecuteMultiple
            || acts_in_none(&self.shared.plan, request.message)
            || reads
                && !self.needs_transaction(instance, frame)
                && !self.shared.steps.any(instance, request.table, request.message);
        if frame.transaction.is_none() && !needs_none {
            self.open_for_request(lane, fiber, isolation);
        }
    }

    /// Opens a transaction that ends with the request.
    fn open_for_request(&mut self, lane: LaneId, fiber: &mut Fiber, isolation: Isolation) {
        if let Some(Frame::Request(frame)) = fiber.frames.last_mut() {
            let id = frame.id;
            let reference = self.begin(frame.instance, lane, (isolation, 0), Some(id));
            frame.transaction = Some(reference);
            frame.owns_transaction = true;
        }
    }

    /// Whether the command that comes next can't do without a transaction.
    fn command_needs_transaction(&self, frame: &RequestFrame) -> bool {
        match frame.phase {
            Phase::Queue => true,
            Phase::MainOperation => {
                frame.request.message != Message::ExecuteMultiple
                    && self.databases[frame.instance.index()].is_altering()
            }
            _ => false,
        }
    }

    /// Runs the request's look-up, its main operation or the writing of a job as one database
    /// command.
    fn run_statement(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let deadline =
            *frame.command_deadline.get_or_insert(self.now + self.shared.plan.limits.sql_command);
        if deadline < self.now {
            self.fail_request(fiber, sql_timeout());
            return Flow::Continue;
        }
        let (instance, lane) = (frame.instance, fiber.lane);
        let phase = frame.phase;
        if frame.transaction.is_none() && self.command_needs_transaction(frame) {
            let isolation = self.shared.plan.instance(instance).isolation;
            self.open_for_request(lane, fiber, isolation);
        }
        let limit = self.free_until(fiber, deadline);
        let origin = (phase == Phase::Queue).then(|| Origin::of(fiber));
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let done = match (phase, origin) {
            (_, Some(origin)) => self.queue_job((id, origin), frame),
            (Phase::Resolve, _) => self.resolve(id, frame),
            _ => self.operate(id, frame, limit),
        };
        self.settle(instance);
        match done {
            Ok(Done::Waits) => {
                self.wait(id, fiber, State::Locked, deadline);
                self.look_across(instance, lane);
                Flow::Suspend
            }
            Ok(Done::Again) => match self.count_turn() {
                Next::Wait => Flow::Suspend,
                _ => Flow::Continue,
            },
            Ok(Done::Took(cost)) => self.sleep(id, fiber, cost),
            Ok(Done::Part(request)) => {
                self.begin_part(fiber, *request);
                Flow::Continue
            }
            Ok(Done::After(cost)) => {
                if let Some(Frame::Request(frame)) = fiber.frames.last_mut() {
                    frame.command_deadline = None;
                }
                self.sleep(id, fiber, cost)
            }
            Err(fault) => {
                self.fail_request(fiber, fault);
                Flow::Continue
            }
        }
    }

    /// Begins a request that the platform itself makes for the main operation of the one on top of
    /// the stack: nested in it, in its transaction. It meets every stage of its own.
    fn begin_part(&mut self, fiber: &mut Fiber, request: Request) {
        let number = self.number_request();
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return;
        };
        // The parts are commands of their own; the next look of this one begins afresh.
        frame.command_deadline = None;
        let mut part = RequestFrame::new(number, frame.instance, request, frame.transaction);
        part.depth = frame.depth + u32::from(frame.request.batch.is_none());
        part.parent = Some(frame.id);
        part.cascade = frame
            .cascade
            .as_ref()
            .map(|above| Box::new(above.of_child(frame.request.table, frame.request.id())));
        fiber.frames.push(Frame::Request(Box::new(part)));
    }

    /// A request that the platform made for a main operation has ended. A fault ends the main
    /// operation as well, unless that is an ExecuteMultiple.
    fn part_ended(&mut self, fiber: &mut Fiber, result: Result<Answer, Fault>) -> Flow {
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        match result {
            Err(mut fault) if frame.request.message != Message::ExecuteMultiple => {
                if frame.request.message == Message::ExecuteTransaction {
                    fault.faulted_request_index = u32::try_from(frame.parts.len()).ok();
                }
                self.fail_request(fiber, fault);
            }
            result => frame.parts.push(result),
        }
        Flow::Continue
    }

    /// The request ends well: its transaction is committed, if it is its own.
    fn complete(&mut self, fiber: &mut Fiber) {
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return;
        };
        let instance = frame.instance;
        if let Some(transaction) = frame.transaction.filter(|_| frame.owns_transaction) {
            frame.owns_transaction = false;
            if let Err(fault) = self.commit(instance, transaction) {
                self.fail_request(fiber, fault);
                return;
            }
        }
        let Some(Frame::Request(frame)) = fiber.frames.pop() else {
            return;
        };
        self.log.emit(self.now, || Event::RequestEnded { request: frame.id, fault: None });
        fiber.result = Some(Ok(frame.answer));
    }

    /// The request ends in a fault: its own transaction is rolled back; one that it shares can
    /// only be rolled back from now on.
    pub(super) fn fail_request(&mut self, fiber: &mut Fiber, fault: Fault) {
        let Some(Frame::Request(mut frame)) = fiber.frames.pop() else {
            return;
        };
        if matches!(frame.phase, Phase::MainOperation | Phase::Queue) {
            self.end_command(&mut frame);
        }
        let fault = fault.from_instance(frame.instance);
        if let Some(transaction) = frame.transaction {
            if frame.owns_transaction {
                let reason = RollbackReason::Fault(fault.clone());
                self.roll_back(frame.instance, transaction, reason);
            } else {
                self.databases[frame.instance.index()].doom(transaction, &fault);
            }
        }
        let request = frame.id;
        if let Some((plug_in, _)) = frame.running {
            let fault = Some(fault.clone());
            self.log.emit(self.now, || Event::PlugInEnded { request, plug_in, fault });
        }
        self.log.emit(self.now, || Event::RequestEnded { request, fault: Some(fault.clone()) });
        fiber.result = Some(Err(fault));
    }
}

/// The fault of a chain of requests, or of a background workflow, that comes back to itself.
///
/// Source: Microsoft Learn, "Web service error codes", SdkCorrelationTokenDepthTooHigh; "Best
/// practices for background workflow processes".
pub(super) fn too_deep() -> Fault {
    let message = "This workflow job was canceled because the workflow that started it included \
                   an infinite loop. Correct the workflow logic and try again. For information \
                   about workflow logic, see Help.";
    Fault::new(FaultKind::DepthExceeded, message)
}

/// Whether the request on top of the stack was made by the platform, for the one below it.
pub(super) fn is_part(fiber: &Fiber) -> bool {
    let below = fiber.frames.len().checked_sub(2).and_then(|index| fiber.frames.get(index));
    // What a client sends in a batch is its own request.
    matches!(below, Some(Frame::Request(it)) if it.running.is_none() && it.request.batch.is_none())
}
