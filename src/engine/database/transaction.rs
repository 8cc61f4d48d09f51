//! Transactions: begin, commit, roll back.
//!
//! Every lock that a write takes is held to the end of its transaction, at every isolation level,
//! unless the database locks in the optimized way. Read locks live as long as their level says.
//! Source: Microsoft Learn, "Database transactions" (Scalable Customization Design): locks live
//! exactly as long as their transaction.

use crate::engine::database::context::Context;
use crate::engine::database::locking::{Wait, Waiter};
use crate::engine::database::{Awakening, Database};
use crate::engine::lock::Owner;
use crate::engine::store::RowNumber;
use crate::fault::{Fault, FaultKind};
use crate::plan::Isolation;
use crate::trace::{Event, RollbackReason, WaitEnd};
use crate::words::{LaneId, LockMode, RequestId, RowId, TableId, TransactionId};

/// What the owner of a transaction is told that took longer than it may.
const TIME_IS_UP: &str = "The transaction has aborted: it took longer than its limit.";

/// A transaction of a database, safe against the reuse of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionRef {
    /// Its slot.
    pub owner: Owner,
    /// Its number.
    pub id: TransactionId,
}

/// What a new transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Its number.
    pub id: TransactionId,
    /// On whose behalf it works.
    pub lane: LaneId,
    /// Its isolation level.
    pub isolation: Isolation,
    /// How ready it is to be a deadlock's victim: the lowest goes first.
    pub priority: i8,
    /// The request that opens it; `None` for an explicit one.
    pub request: Option<RequestId>,
}

/// One slot for a transaction.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Transaction {
    /// Its number.
    pub(super) id: TransactionId,
    /// On whose behalf it works.
    pub(super) lane: LaneId,
    /// Its isolation level.
    pub(super) isolation: Isolation,
    /// How ready it is to be a deadlock's victim.
    pub(super) priority: i8,
    /// Where it is in its life.
    pub(super) state: TransactionState,
    /// The rows that it has written, each once, in order.
    pub(super) writes: Vec<(TableId, RowNumber)>,
    /// The version of its first write; 0 before it.
    pub(super) first_version: u64,
    /// How much it has written: what a rollback would cost.
    pub(super) log_bytes: u64,
    /// The commit as of which it reads, at snapshot, from its first access on.
    pub(super) snapshot: Option<u64>,
    /// The tables that it holds to its end, each with the mode.
    pub(super) tables: Vec<(TableId, LockMode)>,
    /// Whether rows may be gone when it ends: it has deleted or added some.
    pub(super) leaves_gaps: bool,
    /// Whether it locks gaps between rows.
    pub(super) locks_ranges: bool,
    /// The tables whose definition it has changed, or wants to.
    pub(super) altered: Vec<TableId>,
    /// Who has read what it had not committed yet; kept for the trace only.
    pub(super) dirty_readers: Vec<(RequestId, TableId, RowId)>,
    /// What it waits for.
    pub(super) wait: Option<Wait>,
}

/// A transaction's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionState {
    /// The slot is free.
    Free,
    /// It is under way.
    Active,
    /// A request in it met this fault. It can only be rolled back, but has not been yet.
    Doomed(FaultKind),
    /// It was rolled back under its owner's hands, for this fault; the owner does not know yet.
    RolledBack(FaultKind),
}

impl Transaction {
    const fn free() -> Self {
        Self {
            id: TransactionId(u32::MAX),
            lane: LaneId(u32::MAX),
            isolation: Isolation::ReadCommittedSnapshot,
            priority: 0,
            state: TransactionState::Free,
            writes: Vec::new(),
            first_version: 0,
            log_bytes: 0,
            snapshot: None,
            tables: Vec::new(),
            leaves_gaps: false,
            locks_ranges: false,
            altered: Vec::new(),
            dirty_readers: Vec::new(),
            wait: None,
        }
    }

    /// The mode in which it holds a table to its end.
    pub(super) fn table_mode(&self, table: TableId) -> Option<LockMode> {
        self.tables.iter().find(|(held, _)| *held == table).map(|(_, mode)| *mode)
    }
}

