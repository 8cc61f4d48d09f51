//! One job: a fiber that writes the job's row, runs the step, and writes the row again.
//!
//! Each write is a request of the service's own, and so is a transaction. The step runs in none:
//! every request that it makes is a transaction of its own, one deeper than the request whose
//! event the job is for.

use crate::engine::database::Assigned;
use crate::engine::fiber::{Fiber, FiberId, Frame, JobFrame, JobPhase, RequestFrame, Role, State};
use crate::engine::jobs::{Job, JobAccess, Standing, Work};
use crate::engine::pipeline::too_deep;
use crate::engine::request::{Answer, Request, Required, Target};
use crate::engine::world::{Flow, World};
use crate::fault::{Fault, FaultKind, OperationStatus};
use crate::plan::{JobState, JobStatus, JobTable, Message};
use crate::trace::{Event, JobEvent, JobOutcome, LaneKind};
use crate::words::{ColumnId, InstanceId, RowId, Value};

impl World {
    /// The service takes a job: a lane of its own begins.
    pub(super) fn take_job(&mut self, instance: InstanceId, row: RowId) {
        let mut waiting = self.jobs.waiting.iter_mut();
        let Some(job) = waiting.find(|it| it.instance == instance && it.row == row) else {
            return;
        };
        job.is_taken = true;
        let job = job.clone();
        let lane = self.number_lane();
        let name = self.names.get(row).cloned().unwrap_or_else(|| row.to_string().into());
        let kind = LaneKind::Job { plug_in: job.work.step() };
        self.log.emit(self.now, || Event::LaneBegan { lane, kind, name });
        let id = self.allocate();
        let mut fiber = std::mem::take(&mut self.fibers[id.0 as usize]);
        fiber.lane = lane;
        fiber.role = Role::Job { instance };
        fiber.frames.push(Frame::Job(Box::new(JobFrame { job, phase: JobPhase::Taken })));
        self.wait(id, &mut fiber, State::Ready, self.now);
        self.fibers[id.0 as usize] = fiber;
    }

    /// Takes the job on top of the stack one phase further.
    pub(in crate::engine) fn step_job(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let result = fiber.result.take();
        let Some(table) = self.shared.plan.jobs else { return Flow::Continue };
        let Some(Frame::Job(frame)) = fiber.frames.last_mut() else { return Flow::Continue };
        match (std::mem::replace(&mut frame.phase, JobPhase::Taken), result) {
            (JobPhase::Taken, _) => self.lock_job(fiber, &table),
            (JobPhase::Locking, Some(Ok(_))) => self.begin_job(id, fiber, &table),
            (JobPhase::Locking, _) => {
                // Somebody has written it meanwhile: the next look will tell.
                self.give_back_job(fiber, &table);
                Flow::Continue
            }
            (JobPhase::Running { request }, result) => {
                let result = result.unwrap_or(Ok(Answer::Done));
                self.job_ran(fiber, &table, request, result);
                Flow::Continue
            }
            (JobPhase::Recording(outcome), None) => {
                self.record_job(fiber, &table, outcome);
                Flow::Continue
            }
            (JobPhase::Recording(outcome), Some(result)) => {
                match result {
                    // Somebody has written it meanwhile: once more, with what it is now.
                    Err(fault) if fault.kind == FaultKind::ConcurrencyMismatch => {
                        self.record_job(fiber, &table, outcome);
                    }
                    _ => self.leave_job(fiber, &outcome),
                }
                Flow::Continue
            }
        }
    }

    /// Writes that the job is in progress, if it is still as it was found.
    fn lock_job(&mut self, fiber: &mut Fiber, table: &JobTable) -> Flow {
        let Some(Frame::Job(frame)) = fiber.frames.last_mut() else { return Flow::Continue };
        match self.job_standing(table, frame.job.instance, frame.job.row) {
            Some(Standing { state: JobState::Ready, version, .. }) => {
                frame.phase = JobPhase::Locking;
                let began = Value::DateTime(self.clock().moment());
                let status = JobStatus::InProgress;
                self.write_job(fiber, table, version, status, vec![(table.started_on, began)]);
            }
            _ => self.give_back_job(fiber, table),
        }
        Flow::Continue
    }

