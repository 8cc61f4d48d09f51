//! The parts of events: kinds of lanes, outcomes, what locks are on, how waits end.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind};
use crate::words::{
    ActorId, InstanceId, LaneId, LockMode, Name, PlugInId, RowId, TableId, TransactionId,
};

/// Durations as whole microseconds, as every other time of a trace. Longer ones than 584,000
/// years are written as that.
pub(super) mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::trace) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    pub(in crate::trace) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

/// What kind of lane it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum LaneKind {
    /// A run of an actor.
    Actor {
        /// Whose.
        actor: ActorId,
        /// The number of the run over all of the actor's runs, from 1.
        run: u32,
    },
    /// A run of a flow between two instances.
    Flow {
        /// Whose.
        actor: ActorId,
        /// The number of the run over all of the flow's runs, from 1.
        run: u32,
    },
    /// A job of the async service.
    Job {
        /// The step that it runs; `None` for one that goes on with a cascade.
        plug_in: Option<PlugInId>,
    },
    /// A run of a session.
    Session {
        /// Whose.
        actor: ActorId,
        /// The number of the run over all of the session's runs, from 1.
        run: u32,
    },
}

impl LaneKind {
    /// The actor or flow whose run it is; `None` for a job.
    pub const fn actor(&self) -> Option<ActorId> {
        match *self {
            Self::Actor { actor, .. } | Self::Flow { actor, .. } | Self::Session { actor, .. } => {
                Some(actor)
            }
            Self::Job { .. } => None,
        }
    }
}

/// How a lane ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its last step was done.
    Succeeded,
    /// A fault that it did not handle ended it.
    Failed(Fault),
    /// The run was stopped while it was still at something: a limit of the run.
    Unfinished(Name),
}

/// What a lock is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum LockResource {
    /// One row.
    Row {
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The row.
        row: RowId,
    },
    /// One entry of an index: what a seek, and a write that changes it, meet on. Of an alternate
    /// key it is the key's values, so that two transactions that create the same ones meet. The
    /// gap below the entry goes with it.
    Key {
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The number of the index ([`crate::plan::Table::index_columns`]), or
        /// [`LockResource::PRIMARY`] for an id that no row has.
        index: u16,
        /// A stable hash of the entry.
        hash: u64,
    },
    /// The gap above the last entry of an index.
    End {
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The number of the index, or [`LockResource::PRIMARY`].
        index: u16,
    },
    /// A transaction, with optimized locking: who wants a row that it has written waits for it.
    Transaction {
        /// Where.
        instance: InstanceId,
        /// The transaction.
        transaction: TransactionId,
    },
    /// A whole table.
    Table {
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
    },
}

impl LockResource {
    /// The number that stands for the primary key in place of an index's.
    pub const PRIMARY: u16 = u16::MAX;

    /// Where it is.
    pub const fn instance(&self) -> InstanceId {
        match *self {
            Self::Row { instance, .. }
            | Self::Key { instance, .. }
            | Self::End { instance, .. }
            | Self::Transaction { instance, .. }
            | Self::Table { instance, .. } => instance,
        }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitEnd {
    /// The lock was granted.
    Granted,
    /// The row that it was for is gone: deleted, or rolled back. Nothing was granted, and the
    /// waiter looks again.
    Gone,
    /// The waiter was chosen as a deadlock's victim.
    Victim,
    /// The statement's time was up.
    TimedOut(FaultKind),
}

/// Why a transaction was rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackReason {
    /// This fault ended it.
    Fault(Fault),
    /// Its program asked for it.
    Asked,
    /// Its session ended while it was open.
    SessionEnded,
}

/// Why a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadKind {
    /// It is what was asked for: the row of this id, or one that matches.
    Answer,
    /// A lookup led to it.
    Linked,
    /// It is about to be written, and what it holds goes into what is written.
    Computed,
}

/// By which way a statement finds its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum AccessPath {
    /// By their ids.
    Primary,
    /// By a stretch of an index.
    Seek {
        /// The number of the index ([`crate::plan::Table::index_columns`]).
        index: u16,
        /// Whether the index has all columns that are asked for, so that the rows themselves are
        /// not looked up.
        covering: bool,
    },
    /// By looking at every row of the table.
    Scan,
}

/// What became of a row that moved in an index while a scan was under way in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// It moved from before the scan to behind it: the scan has not seen it.
    Missed,
    /// It moved from behind the scan to before it: the scan has seen it twice.
    Doubled,
}

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteKind {
    /// It was added.
    Insert,
    /// It was changed.
    Update,
    /// It was removed.
    Delete,
}

/// One edge of a cycle of waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeadlockEdge {
    /// Who waits.
    pub waiter: TransactionId,
    /// Its lane.
    pub lane: LaneId,
    /// For what; the next edge's waiter holds it, or waits for it ahead.
    pub resource: LockResource,
    /// In which mode it asks for it.
    pub mode: LockMode,
    /// Its deadlock priority, from -10 to 10.
    pub priority: i8,
    /// How much it has written, in bytes of the transaction log.
    pub log_bytes: u64,
}
