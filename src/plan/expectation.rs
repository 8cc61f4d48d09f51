//! What must hold of a run. The checks decide each expectation from the trace alone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::FaultKind;
use crate::plan::{Anomaly, Location, Message};
use crate::words::{
    ActorId, ColumnId, InstanceId, Name, OutageId, PlugInId, RowId, SimInstant, TableId, Value,
};

/// One line of `expect:`. It holds when all its claims hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Where the file says so.
    pub at: Location,
    /// The line as the file has it, without its braces: what a report shows.
    pub text: String,
    /// What it claims, at least one.
    pub claims: Vec<Claim>,
}

/// One claim about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// All runs of an actor end without a fault of their own, or at least one does not.
    Succeeds {
        /// Who.
        actor: ActorId,
        /// Whether.
        succeeds: bool,
    },
    /// A run of this actor ends in this fault, or one of its requests meets it.
    MeetsFault {
        /// Who; `None` for anybody.
        actor: Option<ActorId>,
        /// Which.
        fault: FaultKind,
    },
    /// An actor's last run ends within these bounds of virtual time since the start.
    Ends {
        /// Who.
        actor: ActorId,
        /// When.
        within: Bounds<SimInstant>,
    },
    /// An actor waits for a lock. Without bounds: at least once. With bounds: all its waits that
    /// fit, added up.
    Waits {
        /// Who waits; `None` for all lanes together.
        actor: Option<ActorId>,
        /// Who holds what it waits for; `None` for anybody.
        holder: Option<ActorId>,
        /// The row that it waits for; `None` for any.
        row: Option<RowRef>,
        /// How long, all fitting waits together.
        total: Bounds<Duration>,
        /// Whether only the longest single wait counts instead of their sum.
        longest: bool,
    },
    /// A row's committed state.
    Row {
        /// Which.
        row: RowRef,
        /// When: at the end of that instant; `None` for when the last actor is done (flows may
        /// work on after that), [`SimInstant::END`] for the end of the run.
        by: Option<SimInstant>,
        /// What it must be.
        state: RowState,
    },
    /// The values of one column over a table's committed rows, in the order in which the rows
    /// were created, when the last actor is done.
    Rows {
        /// Where.
        instance: InstanceId,
        /// Which table.
        table: TableId,
        /// Which column.
        column: ColumnId,
        /// The values.
        values: Vec<Value>,
    },
    /// How many of something there were.
    Count {
        /// Of what.
        of: Counted,
        /// When: up to the end of that instant; `None` for the whole run, and for rows when the
        /// last actor is done.
        by: Option<SimInstant>,
        /// How many.
        is: Bounds<u64>,
    },
    /// The actor of at least one deadlock's victim.
    Victim {
        /// Who.
        actor: ActorId,
    },
    /// It happens at least once (`happens: true`) or not at all.
    Happens {
        /// What.
        phenomenon: Phenomenon,
        /// Whether.
        happens: bool,
    },
    /// What an actor's last run bound to a name by a read of changes says of rows that are gone.
    Deletions {
        /// Who.
        actor: ActorId,
        /// The binding.
        name: Name,
        /// The rows that are gone, by their names, in the order in which they went.
        rows: Vec<Name>,
    },
    /// All instances that have the table hold the same committed rows of it, column for column.
    Converged {
        /// Which table; `None` for every table that more than one instance has.
        table: Option<TableId>,
        /// When: at the end of that instant; `None` for the end of the run.
        by: Option<SimInstant>,
        /// False for the claim that they differ.
        converged: bool,
    },
    /// These happen in this order, each for the first time after the one before.
    Order(Vec<Happening>),
    /// What an actor's binding held at the end of its last run.
    Bound {
        /// Who.
        actor: ActorId,
        /// The binding.
        name: Name,
        /// How many rows or elements it holds; `None` leaves that open.
        size: Option<Bounds<u64>>,
        /// What it equals; `None` leaves that open.
        value: Option<Value>,
        /// Columns that the row, or the first row of the list, must have.
        columns: Vec<(Name, Value)>,
        /// True for the claim that nothing was ever bound to the name.
        missing: bool,
    },
    /// What became of one step of a session.
    Step {
        /// Which step.
        step: StepRef,
        /// What is claimed of it.
        claim: StepClaim,
    },
    /// Every run of this plug-in step is inside a database transaction, or every run outside.
    InTransaction {
        /// Which step.
        plug_in: PlugInId,
        /// Whether.
        inside: bool,
    },
}

/// One step of a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// The session.
    pub actor: ActorId,
    /// The position of the step in it.
    pub step: u16,
}