    /// Makes the service's own request that writes a job's row.
    fn write_job(
        &mut self,
        fiber: &mut Fiber,
        table: &JobTable,
        version: u64,
        status: JobStatus,
        further: Vec<(ColumnId, Value)>,
    ) {
        let Some(Frame::Job(frame)) = fiber.frames.last() else { return };
        let (instance, row) = (frame.job.instance, frame.job.row);
        let mut request = Request::new(Message::Update, table.table, Target::Id(row));
        request.required = Some(Required::Version(Some(version)));
        let own = [
            (table.state, Value::text(status.state().label())),
            (table.status, Value::text(status.label())),
        ];
        for (column, value) in own.into_iter().chain(further) {
            request.assign(column, Assigned::Value(value));
        }
        let number = self.number_request();
        let mut frame = RequestFrame::new(number, instance, request, None);
        frame.job_access = JobAccess::Service;
        // The service is no user whose privileges would be checked.
        fiber.user = None;
        fiber.frames.push(Frame::Request(Box::new(frame)));
    }

    /// The job is in progress: its step begins.
    fn begin_job(&mut self, id: FiberId, fiber: &mut Fiber, table: &JobTable) -> Flow {
        let request = self.number_request();
        let lane = fiber.lane;
        let Some(Frame::Job(frame)) = fiber.frames.last_mut() else { return Flow::Continue };
        frame.job.attempts += 1;
        frame.phase = JobPhase::Running { request };
        let job = frame.job.clone();
        let mut context = RequestFrame::clone(&job.context);
        self.log.emit(self.now, || {
            Event::Job(JobEvent::Began {
                lane,
                request,
                cause: context.id,
                instance: job.instance,
                table: table.table,
                job: job.row,
                depth: context.depth,
                attempt: job.attempts,
            })
        });
        context.id = request;
        fiber.user = job.user;
        fiber.frames.push(Frame::Request(Box::new(context)));
        if self.is_looping(&job) {
            self.fail_request(fiber, too_deep());
            return Flow::Continue;
        }
        match job.work {
            Work::Step(plug_in) => self.begin_plug_in(id, fiber, plug_in),
            // Its batches follow from the request's phase.
            Work::Cascade => Flow::Continue,
        }
    }

    /// The job's step is done: what becomes of the job?
    fn job_ran(
        &mut self,
        fiber: &mut Fiber,
        table: &JobTable,
        request: crate::words::RequestId,
        result: Result<Answer, Fault>,
    ) {
        let Some(Frame::Job(frame)) = fiber.frames.last_mut() else { return };
        let outcome = self.outcome_of(&frame.job, result);
        let (table_id, job) = (table.table, frame.job.row);
        self.log.emit(self.now, || {
            let outcome = outcome.clone();
            Event::Job(JobEvent::Ended { request, table: table_id, job, outcome })
        });
        self.record_job(fiber, table, outcome);
    }

    /// Source: Microsoft Learn, "Handle exceptions in plug-ins": `OperationStatus`; four tries in
    /// all. "When do asynchronous jobs fail, suspend or retry?" (Microsoft's blog of 2009, as
    /// reported): a network error, a disabled organization and an error of the database are tried
    /// again; an infinite loop fails; everything else fails a plug-in, and suspends a workflow.
    fn outcome_of(&self, job: &Job, result: Result<Answer, Fault>) -> JobOutcome {
        let Err(fault) = result else { return JobOutcome::Succeeded };
        let is_transient = matches!(
            fault.kind,
            FaultKind::Unreachable
                | FaultKind::UnderMaintenance
                | FaultKind::DeadlockVictim
                | FaultKind::SqlTimeout
                | FaultKind::LockNotObtained
        );
        let limits = &self.shared.plan.limits;
        // The maker of a workflow can see to what stopped it, and resume it.
        let is_workflow = self.is_workflow(job);
        let is_suspended = is_workflow && fault.kind != FaultKind::DepthExceeded;
        match fault.status {
            OperationStatus::Canceled => JobOutcome::Canceled(fault),
            OperationStatus::Suspended => JobOutcome::Suspended(fault),
            OperationStatus::Failed if !is_transient && is_suspended => {
                JobOutcome::Suspended(fault)
            }
            OperationStatus::Failed if !is_transient && job.work != Work::Cascade => {
                JobOutcome::Failed(fault)
            }
            _ if job.attempts >= limits.async_attempts => JobOutcome::Failed(fault),
            _ => JobOutcome::Retried { fault, until: self.now + limits.async_retry },
        }
    }

