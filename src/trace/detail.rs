//! The parts of events: kinds of lanes, outcomes, what locks are on, how waits end.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind};
use crate::words::{ActorId, InstanceId, LaneId, LockMode, Name, RowId, TableId, TransactionId};

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
}

impl LaneKind {
    /// The actor or flow whose run it is.
    pub const fn actor(&self) -> ActorId {
        match *self {
            Self::Actor { actor, .. } | Self::Flow { actor, .. } => actor,
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
    /// One value of an alternate key: what two transactions that create the same key meet on.
    Key {
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The position of the key among the table's alternate keys.
        key: u16,
        /// A stable hash of the key's values.
        hash: u64,
    },
    /// A whole table.
    Table {
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
    },
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitEnd {
    /// The lock was granted.
    Granted,
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
}
