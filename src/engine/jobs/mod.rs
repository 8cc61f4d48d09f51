//! The async service: jobs for asynchronous steps, and who runs them when.
//!
//! ```text
//!   request, stage 40 done ▶ a job is written, in its transaction      asyncoperation: Ready
//!   commit ▶ the service looks, a little later, and takes a batch      Locked / In Progress
//!   each job a fiber of its own: its step runs, outside any transaction
//!            of the request                                            Completed │ Ready again
//! ```
//!
//! A job is a row of `asyncoperation`, so a rollback of its request takes it away, and who waits
//! for one, pauses or cancels it does so by queries and updates. The row says what may happen to
//! the job; what the step needs of its request is kept beside it, as it stood when the job was
//! written.
//!
//! Source: Microsoft Learn, "Asynchronous service"; "Scalable Customization Design in Dataverse",
//! Concurrency issues: jobs run in parallel, in batches of about 20, and in no order that could
//! be relied on. Assumed: a job is written in the transaction of its request, after its last
//! synchronous step (no page says so, and none tells of jobs without their event); one look takes
//! the oldest jobs and begins them in an order of the seed; a look never waits for the jobs of
//! the one before, since several servers look.

mod cascade;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::batch::is_in_bulk;
use crate::engine::database::{Assigned, Wrote};
use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame};
use crate::engine::jobs::cascade::cascade_context;
use crate::engine::operation::Done;
use crate::engine::queue::Due;
use crate::engine::random::shuffle;
use crate::engine::store::View;
use crate::engine::sweep::Sweep;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{ImageKind, JobState, JobStatus, JobTable, Message, StepKind};
use crate::trace::{Event, JobEvent};
use crate::words::{
    ColumnId, InstanceId, Name, PlugInId, RequestId, RowId, SimInstant, TransactionId, Value,
};

/// The jobs of all instances, and what is known of them beside their rows.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Jobs {
    /// Those whose transaction is still open.
    pending: Vec<(TransactionId, Job)>,
    /// Those that are committed and not over, in the order in which they were written.
    waiting: Vec<Job>,
    /// When the service of an instance looks next, by `InstanceId`.
    looks: Vec<Option<SimInstant>>,
    /// How many jobs each step has had, by `PlugInId`; then how many cascades had one.
    numbers: Vec<u32>,
    /// When background workflows have run for a row of late.
    runs: BTreeMap<(InstanceId, PlugInId, RowId), Vec<SimInstant>>,
    runs_sweep: Sweep,
}

/// A job that is not over.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Job {
    /// Where.
    pub(super) instance: InstanceId,
    /// Its row.
    pub(super) row: RowId,
    /// What it does.
    pub(super) work: Work,
    /// Its dependency token; `None` for a job that waits for no other.
    pub(super) token: Option<Name>,
    /// Who made the request; `None` for a system administrator.
    pub(super) user: Option<RowId>,
    /// The request whose event it is for, as it stood when the job was written.
    pub(super) context: Arc<RequestFrame>,
    /// How many times its step has been tried.
    pub(super) attempts: u32,
    /// Whether the service has taken it.
    pub(super) is_taken: bool,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// It runs a step.
    Step(PlugInId),
    /// It goes on with a cascade.
    Cascade,
}

impl Work {
    /// The step that the job runs, where it runs one.
    pub const fn step(self) -> Option<PlugInId> {
        match self {
            Self::Step(plug_in) => Some(plug_in),
            Self::Cascade => None,
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Who made it; `None` for a system administrator.
    pub user: Option<RowId>,
    /// The outermost request from which everything follows.
    pub correlation: Option<RequestId>,
    /// Whether it is a row of a bulk message, which has the jobs of that message's steps.
    pub is_in_bulk: bool,
}

impl Origin {
    /// The origin of what the request on top of a fiber's stack does.
    pub fn of(fiber: &Fiber) -> Self {
        let correlation = fiber.frames.iter().find_map(|frame| match frame {
            Frame::Request(request) => Some(request.correlation.unwrap_or(request.id)),
            _ => None,
        });
        Self { user: fiber.user, correlation, is_in_bulk: is_in_bulk(&fiber.frames) }
    }
}

/// What a request on the table of jobs is to the async service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JobAccess {
    /// Nothing: it is about another table.
    #[default]
    None,
    /// Somebody's wish, made when the job was in this state.
    Wish(JobState),
    /// The service's own.
    Service,
}

/// How a job's row stands.
struct Standing {
    state: JobState,
    /// Until when it is not looked at.
    postponed_until: Option<SimInstant>,
    /// The version of the row.
    version: u64,
}

/// The state that a value of the column names.
fn state_in(value: &Value) -> Option<JobState> {
    match value {
        Value::Text(label) => JobState::labelled(label),
        _ => None,
    }
}

impl World {
    /// Writes the request's next job, in its transaction.
    pub(super) fn queue_job(
        &mut self,
        (fiber, origin): (FiberId, Origin),
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        if frame.defers_cascade() {
            return self.queue_cascade((fiber, origin), frame);
        }
        let shared = Arc::clone(&self.shared);
        let (table, message) = (frame.request.table, frame.request.message);
        let list = shared.steps.asynchronous(frame.instance, table, message);
        let next = list.and_then(|list| list.next_of(&shared.plan, frame, origin.is_in_bulk));
        let Some((position, plug_in)) = next.filter(|_| shared.plan.jobs.is_some()) else {
            frame.phase = Phase::Commit;
            return Ok(Done::After(std::time::Duration::ZERO));
        };
        let (done, is_written) =
            self.insert_job((fiber, origin), frame, Work::Step(plug_in), None)?;
        if is_written {
            frame.steps_begun = position + 1;
        }
        Ok(done)
    }

