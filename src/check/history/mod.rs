//! A trace, folded once into what the checks and the story ask about: each row's committed
//! states over time, and the lives of lanes, requests, transactions, waits and faults.
//!
//! A write counts from the moment at which its transaction is committed. A row's state *by* an
//! instant is the state at the end of that instant: everything that was committed at it counts.
//!
//! The fold trusts nothing: a trace that contradicts itself gives a poorer history and no panic.
//! That it contradicts itself is the business of [`crate::check::invariant`].

mod fold;
mod locks;
mod rows;
mod sessions;

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::fault::Fault;
use crate::plan::{Isolation, Message, StatementKind};
use crate::trace::{LaneKind, LockResource, Names, Outcome, RollbackReason, Trace};
use crate::words::{
    ActorId, InstanceId, LaneId, Name, OutageId, PlugInId, RequestId, RowId, SimInstant, TableId,
    TransactionId, Value,
};

use fold::Fold;
pub use locks::{CrossInstanceWait, Deadlock, Escalation, Wait};
pub use rows::{
    Change, DisturbedScan, RowHistory, RowImage, RowKey, RowMiss, RowRead, Selection, UndoneRead,
    Version,
};
pub use sessions::{StepEnd, StepRun};

/// Everything that one trace tells, by what it is about.
#[derive(Debug)]
pub struct History<'t> {
    /// The trace.
    pub trace: &'t Trace,
    /// What a reader calls things.
    pub names: Names<'t>,
    /// Every row that was ever there, committed or not.
    pub rows: BTreeMap<RowKey, RowHistory<'t>>,
    /// The lanes.
    pub lanes: BTreeMap<LaneId, Lane<'t>>,
    /// The requests that were sent or begun, and the statements of sessions.
    pub requests: BTreeMap<RequestId, Request<'t>>,
    /// The transactions.
    pub transactions: BTreeMap<TransactionId, Transaction<'t>>,
    /// The runs of sessions' steps, in the order in which they began.
    pub steps: Vec<StepRun<'t>>,
    /// The waits for locks, in the order in which they began.
    pub waits: Vec<Wait<'t>>,
    /// The deadlocks that a monitor ended, in order.
    pub deadlocks: Vec<Deadlock<'t>>,
    /// The circles of waits over several instances, in the order in which they closed.
    pub cross_instance_waits: Vec<CrossInstanceWait<'t>>,
    /// The escalations of locks, in order.
    pub escalations: Vec<Escalation>,
    /// The faults that callers met, in order; a fault that goes up through several callers is
    /// there once, with the first.
    pub faults: Vec<FaultMet<'t>>,
    /// The reads of rows, in order.
    pub reads: Vec<RowRead>,
    /// The searches of tables, in order.
    pub selections: Vec<Selection<'t>>,
    /// The rows that were looked for by id and not found, in order.
    pub misses: Vec<RowMiss>,
    /// The rows that moved under a scan, in order.
    pub disturbed_scans: Vec<DisturbedScan>,
    /// The dirty reads of which the reader learned better, in order.
    pub undone_reads: Vec<UndoneRead>,
    /// The tries after the first, in order.
    pub retries: Vec<(LaneId, Moment)>,
    /// When a request had to wait until its user's privileges were worked out, in order, with the
    /// request.
    pub recalculations: Vec<(RequestId, Moment)>,
    /// The runs of plug-in steps, in order.
    pub plug_in_runs: Vec<PlugInRun>,
    /// The outages that began, in order.
    pub outages: Vec<OutageSeen>,
    /// The last value that each lane bound to each name, outside any plug-in.
    pub bound: BTreeMap<(LaneId, &'t str), (Moment, &'t Value)>,
}

impl History<'_> {
    /// When the last lane that is no flow's ended; `None` when no flow was seen, or no actor.
    pub fn actors_done(&self) -> Option<SimInstant> {
        let is_flow = |lane: &&Lane| matches!(lane.kind, LaneKind::Flow { .. });
        self.lanes.values().find(is_flow)?;
        let actors = self.lanes.values().filter(|lane| !is_flow(lane));
        actors.map(|lane| lane.ended.map_or(SimInstant::END, |(moment, _)| moment.at)).max()
    }
}