    /// Writes what has become of the job, unless somebody has completed it meanwhile.
    fn record_job(&mut self, fiber: &mut Fiber, table: &JobTable, outcome: JobOutcome) {
        let Some(Frame::Job(frame)) = fiber.frames.last_mut() else { return };
        let standing = self.job_standing(table, frame.job.instance, frame.job.row);
        let Some(standing) = standing.filter(|it| it.state != JobState::Completed) else {
            return self.leave_job(fiber, &outcome);
        };
        let version = standing.version;
        let attempts = frame.job.attempts;
        frame.phase = JobPhase::Recording(outcome.clone());
        let mut further = Vec::new();
        if let Some(fault) = outcome.fault() {
            let code = i64::from(fault.kind.facts().code.cast_signed());
            further.push((table.error_code, Value::Whole(code)));
            further.push((table.message, Value::text(&fault.message)));
        }
        let clock = self.clock();
        let status = match &outcome {
            JobOutcome::Succeeded => JobStatus::Succeeded,
            JobOutcome::Failed(_) => JobStatus::Failed,
            JobOutcome::Canceled(_) => JobStatus::Canceled,
            JobOutcome::Suspended(_) => JobStatus::Waiting,
            JobOutcome::Retried { until, .. } => {
                let until = crate::words::evaluate::Clock { now: *until, ..clock }.moment();
                further.push((table.postpone_until, Value::DateTime(until)));
                further.push((table.retry_count, Value::Whole(i64::from(attempts))));
                JobStatus::WaitingForResources
            }
        };
        if status.state() == JobState::Completed {
            further.push((table.completed_on, Value::DateTime(clock.moment())));
        }
        self.write_job(fiber, table, version, status, further);
    }

    /// The service is done with a job, for good or until the next look.
    fn leave_job(&mut self, fiber: &mut Fiber, outcome: &JobOutcome) {
        let Some(Frame::Job(frame)) = fiber.frames.pop() else { return };
        let job = frame.job;
        let goes_on = matches!(outcome, JobOutcome::Retried { .. } | JobOutcome::Suspended(_));
        let is_it = |it: &Job| it.instance == job.instance && it.row == job.row;
        if goes_on {
            for it in self.jobs.waiting.iter_mut().filter(|it| is_it(it)) {
                it.is_taken = false;
                it.attempts = job.attempts;
            }
            self.look_later(job.instance, self.now + self.shared.plan.costs.async_service);
        } else {
            self.jobs.waiting.retain(|it| !is_it(it));
            if job.token.is_some() {
                // Another one may have waited for it.
                self.look_later(job.instance, self.now + self.shared.plan.costs.async_service);
            }
        }
        fiber.result = Some(match outcome.fault() {
            Some(fault) => Err(fault.clone()),
            None => Ok(Answer::Done),
        });
    }

    /// A job that was taken is not as it was found: the next look will tell what it is.
    fn give_back_job(&mut self, fiber: &mut Fiber, table: &JobTable) {
        let Some(Frame::Job(frame)) = fiber.frames.pop() else { return };
        let job = frame.job;
        for it in &mut self.jobs.waiting {
            if it.instance == job.instance && it.row == job.row {
                it.is_taken = false;
            }
        }
        let standing = self.job_standing(table, job.instance, job.row);
        if standing.is_some_and(|it| it.state == JobState::Ready) {
            self.look_later(job.instance, self.now + self.shared.plan.costs.async_service);
        }
        fiber.result = Some(Ok(Answer::Done));
    }
}