    /// Writes a job of a request, in its transaction. Answers what came of it, and whether the job
    /// is there: it may have to wait for a lock first.
    fn insert_job(
        &mut self,
        (fiber, origin): (FiberId, Origin),
        frame: &mut RequestFrame,
        work: Work,
        token: Option<Name>,
    ) -> Result<(Done, bool), Fault> {
        let shared = Arc::clone(&self.shared);
        let Some(jobs) = shared.plan.jobs else { return Ok((Done::Again, false)) };
        let steps = &shared.plan.plug_ins;
        // The last number is of cascades.
        let at = work.step().map_or(steps.len(), PlugInId::index);
        let numbers = &mut self.jobs.numbers;
        numbers.resize(steps.len() + 1, 0);
        let number = numbers[at].wrapping_add(1);
        let name = format!("{} {number}", steps.get(at).map_or("cascade", |step| &step.name));
        let row = self.row_called(jobs.table, &name);
        let values = written_job(&jobs, frame, Value::Text(name.into()), token.clone());
        let caller = self.caller(fiber, frame);
        let (database, mut context) = self.database(frame.instance);
        let place = (jobs.table, row);
        let wrote = database.insert(&mut context, &caller, place, &values, &mut frame.writing)?;
        let (Wrote::Row(_), Some(transaction)) = (&wrote, frame.transaction) else {
            return Ok((self.written(wrote), false));
        };
        self.jobs.numbers[at] = number;
        let (request, transaction, instance) = (frame.id, transaction.id, frame.instance);
        self.log.emit(self.now, || {
            let (table, job, plug_in) = (jobs.table, row, work.step());
            Event::Job(JobEvent::Queued { request, transaction, instance, table, job, plug_in })
        });
        let context = match work {
            Work::Step(plug_in) => self.context_of(frame, origin, plug_in),
            Work::Cascade => cascade_context(frame, origin),
        };
        let job = Job {
            instance,
            row,
            work,
            token,
            user: origin.user,
            context: Arc::new(context),
            attempts: 0,
            is_taken: false,
        };
        self.jobs.pending.push((transaction, job));
        Ok((self.written(wrote), true))
    }

    /// What a job's step needs of its request: everything but what ties it to its transaction.
    fn context_of(&self, frame: &RequestFrame, origin: Origin, step: PlugInId) -> RequestFrame {
        let images = &self.shared.plan.plug_in(step).images;
        let has_post = images.iter().any(|image| image.kind == ImageKind::Post);
        let mut context = RequestFrame::new(frame.id, frame.instance, frame.request.clone(), None);
        context.depth = frame.depth;
        context.phase = Phase::Job;
        context.before = frame.before.clone();
        context.after = if has_post { self.image_of(frame) } else { None };
        context.shared = frame.shared.clone();
        context.correlation = origin.correlation;
        context
    }

    /// A transaction was committed: its jobs are there, and the service will look at them. It
    /// looks as well when a job that waits was written.
    pub(super) fn commit_jobs(
        &mut self,
        instance: InstanceId,
        transaction: TransactionId,
        has_written_jobs: bool,
    ) {
        if !has_written_jobs {
            return;
        }
        let Jobs { pending, waiting, .. } = &mut self.jobs;
        let committed = pending.extract_if(.., |(of, _)| *of == transaction);
        waiting.extend(committed.map(|(_, job)| job));
        if self.jobs.waiting.iter().any(|job| job.instance == instance && !job.is_taken) {
            self.look_later(instance, self.now + self.shared.plan.costs.async_service);
        }
    }

