//! Sessions: connections to one instance's database, each with labelled steps.
//!
//! A session is at SQL level: its statements go past the event pipeline and travel nowhere. With
//! an `order` ([`crate::plan::Plan::order`]) its steps begin when the order says so, and a step
//! that ends in a fault leaves the later ones as they are; without one they follow each other, and
//! a fault ends the session, as a script stops at an error.
//!
//! A session is in a transaction from its first statement to its `commit` or `rollback`. After
//! that each statement is a transaction of its own, unless a `begin` opens another one. What is
//! open when the session ends is rolled back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{Isolation, Location};
use crate::words::{InstanceId, Name, ProgramId};

/// What only a session has. Its schedule, its count and its bindings are its actor's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Session {
    /// The instance to whose database it is connected.
    pub instance: InstanceId,
    /// The isolation level of its transactions; the instance's when absent.
    pub isolation: Option<Isolation>,
    /// How long one of its statements waits for a lock: then fault lock timeout, and the
    /// transaction stays open. `None`: for ever, which is the default.
    ///
    /// Source: Microsoft Learn, "SET LOCK_TIMEOUT": -1, no time-out, by default.
    pub lock_timeout: Option<Duration>,
    /// How ready it is to be a deadlock's victim: from -10, the first to go, to 10. Default 0.
    ///
    /// Source: Microsoft Learn, "SET DEADLOCK_PRIORITY": LOW is -5, NORMAL 0, HIGH 5.
    pub deadlock_priority: i8,
    /// Its steps, in order.
    pub steps: Vec<SessionStep>,
}

/// One labelled step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionStep {
    /// Its label, unique in the session.
    pub label: Name,
    /// What it does: a program without bindings of its own that shares the session's.
    pub program: ProgramId,
    /// Where the file says so.
    pub at: Location,
}
