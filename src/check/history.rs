//! A trace, folded once into what the checks and the story ask about: each row's committed
//! states over time, and the lives of lanes, requests, transactions, waits and faults.
//!
//! A write counts from the moment at which its transaction is committed. A row's state *by* an
//! instant is the state at the end of that instant: everything that was committed at it counts.
//!
//! The fold trusts nothing: a trace that contradicts itself gives a poorer history and no panic.
//! That it contradicts itself is the business of [`crate::check::invariant`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::Moment;
use crate::check::fold::Fold;
use crate::fault::Fault;
use crate::plan::{Isolation, Message};
use crate::trace::{
    DeadlockEdge, LaneKind, LockResource, Names, Outcome, RollbackReason, Trace, WaitEnd, WriteKind,
};
use crate::words::{
    ActorId, ColumnId, Expression, InstanceId, LaneId, LockMode, Name, OutageId, PlugInId,
    RequestId, RowId, SimInstant, TableId, TransactionId, Value,
};

/// One row of one table of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Where.
    pub instance: InstanceId,
    /// Its table.
    pub table: TableId,
    /// The row.
    pub row: RowId,
}

impl RowKey {
    /// The row of this id, in this table of this instance.
    pub const fn of(instance: InstanceId, table: TableId, row: RowId) -> Self {
        Self { instance, table, row }
    }
}

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
    /// The requests that were sent or begun.
    pub requests: BTreeMap<RequestId, Request<'t>>,
    /// The transactions.
    pub transactions: BTreeMap<TransactionId, Transaction<'t>>,
    /// The waits for locks, in the order in which they began.
    pub waits: Vec<Wait<'t>>,
    /// The deadlocks that a monitor ended, in order.
    pub deadlocks: Vec<Deadlock<'t>>,
    /// The faults that callers met, in order; a fault that goes up through several callers is
    /// there once, with the first.
    pub faults: Vec<FaultMet<'t>>,
    /// The reads of rows, in order.
    pub reads: Vec<RowRead>,
    /// The searches of tables, in order.
    pub selections: Vec<Selection<'t>>,
    /// The rows that were looked for by id and not found, in order.
    pub misses: Vec<RowMiss>,
    /// The tries after the first, in order.
    pub retries: Vec<(LaneId, Moment)>,
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

/// The life of one row.
#[derive(Debug, Default)]
pub struct RowHistory<'t> {
    /// Its committed states, in the order in which they were committed.
    pub versions: Vec<Version<'t>>,
    /// The writes to it that were rolled back, in the order in which they were made.
    pub undone: Vec<Version<'t>>,
}

/// One version of one row.
#[derive(Clone, Copy, Debug)]
pub struct Version<'t> {
    /// When it was loaded or written.
    pub written: Moment,
    /// When its transaction ended: was committed, or rolled back for an undone version.
    pub settled: Moment,
    /// Its row version.
    pub row_version: u64,
    /// The row version that it replaced; 0 for none.
    pub replaced: u64,
    /// Who wrote it; `None` for a row that was there when the world began.
    pub writer: Option<TransactionId>,
    /// For which request.
    pub request: Option<RequestId>,
    /// How.
    pub kind: WriteKind,
    /// What it changed.
    pub change: Change<'t>,
}

/// The columns of one version.
#[derive(Clone, Copy, Debug)]
pub enum Change<'t> {
    /// Columns with their values, as loaded.
    Loaded(&'t [(ColumnId, Value)]),
    /// Columns with their values before and after.
    Written(&'t [(ColumnId, Value, Value)]),
}

impl<'t> Change<'t> {
    /// The value that this version gives to a column, where it gives one.
    pub fn value(&self, column: ColumnId) -> Option<&'t Value> {
        match self {
            Self::Loaded(columns) => {
                let found = columns.iter().find(|(it, _)| *it == column);
                found.map(|(_, value)| value)
            }
            Self::Written(columns) => {
                let found = columns.iter().find(|(it, ..)| *it == column);
                found.map(|(_, _, after)| after)
            }
        }
    }
}