    /// A transaction was rolled back, and its jobs with it.
    pub(super) fn forget_jobs(&mut self, transaction: TransactionId) {
        self.jobs.pending.retain(|(of, _)| *of != transaction);
    }

    /// Has the service of an instance look at this instant, unless it looks before.
    fn look_later(&mut self, instance: InstanceId, at: SimInstant) {
        let looks = &mut self.jobs.looks;
        looks.resize(self.shared.plan.instances.len(), None);
        let next = &mut looks[instance.index()];
        if next.is_none_or(|next| next > at) {
            *next = Some(at);
            self.queue.schedule(at, Due::AsyncService(instance));
        }
    }

    /// The async service of an instance looks for jobs.
    pub(super) fn look_for_jobs(&mut self, instance: InstanceId) {
        // An earlier look may have been asked for after this one was.
        match self.jobs.looks.get_mut(instance.index()) {
            Some(next) if *next == Some(self.now) => *next = None,
            _ => return,
        }
        let Some(table) = self.shared.plan.jobs else { return };
        let mut ready = Vec::new();
        let mut postponed: Option<SimInstant> = None;
        // The tokens of jobs that are not over: a later job with one of them waits.
        let mut held: BTreeSet<Name> = BTreeSet::new();
        let mut waiting = std::mem::take(&mut self.jobs.waiting);
        waiting.retain(|job| {
            if job.instance != instance {
                return true;
            }
            if job.is_taken {
                held.extend(job.token.clone());
                return true;
            }
            let Some(standing) = self.job_standing(&table, job.instance, job.row) else {
                return false;
            };
            if standing.state == JobState::Completed {
                return false;
            }
            let is_free = job.token.as_ref().is_none_or(|token| held.insert(token.clone()));
            match (standing.state, standing.postponed_until) {
                _ if !is_free => {}
                (JobState::Ready, Some(until)) if until > self.now => {
                    postponed = postponed.into_iter().chain([until]).min();
                }
                (JobState::Ready, _) => ready.push(job.row),
                (JobState::Suspended | JobState::Locked | JobState::Completed, _) => {}
            }
            true
        });
        self.jobs.waiting = waiting;
        let batch = self.shared.plan.limits.async_batch as usize;
        let more = ready.len() > batch;
        ready.truncate(batch);
        let plan = Arc::clone(&self.shared.plan);
        let label = format!("jobs {} {}", plan.instance(instance).name, self.now.0);
        shuffle(plan.seed, &label, &mut ready);
        for row in ready {
            self.take_job(instance, row);
        }
        if more {
            self.look_later(instance, self.now + plan.costs.async_service);
        } else if let Some(until) = postponed {
            self.look_later(instance, until);
        }
    }

    /// Counts a run of a background workflow for its row, and says whether it is one too many.
    fn is_looping(&mut self, job: &Job) -> bool {
        let plan = &self.shared.plan;
        let (Some(row), Some(plug_in)) = (job.context.request.id(), job.work.step()) else {
            return false;
        };
        if plan.plug_in(plug_in).kind != StepKind::Workflow {
            return false;
        }
        let (now, period) = (self.now, plan.limits.workflow_period);
        let is_recent = |run: &SimInstant| *run + period > now;
        if self.jobs.runs_sweep.is_due(self.jobs.runs.len()) {
            self.jobs.runs.retain(|_, runs| runs.iter().any(is_recent));
            self.jobs.runs_sweep.is_done(self.jobs.runs.len());
        }
        let runs = self.jobs.runs.entry((job.instance, plug_in, row)).or_default();
        runs.retain(is_recent);
        runs.push(now);
        runs.len() > plan.limits.workflow_runs as usize
    }

    /// Whether what a fiber does is part of a background workflow.
    pub(super) fn is_of_workflow(&self, fiber: &Fiber) -> bool {
        match fiber.frames.first() {
            Some(Frame::Job(frame)) => self.is_workflow(&frame.job),
            _ => false,
        }
    }

    fn is_workflow(&self, job: &Job) -> bool {
        let step = job.work.step().map(|plug_in| self.shared.plan.plug_in(plug_in));
        step.is_some_and(|step| step.kind == StepKind::Workflow)
    }

