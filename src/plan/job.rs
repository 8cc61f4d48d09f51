//! Jobs of the async service: the table in which they are rows, and the states that they go
//! through.

use serde::{Deserialize, Serialize};

use crate::words::{ColumnId, TableId};

/// Where the jobs of the async service are kept: `asyncoperation`, as every instance has it that
/// has an asynchronous step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobTable {
    /// The table.
    pub table: TableId,
    /// What a reader calls the job.
    pub name: ColumnId,
    /// Its [`JobState`].
    pub state: ColumnId,
    /// Its [`JobStatus`].
    pub status: ColumnId,
    /// Until when it is not looked at; null for no wait.
    pub postpone_until: ColumnId,
    /// The row whose event it is for.
    pub regarding: ColumnId,
    /// The depth of the request whose event it is for.
    pub depth: ColumnId,
    /// Jobs with the same token are run one after the other, in the order in which they were
    /// written; null for a job that waits for no other, as those of all steps are.
    ///
    /// Source: Microsoft Learn, "Asynchronous service", Set dependencies: `DependencyToken`, which
    /// is for the platform's own jobs.
    pub dependency_token: ColumnId,
    /// How many times it has been tried again.
    pub retry_count: ColumnId,
    /// When it was last begun.
    pub started_on: ColumnId,
    /// When it was completed.
    pub completed_on: ColumnId,
    /// The platform's code of the fault with which it failed, as its clients compare it.
    pub error_code: ColumnId,
    /// That fault in words.
    pub message: ColumnId,
}

/// What may happen to a job next.
///
/// Source: Microsoft Learn, "Asynchronous service", State and status; `asyncoperation.statecode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobState {
    /// The service may take it.
    Ready,
    /// It waits until somebody resumes it.
    Suspended,
    /// The service has taken it.
    Locked,
    /// It is over.
    Completed,
}

impl JobState {
    /// The labels of all states, in the order of their numbers.
    pub const LABELS: &'static [&'static str] = &["Ready", "Suspended", "Locked", "Completed"];

    /// Its label.
    pub const fn label(self) -> &'static str {
        Self::LABELS[self as usize]
    }

    /// The state with this label.
    pub fn labelled(label: &str) -> Option<Self> {
        let all = [Self::Ready, Self::Suspended, Self::Locked, Self::Completed];
        all.into_iter().find(|state| state.label() == label)
    }

    /// Whether somebody may bring a job from this state to another one: cancel it as long as it is
    /// not over, pause it, and resume one that is paused.
    ///
    /// Source: Microsoft Learn, "Asynchronous service": cancel from Ready, Suspended or Locked;
    /// resume from Suspended; pause from Locked. Assumed: a job that has not begun can be paused
    /// as well.
    pub const fn may_become(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Ready | Self::Suspended | Self::Locked, Self::Completed)
                | (Self::Ready | Self::Locked, Self::Suspended)
                | (Self::Suspended, Self::Ready)
        )
    }
}

/// How a job stands, within its state.
///
/// Source: Microsoft Learn, "Asynchronous service", State and status;
/// `asyncoperation.statuscode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobStatus {
    /// Ready: until the service takes it.
    WaitingForResources,
    /// Suspended.
    Waiting,
    /// Locked: its step runs.
    InProgress,
    /// Locked: it will be suspended. Nothing here gives a job this status.
    Pausing,
    /// Locked: it will be canceled. Nothing here gives a job this status.
    Canceling,
    /// Completed.
    Succeeded,
    /// Completed, by a fault.
    Failed,
    /// Completed, by somebody's wish.
    Canceled,
}

impl JobStatus {
    /// The labels of all statuses, in the order of their numbers.
    pub const LABELS: &'static [&'static str] = &[
        "Waiting For Resources",
        "Waiting",
        "In Progress",
        "Pausing",
        "Canceling",
        "Succeeded",
        "Failed",
        "Canceled",
    ];

    /// Its label.
    pub const fn label(self) -> &'static str {
        Self::LABELS[self as usize]
    }

    /// The state that it belongs to.
    pub const fn state(self) -> JobState {
        match self {
            Self::WaitingForResources => JobState::Ready,
            Self::Waiting => JobState::Suspended,
            Self::InProgress | Self::Pausing | Self::Canceling => JobState::Locked,
            Self::Succeeded | Self::Failed | Self::Canceled => JobState::Completed,
        }
    }
}