/// A row's committed state: its columns that are not null.
pub type RowImage<'t> = BTreeMap<ColumnId, &'t Value>;

impl<'t> RowHistory<'t> {
    /// The committed versions up to the end of the instant `by`; all when it is `None`.
    pub fn versions_by(&self, by: Option<SimInstant>) -> &[Version<'t>] {
        let end = by.map_or(self.versions.len(), |by| {
            self.versions.partition_point(|it| it.settled.at <= by)
        });
        &self.versions[..end]
    }

    /// The committed state at the end of the instant `by` (of the run when it is `None`); `None`
    /// when the row does not exist then.
    pub fn image(&self, by: Option<SimInstant>) -> Option<RowImage<'t>> {
        let versions = self.versions_by(by);
        if versions.last()?.kind == WriteKind::Delete {
            return None;
        }
        let born = versions.iter().rposition(|it| it.kind == WriteKind::Insert).unwrap_or(0);
        let mut image = RowImage::new();
        for version in &versions[born..] {
            match version.change {
                Change::Loaded(columns) => {
                    image.extend(columns.iter().map(|(column, value)| (*column, value)));
                }
                Change::Written(columns) => {
                    image.extend(columns.iter().map(|(column, _, after)| (*column, after)));
                }
            }
        }
        image.retain(|_, value| !value.is_null());
        Some(image)
    }

    /// The insert or load from which the row exists at the end of the instant `by`.
    pub fn created(&self, by: Option<SimInstant>) -> Option<&Version<'t>> {
        let versions = self.versions_by(by);
        if versions.last()?.kind == WriteKind::Delete {
            return None;
        }
        versions.iter().rev().find(|it| it.kind == WriteKind::Insert)
    }
}

/// One run of an actor or flow.
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

/// One request to an instance.
#[derive(Debug)]
pub struct Request<'t> {
    /// On whose behalf.
    pub lane: LaneId,
    /// The request whose plug-in made it.
    pub parent: Option<RequestId>,
    /// To which instance.
    pub instance: InstanceId,
    /// What it asks for.
    pub message: Message,
    /// For an upsert, what it became.
    pub became: Option<Message>,
    /// Of which table.
    pub table: TableId,
    /// Of which row, where it names one.
    pub row: Option<RowId>,
    /// The transaction that it joined or opened.
    pub transaction: Option<TransactionId>,
    /// When the instance began with it; `None` when it never arrived.
    pub began: Option<Moment>,
    /// When the instance was done with it, and the fault.
    pub ended: Option<(Moment, Option<&'t Fault>)>,
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

/// A read of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRead {
    /// When.
    pub at: Moment,
    /// For which request.
    pub request: RequestId,
    /// In which transaction.
    pub transaction: Option<TransactionId>,
    /// Which row.
    pub key: RowKey,
    /// Which version.
    pub row_version: u64,
}

/// A search of a table by a condition. The rows that it answers are reads of the same request.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'t> {
    /// When.
    pub at: Moment,
    /// For which request.
    pub request: RequestId,
    /// In which transaction.
    pub transaction: Option<TransactionId>,
    /// Where.
    pub instance: InstanceId,
    /// Which table.
    pub table: TableId,
    /// The condition on a row; `None` for every row.
    pub filter: Option<&'t Expression>,
}

/// A row that was looked for by id and not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowMiss {
    /// When.
    pub at: Moment,
    /// For which request.
    pub request: RequestId,
    /// Which row.
    pub key: RowKey,
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
        self.lanes.get(&lane).map(|lane| lane.kind.actor())
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

    /// The runs of an actor, in the order in which they began.
    pub fn lanes_of(&self, actor: ActorId) -> impl Iterator<Item = (LaneId, &Lane<'t>)> {
        self.lanes
            .iter()
            .filter(move |(_, lane)| lane.kind.actor() == actor)
            .map(|(id, lane)| (*id, lane))
    }

    /// The transaction in which a row was looked for.
    pub fn transaction_of(&self, miss: &RowMiss) -> Option<TransactionId> {
        self.requests.get(&miss.request)?.transaction
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