    /// How a job's row stands, as committed; `None` where there is no such row.
    fn job_standing(&self, table: &JobTable, instance: InstanceId, row: RowId) -> Option<Standing> {
        let store = self.databases[instance.index()].store(table.table).ok()?;
        let image = store.read(store.find(row)?, View::Committed { reader: None })?;
        let postponed_until = match image.value(table.postpone_until) {
            Value::DateTime(moment) => Some(self.clock().instant(moment)),
            _ => None,
        };
        let state = state_in(&image.value(table.state))?;
        Some(Standing { state, postponed_until, version: image.row_version() })
    }

    /// What a request on a job's row is, before it waits for anything.
    pub(super) fn job_access(&self, frame: &RequestFrame) -> JobAccess {
        if frame.job_access == JobAccess::Service {
            return JobAccess::Service;
        }
        let (Some(table), Some(row)) = (self.shared.plan.jobs, frame.request.id()) else {
            return JobAccess::None;
        };
        if table.table != frame.request.table {
            return JobAccess::None;
        }
        let standing = self.job_standing(&table, frame.instance, row);
        standing.map_or(JobAccess::None, |it| JobAccess::Wish(it.state))
    }

    /// Whether somebody may do with a job what the request asks for. Its row is locked, and in
    /// state `now`.
    ///
    /// Source: Microsoft Learn, "Asynchronous service": `StateCode`, `StatusCode` and
    /// `PostponeUntil` alone can be updated; "Web service error codes" for the faults. Assumed:
    /// which of the two codes a wrong change of state meets: that of another process when the job
    /// went on while the request waited.
    pub(super) fn check_job_access(&self, frame: &RequestFrame, now: &Value) -> Result<(), Fault> {
        let (JobAccess::Wish(seen), Some(table)) = (frame.job_access, self.shared.plan.jobs) else {
            return Ok(());
        };
        let state = state_in(now).unwrap_or(seen);
        if frame.request.message == Message::Delete {
            return if state == JobState::Completed { Ok(()) } else { Err(not_completed()) };
        }
        let mut wished = None;
        for (column, value) in &frame.request.columns {
            match (*column, value) {
                (column, Assigned::Value(value)) if column == table.state => {
                    wished = state_in(value);
                }
                _ if is_fixed(&table, *column) => return Err(not_updatable()),
                _ => {}
            }
        }
        match wished {
            Some(wished)
                if (wished != state || state == JobState::Completed)
                    && !state.may_become(wished) =>
            {
                Err(if state == seen { invalid_change() } else { changed_meanwhile() })
            }
            _ => Ok(()),
        }
    }
}

/// The columns of a job that was just written.
fn written_job(
    table: &JobTable,
    frame: &RequestFrame,
    name: Value,
    token: Option<Name>,
) -> Vec<(ColumnId, Assigned)> {
    let status = JobStatus::WaitingForResources;
    let regarding = frame.request.id().map_or(Value::Null, Value::Id);
    let values = [
        (table.name, name),
        (table.state, Value::text(status.state().label())),
        (table.status, Value::text(status.label())),
        (table.regarding, regarding),
        (table.depth, Value::Whole(i64::from(frame.depth))),
        (table.dependency_token, token.map_or(Value::Null, Value::Text)),
        (table.retry_count, Value::Whole(0)),
    ];
    values.into_iter().map(|(column, value)| (column, Assigned::Value(value))).collect()
}

/// Whether only the service may write a column.
fn is_fixed(table: &JobTable, column: ColumnId) -> bool {
    [
        table.name,
        table.regarding,
        table.depth,
        table.dependency_token,
        table.retry_count,
        table.started_on,
        table.completed_on,
        table.error_code,
        table.message,
    ]
    .contains(&column)
}

/// Source: Microsoft Learn, "Web service error codes": AsyncOperationInvalidStateChange.
fn invalid_change() -> Fault {
    let message = "The target state could not be set because the state transition is not valid.";
    Fault::new(FaultKind::JobStateInvalid, message)
}

/// Source: as above, AsyncOperationInvalidStateChangeUnexpected.
fn changed_meanwhile() -> Fault {
    let message =
        "The target state could not be set because the state was changed by another process.";
    Fault::new(FaultKind::JobStateChanged, message)
}

/// Source: as above, AsyncOperationCannotDeleteUnlessCompleted.
fn not_completed() -> Fault {
    let message = "Cannot delete async operation unless it is in Completed state.";
    Fault::new(FaultKind::JobNotCompleted, message)
}

/// Assumed: the general code for a wrong argument; no page names the one for these columns.
fn not_updatable() -> Fault {
    let message = "Only statecode, statuscode and postponeuntil of an async operation can be \
                   updated.";
    Fault::new(FaultKind::InvalidArgument, message)
}
