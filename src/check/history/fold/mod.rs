//! The one pass that turns a trace into a [`History`].

mod locking;
mod work;

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::history::{
    Change, DisturbedScan, FaultMet, History, Lane, OutageSeen, PlugInRun, RowHistory, RowKey,
    RowMiss, RowRead, Selection, Transaction, TransactionEnd, UndoneRead, Version,
};
use crate::fault::{Fault, FaultKind};
use crate::trace::{
    self, Access, DeadlockEdge, Entry, Event, Names, Outcome, RequestBegan, RollbackReason,
    RowWritten, RowsSelected, StatementBegan, Trace, WriteKind,
};
use crate::words::{InstanceId, LaneId, OutageId, TransactionId};

/// The history so far, with what is under way.
pub(super) struct Fold<'t> {
    history: History<'t>,
    /// What each open transaction has written.
    pending: BTreeMap<TransactionId, Vec<(RowKey, Version<'t>)>>,
    /// The wait that each transaction is in, as a position in `History::waits`.
    waiting: BTreeMap<TransactionId, usize>,
    /// The cycles that were closed and not ended yet.
    cycles: Vec<(InstanceId, Moment, &'t [DeadlockEdge])>,
    /// The kind of the fault that is on its way up each lane.
    rising: BTreeMap<LaneId, FaultKind>,
    /// How many plug-in steps of each lane are running.
    plug_ins: BTreeMap<LaneId, u32>,
    /// The step that each session is in, as a position in `History::steps`.
    steps: BTreeMap<LaneId, usize>,
    /// Who last released a lock or left a queue.
    made_way: Option<(Moment, TransactionId)>,
}

impl<'t> Fold<'t> {
    /// A fold that has seen nothing.
    pub(super) fn new(trace: &'t Trace) -> Self {
        Self {
            history: History {
                trace,
                names: Names::of(trace),
                rows: BTreeMap::new(),
                lanes: BTreeMap::new(),
                requests: BTreeMap::new(),
                transactions: BTreeMap::new(),
                steps: Vec::new(),
                waits: Vec::new(),
                deadlocks: Vec::new(),
                cross_instance_waits: Vec::new(),
                escalations: Vec::new(),
                faults: Vec::new(),
                reads: Vec::new(),
                selections: Vec::new(),
                misses: Vec::new(),
                disturbed_scans: Vec::new(),
                undone_reads: Vec::new(),
                retries: Vec::new(),
                recalculations: Vec::new(),
                plug_in_runs: Vec::new(),
                outages: Vec::new(),
                bound: BTreeMap::new(),
            },
            pending: BTreeMap::new(),
            waiting: BTreeMap::new(),
            cycles: Vec::new(),
            rising: BTreeMap::new(),
            plug_ins: BTreeMap::new(),
            steps: BTreeMap::new(),
            made_way: None,
        }
    }

    /// The whole history.
    pub(super) fn finish(mut self) -> History<'t> {
        for entry in &self.history.trace.entries {
            self.lanes(entry);
            self.steps(entry);
            self.requests(entry);
            self.statements(entry);
            self.rows(entry);
            self.looks(entry);
            self.transactions(entry);
            self.locks(entry);
            self.cycles(entry);
            self.faults(entry);
        }
        let end = self.history.end();
        for position in self.waiting.into_values() {
            let wait = &mut self.history.waits[position];
            wait.waited = end.duration_since(wait.queued.at);
        }
        self.history
    }

    fn lanes(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        let history = &mut self.history;
        match &entry.event {
            Event::LaneBegan { lane, kind, name } => {
                let lane_of = Lane { kind: *kind, name, began: at, ended: None };
                history.lanes.entry(*lane).or_insert(lane_of);
            }
            Event::LaneEnded { lane, outcome } => {
                if let Some(lane) = history.lanes.get_mut(lane) {
                    lane.ended.get_or_insert((at, outcome));
                }
            }
            // A plug-in's bindings are its own and end with it.
            Event::Bound { lane, name, value } if !self.plug_ins.contains_key(lane) => {
                history.bound.insert((*lane, name), (at, value));
            }
            Event::Retried { lane, .. } => history.retries.push((*lane, at)),
            Event::PlugInBegan { lane, plug_in, in_transaction, .. } => {
                *self.plug_ins.entry(*lane).or_default() += 1;
                history.plug_in_runs.push(PlugInRun {
                    plug_in: *plug_in,
                    at,
                    in_transaction: *in_transaction,
                });
            }
            Event::PlugInEnded { request, .. } => {
                let lane = history.requests.get(request).map(|it| it.lane);
                if let Some(lane) = lane
                    && let Some(running) = self.plug_ins.get_mut(&lane)
                {
                    *running -= 1;
                    if *running == 0 {
                        self.plug_ins.remove(&lane);
                    }
                }
            }
            _ => {}
        }
    }

    fn rows(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::RowLoaded { instance, table, row, row_version, columns } => {
                let key = RowKey::of(*instance, *table, *row);
                let version = Version {
                    written: at,
                    settled: at,
                    row_version: *row_version,
                    replaced: 0,
                    writer: None,
                    request: None,
                    kind: WriteKind::Insert,
                    change: Change::Loaded(columns),
                };
                self.row(key).versions.push(version);
            }
            Event::RowWritten(RowWritten {
                transaction,
                request,
                instance,
                table,
                row,
                kind,
                version_before,
                version_after,
                columns,
            }) => {
                let key = RowKey::of(*instance, *table, *row);
                let version = Version {
                    written: at,
                    settled: at,
                    row_version: *version_after,
                    replaced: *version_before,
                    writer: Some(*transaction),
                    request: Some(*request),
                    kind: *kind,
                    change: Change::Written(columns),
                };
                let pending = self.pending.entry(*transaction).or_default();
                pending.push((key, version));
            }
            _ => {}
        }
    }

    fn looks(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::RowRead(trace::RowRead {
                request,
                transaction,
                instance,
                table,
                row,
                row_version,
                level,
                kind,
                writer,
            }) => self.history.reads.push(RowRead {
                at,
                request: *request,
                transaction: *transaction,
                key: RowKey::of(*instance, *table, *row),
                row_version: *row_version,
                level: *level,
                kind: *kind,
                writer: *writer,
            }),
            Event::RowsSelected(RowsSelected {
                request,
                transaction,
                instance,
                table,
                filter,
                level,
                access,
                examined,
                matched,
                whole,
                link,
                answered,
            }) => self.history.selections.push(Selection {
                at,
                request: *request,
                transaction: *transaction,
                instance: *instance,
                table: *table,
                filter: filter.as_ref(),
                level: *level,
                access: *access,
                examined: *examined,
                matched: *matched,
                whole: *whole,
                link: link.as_ref(),
                answered: *answered,
            }),
            Event::RowMissed { request, instance, table, row: Some(row), level } => {
                let key = RowKey::of(*instance, *table, *row);
                let (request, level) = (*request, *level);
                self.history.misses.push(RowMiss { at, request, key, level });
            }
            Event::ScanDisturbed { request, instance, table, row, how } => {
                let key = RowKey::of(*instance, *table, *row);
                let (request, how) = (*request, *how);
                self.history.disturbed_scans.push(DisturbedScan { at, request, key, how });
            }
            Event::DirtyReadUndone { request, transaction, instance, table, row } => {
                let key = RowKey::of(*instance, *table, *row);
                let (request, writer) = (*request, *transaction);
                self.history.undone_reads.push(UndoneRead { at, request, writer, key });
            }
            _ => {}
        }
    }

    fn row(&mut self, key: RowKey) -> &mut RowHistory<'t> {
        self.history.rows.entry(key).or_default()
    }

    fn transactions(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::TransactionBegan { lane, transaction, instance, isolation, .. } => {
                let began = Transaction {
                    lane: *lane,
                    instance: *instance,
                    isolation: *isolation,
                    began: at,
                    first: None,
                    last: None,
                    end: TransactionEnd::Open,
                };
                let known = self.history.transactions.entry(*transaction);
                known.or_insert(began);
            }
            Event::Access(Access::PrivilegesRecalculated { request, .. }) => {
                self.history.recalculations.push((*request, at));
            }
            Event::Committed { transaction } => {
                self.settle(*transaction, TransactionEnd::Committed(at), at);
            }
            Event::RolledBack { transaction, reason } => {
                self.settle(*transaction, TransactionEnd::RolledBack(at, reason), at)
            }
            _ => {}
        }
    }

    /// Ends a transaction: its writes hold from here on, or never did.
    fn settle(&mut self, id: TransactionId, end: TransactionEnd<'t>, at: Moment) {
        if let Some(transaction) = self.history.transactions.get_mut(&id) {
            transaction.end = end;
        }
        for (key, mut version) in self.pending.remove(&id).unwrap_or_default() {
            version.settled = at;
            let row = self.row(key);
            match end {
                TransactionEnd::RolledBack(..) => row.undone.push(version),
                TransactionEnd::Committed(_) | TransactionEnd::Open => row.versions.push(version),
            }
        }
    }

    fn faults(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::OutageBegan { outage, instance, until } => {
                self.history.outages.push(OutageSeen {
                    outage: *outage,
                    instance: *instance,
                    began: at,
                    until: *until,
                    hits: Vec::new(),
                })
            }
            Event::RequestRefused { lane, outage, fault, .. } => {
                self.hit(*outage, at);
                self.meet(*lane, fault, at);
            }
            Event::ResponseLost { outage, .. } => self.hit(*outage, at),
            Event::RequestEnded { request, fault }
            | Event::StatementEnded { request, fault }
            | Event::PlugInEnded { request, fault, .. } => {
                let lane = self.history.requests.get(request).map(|it| it.lane);
                if let (Some(fault), Some(lane)) = (fault, lane) {
                    self.meet(lane, fault, at);
                }
            }
            Event::ResponseDelivered { lane, fault, .. } => match fault {
                Some(fault) => self.meet(*lane, fault, at),
                None => self.forget(*lane),
            },
            Event::RolledBack { transaction, reason: RollbackReason::Fault(fault) } => {
                let known = self.history.transactions.get(transaction);
                if let Some(lane) = known.map(|it| it.lane) {
                    self.meet(lane, fault, at);
                }
            }
            Event::Retried { lane, fault, .. } | Event::FaultHandled { lane, fault } => {
                self.meet(*lane, fault, at);
                self.forget(*lane);
            }
            Event::LaneEnded { lane, outcome: Outcome::Failed(fault) } => {
                self.meet(*lane, fault, at)
            }
            Event::StepEnded { lane, fault: Some(fault), .. } => self.meet(*lane, fault, at),
            Event::RequestSent { lane, .. }
            | Event::RequestBegan(RequestBegan { lane, .. })
            | Event::StepBegan { lane, .. }
            | Event::StatementBegan(StatementBegan { lane, .. }) => self.forget(*lane),
            _ => {}
        }
    }

    /// A fault was met on a lane: a new one, unless it is the one that is on its way up already.
    fn meet(&mut self, lane: LaneId, fault: &'t Fault, at: Moment) {
        if self.rising.insert(lane, fault.kind) != Some(fault.kind) {
            self.history.faults.push(FaultMet { lane, at, fault });
        }
    }

    /// The lane goes on: its next fault is a new one.
    fn forget(&mut self, lane: LaneId) {
        self.rising.remove(&lane);
    }

    fn hit(&mut self, outage: OutageId, at: Moment) {
        let seen = self.history.outages.iter_mut().rev();
        for seen in seen.filter(|it| it.outage == outage).take(1) {
            seen.hits.push(at);
        }
    }
}