impl Database {
    /// Opens a transaction.
    pub fn begin(&mut self, context: &mut Context<'_>, beginning: Beginning) -> TransactionRef {
        let Beginning { id, lane, isolation, priority, request } = beginning;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.transactions.push(Transaction::free());
            u32::try_from(self.transactions.len() - 1).unwrap_or(u32::MAX)
        });
        let transaction = &mut self.transactions[slot as usize];
        transaction.id = id;
        transaction.lane = lane;
        transaction.isolation = isolation;
        transaction.priority = priority;
        transaction.state = TransactionState::Active;
        let instance = self.id;
        context.emit(|| Event::TransactionBegan {
            lane,
            transaction: id,
            instance,
            isolation,
            request,
        });
        TransactionRef { owner: Owner(slot), id }
    }

    /// Commits a transaction and releases its locks.
    ///
    /// # Errors
    ///
    /// The transaction was rolled back already, or a fault in it was swallowed: it is rolled back.
    pub fn commit(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
    ) -> Result<(), Fault> {
        if let Some(fault) = self.swallowed(reference) {
            self.roll_back(context, reference, RollbackReason::Fault(fault.clone()));
            return Err(fault);
        }
        self.end_snapshot(reference.owner);
        let oldest = self.oldest_snapshot();
        if self.tracks && self.transaction(reference.owner).leaves_gaps {
            self.bury(context, reference.id, reference.owner.0 as usize);
        }
        let Self { transactions, tables, stamp, altered, .. } = self;
        let transaction = &transactions[reference.owner.0 as usize];
        if !transaction.writes.is_empty() || !transaction.altered.is_empty() {
            *stamp += 1;
            for (table, row) in &transaction.writes {
                if let Some(store) = &mut tables[table.index()] {
                    store.commit(reference.id, *row, *stamp, oldest);
                }
            }
            for table in &transaction.altered {
                altered[table.index()] = *stamp;
            }
        }
        context.emit(|| Event::Committed { transaction: reference.id });
        self.release_all(context, reference);
        self.close(reference);
        Ok(())
    }

    /// The fault with which a transaction must end because one in it was swallowed, or because its
    /// time was up while its owner was busy elsewhere.
    ///
    /// Source: Microsoft Learn, "Troubleshoot Dataverse plug-ins": plug-ins should not catch
    /// exceptions from service calls and continue; "Troubleshoot bulk operation errors" for the
    /// swallowed deadlock.
    pub fn swallowed(&self, reference: TransactionRef) -> Option<Fault> {
        let (kind, message) = match self.state_of(reference) {
            TransactionState::Active => return None,
            TransactionState::RolledBack(kind @ FaultKind::TransactionTimeout) => {
                (kind, TIME_IS_UP)
            }
            TransactionState::RolledBack(_) | TransactionState::Free => (
                FaultKind::TransactionAborted,
                "The transaction of the SQL command has already been rolled back or committed; \
                 this is usually caused by a swallowed SQL deadlock exception.",
            ),
            TransactionState::Doomed(_) => (
                FaultKind::SwallowedFault,
                "ISV code reduced the open transaction count. Custom plug-ins should not catch \
                 exceptions from OrganizationService calls and continue processing.",
            ),
        };
        Some(Fault::new(kind, message).from_instance(self.id))
    }

    /// The fault of a request that is made in a transaction which can't take any more.
    ///
    /// Source: Microsoft Learn, "Troubleshoot Dataverse plug-ins", for both codes of a swallowed
    /// fault. Assumed: the next request finds the transaction gone (the older code,
    /// 0x80040251); a plug-in that ends without another request is told so itself (0x8009000C).
    pub fn unusable(&self, reference: TransactionRef) -> Option<Fault> {
        match self.state_of(reference) {
            TransactionState::Doomed(_) => {
                let message = "There is no active transaction. This error is usually caused by \
                               custom plug-ins that ignore errors from service calls and \
                               continue processing.";
                let fault = Fault::new(FaultKind::TransactionNotStarted, message);
                Some(fault.from_instance(self.id))
            }
            _ => self.swallowed(reference),
        }
    }

    /// Whether a transaction has written rows of a table.
    pub fn has_written(&self, reference: TransactionRef, table: TableId) -> bool {
        let mut writes = self.transaction(reference.owner).writes.iter();
        writes.any(|(written, _)| *written == table)
    }

    /// Notes that a request in a transaction ended in a fault: the transaction can't be saved.
    pub fn doom(&mut self, reference: TransactionRef, fault: &Fault) {
        if self.state_of(reference) == TransactionState::Active {
            self.transaction_mut(reference.owner).state = TransactionState::Doomed(fault.kind);
        }
    }

    /// Rolls a transaction back, unless that was done already, and forgets it.
    pub fn roll_back(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
        reason: RollbackReason,
    ) {
        match self.state_of(reference) {
            TransactionState::Active | TransactionState::Doomed(_) => {
                self.undo(context, reference, reason);
            }
            TransactionState::RolledBack(_) => {}
            TransactionState::Free => return,
        }
        self.close(reference);
    }

    /// Rolls a transaction back under its owner's hands, who learns of it when it does the next
    /// thing in it, or at once where it waits for a lock.
    pub(super) fn abort(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
        fault: &Fault,
        end: WaitEnd,
    ) {
        let waiter = self.transaction(reference.owner).wait.map(|wait| wait.waiter);
        self.give_up_waiting(context, reference, end);
        self.undo(context, reference, RollbackReason::Fault(fault.clone()));
        self.transaction_mut(reference.owner).state = TransactionState::RolledBack(fault.kind);
        if let Some(waiter) = waiter {
            self.fail(waiter, fault.clone());
        }
    }

    /// The time of a transaction is up: it is rolled back, if it is still under way.
    pub fn expire(&mut self, context: &mut Context<'_>, reference: TransactionRef) {
        if !matches!(
            self.state_of(reference),
            TransactionState::Active | TransactionState::Doomed(_)
        ) {
            return;
        }
        let kind = FaultKind::TransactionTimeout;
        let fault = Fault::new(kind, TIME_IS_UP).from_instance(self.id);
        self.abort(context, reference, &fault, WaitEnd::TimedOut(kind));
    }

    /// Restores every row that the transaction wrote, the latest first, and releases its locks.
    fn undo(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
        reason: RollbackReason,
    ) {
        if let Some(wait) = self.transaction(reference.owner).wait {
            // Its owner ends it while a request in it still waits: a client that gave up.
            let end = WaitEnd::TimedOut(FaultKind::ClientTimeout);
            self.give_up_waiting(context, reference, end);
            let fault =
                Fault::new(FaultKind::TransactionAborted, "The transaction was rolled back.");
            self.fail(wait.waiter, fault.from_instance(self.id));
        }
        context.emit(|| Event::RolledBack { transaction: reference.id, reason });
        let instance = self.id;
        let writes = self.transaction(reference.owner).writes.clone();
        for (table, row) in writes.into_iter().rev() {
            let Some(store) = &mut self.tables[table.index()] else {
                continue;
            };
            let id = store.id(row);
            let restored = store.rollback(reference.id, row);
            context.emit(|| Event::RowRestored {
                transaction: reference.id,
                instance,
                table,
                row: id,
                row_version: restored.unwrap_or(0),
            });
        }
        for (request, table, row) in
            std::mem::take(&mut self.transaction_mut(reference.owner).dirty_readers)
        {
            context.emit(|| Event::DirtyReadUndone {
                request,
                transaction: reference.id,
                instance,
                table,
                row,
            });
        }
        self.end_snapshot(reference.owner);
        self.release_all(context, reference);
    }

    /// Gives a transaction's slot back.
    fn close(&mut self, reference: TransactionRef) {
        let transaction = &mut self.transactions[reference.owner.0 as usize];
        transaction.state = TransactionState::Free;
        transaction.writes.clear();
        transaction.first_version = 0;
        transaction.log_bytes = 0;
        transaction.dirty_readers.clear();
        transaction.leaves_gaps = false;
        transaction.wait = None;
        self.free.push(reference.owner.0);
    }

    /// The commit as of which a snapshot transaction reads: the latest one at its first access.
    ///
    /// Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL": data as it was at the first
    /// access to it in the transaction.
    pub(super) fn snapshot_of(&mut self, owner: Owner) -> u64 {
        let stamp = self.stamp;
        if let Some(snapshot) = self.transaction(owner).snapshot {
            return snapshot;
        }
        self.transaction_mut(owner).snapshot = Some(stamp);
        *self.snapshots.entry(stamp).or_default() += 1;
        stamp
    }

    /// Nobody reads as of this transaction's snapshot any more: what only it could see is
    /// forgotten.
    fn end_snapshot(&mut self, owner: Owner) {
        let Some(snapshot) = self.transaction_mut(owner).snapshot.take() else {
            return;
        };
        let before = self.oldest_snapshot();
        if let Some(readers) = self.snapshots.get_mut(&snapshot) {
            *readers -= 1;
            if *readers == 0 {
                self.snapshots.remove(&snapshot);
            }
        }
        let oldest = self.oldest_snapshot();
        if oldest > before {
            for store in self.tables.iter_mut().flatten() {
                store.prune(oldest);
            }
        }
    }

    /// The least stamp as of which anybody may still read; `u64::MAX` when nobody does.
    pub(super) fn oldest_snapshot(&self) -> u64 {
        self.snapshots.first_key_value().map_or(u64::MAX, |(stamp, _)| *stamp)
    }

    /// Where a transaction is in its life; free once its slot was given back.
    pub fn state_of(&self, reference: TransactionRef) -> TransactionState {
        let transaction = self.transaction(reference.owner);
        if transaction.id == reference.id { transaction.state } else { TransactionState::Free }
    }

    /// The isolation level of a transaction.
    pub fn isolation_of(&self, reference: TransactionRef) -> Isolation {
        self.transaction(reference.owner).isolation
    }

    pub(super) fn transaction(&self, owner: Owner) -> &Transaction {
        &self.transactions[owner.0 as usize]
    }

    pub(super) fn transaction_mut(&mut self, owner: Owner) -> &mut Transaction {
        &mut self.transactions[owner.0 as usize]
    }

    /// Tells a waiter that what it waits for has failed.
    fn fail(&mut self, waiter: Waiter, fault: Fault) {
        self.awakened.push(Awakening { waiter, fault: Some(fault) });
    }
}
