//! What happens to the jobs of the async service: queued by a request, taken by the service, done.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::trace::Names;
use crate::words::{
    InstanceId, LaneId, PlugInId, RequestId, RowId, SimInstant, TableId, TransactionId,
};

/// One thing that happened to a job. A job is a row of its instance's `asyncoperation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job-event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum JobEvent {
    /// A request wrote a job, for an asynchronous step or for the rows that its cascade reaches.
    /// There is no such job until its transaction is committed.
    Queued {
        /// The request whose event it is for.
        request: RequestId,
        /// The transaction in which the job is written.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// The table of jobs.
        table: TableId,
        /// The job.
        job: RowId,
        /// The step; `None` for a job that goes on with a cascade.
        plug_in: Option<PlugInId>,
    },
    /// The service began a job. The step runs under a number among the requests, which ends like
    /// a request.
    Began {
        /// The job's lane.
        lane: LaneId,
        /// The number under which the step runs.
        request: RequestId,
        /// The request whose event it is for.
        cause: RequestId,
        /// Where.
        instance: InstanceId,
        /// The table of jobs.
        table: TableId,
        /// The job.
        job: RowId,
        /// The depth of the request whose event it is for: the step's own requests are one
        /// deeper.
        depth: u32,
        /// The number of the try, from 1.
        attempt: u32,
    },
    /// A job's step was done.
    Ended {
        /// The number under which it ran.
        request: RequestId,
        /// The table of jobs.
        table: TableId,
        /// The job.
        job: RowId,
        /// What becomes of the job.
        outcome: JobOutcome,
    },
}

/// What becomes of a job when its step is done.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobOutcome {
    /// It has succeeded.
    Succeeded,
    /// It has failed, for good.
    Failed(Fault),
    /// It was canceled, as its step asked.
    Canceled(Fault),
    /// It waits until somebody resumes it.
    Suspended(Fault),
    /// It will be tried again.
    Retried {
        /// Why.
        fault: Fault,
        /// Not before this instant.
        until: SimInstant,
    },
}

impl JobEvent {
    /// The request, or the number under which the job's step runs.
    pub const fn request(&self) -> RequestId {
        match self {
            Self::Queued { request, .. }
            | Self::Began { request, .. }
            | Self::Ended { request, .. } => *request,
        }
    }

    /// The event as a sentence.
    pub(super) fn sentence(&self, names: &Names<'_>) -> String {
        match self {
            Self::Queued { request, table, job, plug_in, .. } => {
                let job = names.row(*table, *job);
                let plug_in = plug_in.map(|it| format!("plug-in \"{}\"", names.plug_in(it)));
                let plug_in = plug_in.unwrap_or_else(|| "its cascade".to_owned());
                format!("request {} queues job {job} for {plug_in}", request.0)
            }
            Self::Began { request, cause, table, job, depth, attempt, .. } => {
                let job = names.row(*table, *job);
                format!(
                    "job {job} of request {} begins as request {} at depth {depth}, try {attempt}",
                    cause.0, request.0
                )
            }
            Self::Ended { table, job, outcome, .. } => {
                format!("job {} {}", names.row(*table, *job), outcome.told(names))
            }
        }
    }
}

impl JobOutcome {
    /// What becomes of the job, as the end of a sentence.
    pub fn told(&self, names: &Names<'_>) -> String {
        match self {
            Self::Succeeded => "has succeeded".to_owned(),
            Self::Failed(fault) => format!("has failed: {fault}"),
            Self::Canceled(fault) => format!("is canceled by its step: {fault}"),
            Self::Suspended(fault) => format!("is suspended: {fault}"),
            Self::Retried { fault, until } => {
                format!("will be tried again at {}: {fault}", names.moment(*until))
            }
        }
    }

    /// The fault in which the step ended, if it did.
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Succeeded => None,
            Self::Failed(fault)
            | Self::Canceled(fault)
            | Self::Suspended(fault)
            | Self::Retried { fault, .. } => Some(fault),
        }
    }
}