/// One run of an actor, a flow or a session.
#[derive(Debug)]
pub struct Lane<'t> {
    /// Whose run.
    pub kind: LaneKind,
    /// What a reader calls it.
    pub name: &'t Name,
    /// When it began.
    pub began: Moment,
    /// When and how it ended.
    pub ended: Option<(Moment, &'t Outcome)>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A request to the platform: this message.
    Message(Message),
    /// A session's statement to the database.
    Statement(StatementKind),
    /// No request: a job of the async service, which runs a step.
    Job,
}

impl RequestKind {
    /// The message; `None` for a statement and a job.
    pub const fn message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Statement(_) | Self::Job => None,
        }
    }

    /// Whether it only reads.
    pub const fn is_read(self) -> bool {
        match self {
            Self::Message(message) => message.is_read(),
            Self::Statement(kind) => matches!(kind, StatementKind::Select),
            Self::Job => false,
        }
    }
}

/// One request to an instance, or one statement to its database.
#[derive(Debug)]
pub struct Request<'t> {
    /// On whose behalf.
    pub lane: LaneId,
    /// The request whose plug-in made it.
    pub parent: Option<RequestId>,
    /// To which instance.
    pub instance: InstanceId,
    /// What it asks for.
    pub kind: RequestKind,
    /// For an upsert, what it became.
    pub became: Option<Message>,
    /// Of which table.
    pub table: TableId,
    /// Of which row, where it names one.
    pub row: Option<RowId>,
    /// The parameters that a custom message was given.
    pub input: &'t [(Name, Value)],
    /// The transaction that it joined or opened.
    pub transaction: Option<TransactionId>,
    /// When the instance began with it; `None` when it never arrived.
    pub began: Option<Moment>,
    /// When the instance was done with it, and the fault.
    pub ended: Option<(Moment, Option<&'t Fault>)>,
}

impl Request<'_> {
    /// Whether it asks for this. An upsert also asks for what it became: the platform makes it
    /// that.
    pub fn is_a(&self, message: Message) -> bool {
        self.kind == RequestKind::Message(message) || self.became == Some(message)
    }
}

/// One database transaction.
#[derive(Debug)]
pub struct Transaction<'t> {
    /// On whose behalf.
    pub lane: LaneId,
    /// Where.
    pub instance: InstanceId,
    /// Its isolation level.
    pub isolation: Isolation,
    /// When it began.
    pub began: Moment,
    /// The first request or statement in it, with when that began.
    pub first: Option<(RequestId, Moment)>,
    /// The last one.
    pub last: Option<RequestId>,
    /// How it ended.
    pub end: TransactionEnd<'t>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug)]
pub enum TransactionEnd<'t> {
    /// It did not.
    Open,
    /// It was committed.
    Committed(Moment),
    /// It was rolled back.
    RolledBack(Moment, &'t RollbackReason),
}

/// A fault that a caller met.
#[derive(Debug)]
pub struct FaultMet<'t> {
    /// Whose lane.
    pub lane: LaneId,
    /// When it was first met.
    pub at: Moment,
    /// The fault.
    pub fault: &'t Fault,
}

/// One run of a plug-in step.
#[derive(Clone, Copy, Debug)]
pub struct PlugInRun {
    /// Which step.
    pub plug_in: PlugInId,
    /// When it began.
    pub at: Moment,
    /// Whether inside a database transaction.
    pub in_transaction: bool,
}

/// One outage that began.
#[derive(Clone, Debug)]
pub struct OutageSeen {
    /// Which.
    pub outage: OutageId,
    /// Where.
    pub instance: InstanceId,
    /// When it began.
    pub began: Moment,
    /// When it is over.
    pub until: SimInstant,
    /// The messages that it stopped or turned away.
    pub hits: Vec<Moment>,
}

impl<'t> History<'t> {
    /// Folds a trace. Linear in its length.
    pub fn of(trace: &'t Trace) -> Self {
        Fold::new(trace).finish()
    }

    /// The last instant of the trace.
    pub fn end(&self) -> SimInstant {
        let last = self.trace.entries.last();
        last.map_or(SimInstant::START, |entry| entry.at)
    }

    /// The actor whose lane this is.
    pub fn actor_of_lane(&self, lane: LaneId) -> Option<ActorId> {
        self.lanes.get(&lane).and_then(|lane| lane.kind.actor())
    }