/// What can be claimed of a session's step. Of a step that ran several times, its last run counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepClaim {
    /// It waits for a lock, or never does.
    Blocks(bool),
    /// It waits for a lock, and what it waits for is freed by this other step.
    BlocksUntil(StepRef),
    /// It frees what this other step waits for. The same claim, told of the one that frees.
    Unblocks(StepRef),
    /// It ends in this fault; `None`: in none.
    Fault(Option<FaultKind>),
    /// It ends during, or because of, this other step: when that one is done and before the next.
    When(StepRef),
    /// Its select answers these rows, in this order, each with these columns at least.
    Rows(Vec<Vec<(Name, Value)>>),
    /// Its insert, update or delete writes so many rows.
    Affected(Bounds<u64>),
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Committed rows of a table.
    Rows {
        /// Where.
        instance: InstanceId,
        /// Which table.
        table: TableId,
    },
    /// Cycles that a deadlock monitor ended.
    Deadlocks,
    /// Requests that instances began to carry out, nested ones too.
    Requests {
        /// By whom; `None` for all.
        actor: Option<ActorId>,
        /// Where; `None` for everywhere.
        instance: Option<InstanceId>,
        /// Which message; `None` for all.
        message: Option<Message>,
        /// Of which table; `None` for all.
        table: Option<TableId>,
    },
    /// Faults that callers met.
    Faults {
        /// Who; `None` for all.
        actor: Option<ActorId>,
        /// Which; `None` for all.
        fault: Option<FaultKind>,
    },
    /// Tries after the first.
    Retries {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
    },
    /// Waits for locks.
    Waits {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
    },
    /// Committed transactions.
    Commits {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
        /// Where; `None` for everywhere.
        instance: Option<InstanceId>,
    },
    /// Transactions that were rolled back.
    Rollbacks {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
        /// Where; `None` for everywhere.
        instance: Option<InstanceId>,
    },
    /// Runs of one plug-in step.
    PlugInRuns {
        /// Which step.
        plug_in: PlugInId,
    },
    /// Messages that an outage stopped or turned away.
    OutageHits {
        /// Which.
        outage: OutageId,
    },
    /// Committed writes to one row.
    Writes {
        /// Which row.
        row: RowRef,
    },
    /// Locks that gave way to one on their table.
    Escalations {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
    },
    /// Requests that had to wait until their user's privileges were worked out.
    Recalculations {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
    },
    /// Cycles of waits over several instances.
    CrossInstanceWaits,
    /// Rows that statements examined.
    RowsExamined {
        /// Whose; `None` for all.
        actor: Option<ActorId>,
        /// Where and of which table; `None` for all.
        table: Option<(InstanceId, TableId)>,
    },
}

/// One row of one table of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RowRef {
    /// Where.
    pub instance: InstanceId,
    /// Which table.
    pub table: TableId,
    /// Which row.
    pub row: RowId,
    /// The name by which the file calls it.
    pub name: Name,
}

/// What a row must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    /// It exists, and these columns hold these values.
    Is(Vec<(ColumnId, Value)>),
    /// It does not exist.
    Missing,
    /// It has the row version with which it was loaded: nothing was committed to it.
    Unchanged,
}

/// Bounds, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bounds<T> {
    /// The least that holds; `None` for no lower bound.
    pub at_least: Option<T>,
    /// The most that holds; `None` for no upper bound.
    pub at_most: Option<T>,
}

impl<T: PartialOrd + Copy> Bounds<T> {
    /// Exactly this.
    pub const fn exactly(value: T) -> Self {
        Self { at_least: Some(value), at_most: Some(value) }
    }

    /// Anything.
    pub const fn any() -> Self {
        Self { at_least: None, at_most: None }
    }

    /// Whether `value` is within the bounds.
    pub fn contain(&self, value: T) -> bool {
        self.at_least.is_none_or(|least| least <= value)
            && self.at_most.is_none_or(|most| value <= most)
    }
}

/// What can happen or never happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phenomenon {
    /// A cycle of waits in one instance.
    Deadlock,
    /// Transactions got in each other's way as isolation should prevent.
    Anomaly(Anomaly),
    /// A cycle of waits over several instances, which no monitor sees.
    CrossInstanceWait,
    /// Rows' locks gave way to one on their table.
    Escalation,
    /// A scan came past a row that moved behind it: a row that was there all the time is missing
    /// from the answer.
    MissedRow,
    /// A scan met a row again that had moved ahead of it: it is in the answer twice.
    DoubledRow,
    /// A wait for a lock.
    Wait,
    /// A fault; `None` for any.
    Fault(Option<FaultKind>),
    /// A committed write of this kind to this row.
    Write {
        /// The kind; `None` for any.
        message: Option<Message>,
        /// The row.
        row: RowRef,
    },
}

/// One thing that happens at an instant, to be put in order with others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// A run of the actor begins.
    Begins(ActorId),
    /// A run of the actor ends.
    Ends(ActorId),
    /// A write of this kind to this row is committed; `None` for any kind.
    Written(Option<Message>, RowRef),
    /// The outage is over.
    OutageEnds(OutageId),
}
