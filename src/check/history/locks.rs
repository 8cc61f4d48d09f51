//! Waits for locks, and what comes of them.

use std::time::Duration;

use crate::check::Moment;
use crate::trace::{DeadlockEdge, LockResource, WaitEnd};
use crate::words::{InstanceId, LaneId, LockMode, Name, TableId, TransactionId};

/// One wait for a lock.
#[derive(Debug)]
pub struct Wait<'t> {
    /// Whose.
    pub transaction: TransactionId,
    /// On whose behalf; `None` when the trace does not know the transaction.
    pub lane: Option<LaneId>,
    /// For what.
    pub resource: LockResource,
    /// In which mode.
    pub mode: LockMode,
    /// Who held it when the wait began.
    pub holders: &'t [TransactionId],
    /// Who waited for it already.
    pub ahead: &'t [TransactionId],
    /// When it began.
    pub queued: Moment,
    /// When and how it ended.
    pub ended: Option<(Moment, WaitEnd)>,
    /// For a wait that ended in a grant: who made way, and when. The last to release a lock, or to
    /// leave a queue, before the grant.
    pub freed: Option<(Moment, TransactionId)>,
    /// How long it lasted: to the end of the trace where it did not end.
    pub waited: Duration,
}

/// One deadlock that a monitor ended.
#[derive(Debug)]
pub struct Deadlock<'t> {
    /// Where.
    pub instance: InstanceId,
    /// When the victim was chosen.
    pub chosen: Moment,
    /// The victim.
    pub victim: TransactionId,
    /// Why this one.
    pub rule: &'t Name,
    /// When the cycle closed, and the cycle.
    pub closed: Option<(Moment, &'t [DeadlockEdge])>,
}

/// A circle of waits over several instances, which no monitor sees.
#[derive(Clone, Copy, Debug)]
pub struct CrossInstanceWait<'t> {
    /// When it closed.
    pub closed: Moment,
    /// Who waits for whom.
    pub cycle: &'t [DeadlockEdge],
}

/// The locks on a table's rows and index entries that gave way to one on the table.
#[derive(Clone, Copy, Debug)]
pub struct Escalation {
    /// When.
    pub at: Moment,
    /// Whose locks.
    pub transaction: TransactionId,
    /// Where.
    pub instance: InstanceId,
    /// Which table.
    pub table: TableId,
    /// In which mode the table is held.
    pub mode: LockMode,
    /// How many locks were released for it.
    pub released: u32,
}