    /// The actor on whose behalf a transaction ran.
    pub fn actor_of(&self, transaction: TransactionId) -> Option<ActorId> {
        let transaction = self.transactions.get(&transaction)?;
        self.actor_of_lane(transaction.lane)
    }

    /// What a reader calls a lane.
    pub fn lane_name(&self, lane: LaneId) -> String {
        self.lanes.get(&lane).map_or_else(|| format!("lane {}", lane.0), |it| it.name.to_string())
    }

    /// What a reader calls a transaction: by its lane.
    pub fn transaction_name(&self, transaction: TransactionId) -> String {
        self.transactions
            .get(&transaction)
            .map_or_else(|| format!("transaction {}", transaction.0), |it| self.lane_name(it.lane))
    }

    /// What a reader calls what a lock is on; a transaction goes by its lane.
    pub fn resource(&self, resource: &LockResource) -> String {
        match resource {
            LockResource::Transaction { transaction, .. } => {
                format!("{}'s transaction", self.transaction_name(*transaction))
            }
            _ => self.names.resource(resource),
        }
    }

    /// What a wait is for and who holds it: `us/user/x, held by ann`.
    pub fn awaited(&self, wait: &Wait) -> String {
        let place = self.resource(&wait.resource);
        let holder = wait.holders.first().or_else(|| wait.ahead.first());
        match (wait.resource, holder) {
            // Whose transaction it is says who is in the way.
            (LockResource::Transaction { .. }, _) | (_, None) => place,
            (_, Some(holder)) => format!("{place}, held by {}", self.transaction_name(*holder)),
        }
    }

    /// The runs of an actor, in the order in which they began.
    pub fn lanes_of(&self, actor: ActorId) -> impl Iterator<Item = (LaneId, &Lane<'t>)> {
        self.lanes
            .iter()
            .filter(move |(_, lane)| lane.kind.actor() == Some(actor))
            .map(|(id, lane)| (*id, lane))
    }

    /// The transaction in which a row was looked for.
    pub fn transaction_of(&self, miss: &RowMiss) -> Option<TransactionId> {
        self.requests.get(&miss.request)?.transaction
    }

    /// Whether a transaction was opened for one read or one statement, and ended with it.
    pub fn is_of_one_statement(&self, transaction: TransactionId) -> bool {
        let Some(transaction) = self.transactions.get(&transaction) else {
            return false;
        };
        let (TransactionEnd::Committed(end) | TransactionEnd::RolledBack(end, _)) = transaction.end
        else {
            return false;
        };
        let only = transaction.first.filter(|(first, _)| Some(*first) == transaction.last);
        let Some((only, began)) = only.and_then(|(id, at)| Some((self.requests.get(&id)?, at)))
        else {
            return false;
        };
        match only.kind {
            RequestKind::Statement(_) => {
                only.ended.is_some_and(|(done, _)| end.sequence <= done.sequence.saturating_add(1))
            }
            RequestKind::Message(_) => only.kind.is_read() && began == transaction.began,
            RequestKind::Job => false,
        }
    }

    /// The step of a session's lane that was under way at a moment.
    pub fn step_at(&self, lane: LaneId, moment: Moment) -> Option<&StepRun<'t>> {
        let begun = self.steps.partition_point(|it| it.began <= moment);
        let last = self.steps[..begun].iter().rfind(|it| it.lane == lane);
        last.filter(|it| it.covers(moment))
    }

    /// Whether a transaction was committed.
    pub fn is_committed(&self, transaction: TransactionId) -> bool {
        self.transactions
            .get(&transaction)
            .is_some_and(|it| matches!(it.end, TransactionEnd::Committed(_)))
    }

    /// Whether a transaction was rolled back.
    pub fn is_rolled_back(&self, transaction: TransactionId) -> bool {
        self.transactions
            .get(&transaction)
            .is_some_and(|it| matches!(it.end, TransactionEnd::RolledBack(..)))
    }

    /// The rows of one table of one instance.
    pub fn table_rows(
        &self,
        instance: InstanceId,
        table: TableId,
    ) -> impl Iterator<Item = (RowId, &RowHistory<'t>)> {
        let key = |row| RowKey::of(instance, table, row);
        let first = key(RowId(uuid::Uuid::nil()));
        let last = key(RowId(uuid::Uuid::max()));
        self.rows.range(first..=last).map(|(key, row)| (key.row, row))
    }
}
