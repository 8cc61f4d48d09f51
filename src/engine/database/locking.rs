//! Who may do what now: how statements take locks, give them back, wait and are woken.
//!
//! # How long a lock lives
//!
//! | lock | classic | optimized |
//! |---|---|---|
//! | X on a written row and on its changed index entries | to the end | while it is written |
//! | X on the transaction itself | none | to the end |
//! | S of a read at read committed | while the row is looked at | the same |
//! | S, RangeS-S of a read at repeatable read and serializable | to the end | the same |
//! | U of a row that an update looks at | until it is passed by, or becomes X | the same |
//! | IX, and IS of reads that keep their locks | to the end | the same |
//! | Sch-S, and IS at read committed | to the end of the statement | the same |
//!
//! A lock for a statement or less is a [`Temporary`]: it knows in which mode the transaction had
//! the resource before, so that giving it back never gives back more than was taken.
//!
//! What would be taken and given back in one and the same instant, with nobody in its way, has no
//! effect and is not taken at all: so a read of committed versions costs no look at the lock table
//! unless somebody is changing the table's definition.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock modes and
//! Isolation levels; "Optimized locking", TID locking.

use crate::engine::database::Awakening;
use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::transaction::TransactionRef;
use crate::engine::lock::{Decision, Owner, Resource, combine};
use crate::engine::store::{RowNumber, View};
use crate::plan::{Isolation, Locking};
use crate::trace::{Event, LockResource, WaitEnd};
use crate::words::{LockMode, SimInstant, TableId, TransactionId};

/// Who sleeps while a transaction waits for a lock: a token of the caller's, which comes back in
/// [`Awakening`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waiter(pub u32);

/// On whose behalf a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct By {
    /// The transaction that gets it.
    pub transaction: TransactionRef,
    /// Who sleeps until it does.
    pub waiter: Waiter,
}

/// A wait for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    /// Who sleeps until it ends.
    pub(super) waiter: Waiter,
    /// For what.
    pub(super) resource: LockResource,
    /// In which mode.
    pub(super) mode: LockMode,
    /// Since when.
    pub(super) since: SimInstant,
    /// Its position among all waits of the database, in the order in which they began.
    pub(super) number: u64,
}

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Asked {
    /// The transaction holds it.
    Held,
    /// The waiter has to wait for it, and to ask again when it is woken.
    Waiting,
}

/// A lock for less than the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Temporary {
    /// On what.
    pub(super) resource: Resource,
    /// In which mode the transaction held it before; `None` when it did not.
    pub(super) before: Option<LockMode>,
    /// In which mode it has it now.
    pub(super) mode: LockMode,
}

impl Database {
    /// Asks for a lock to the end of the transaction.
    pub(super) fn lock(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        resource: Resource,
        mode: LockMode,
    ) -> Asked {
        let owner = by.transaction.owner;
        match self.locks.request(owner, resource, mode) {
            Decision::Held => return Asked::Held,
            Decision::Granted => {
                if context.log.is_on()
                    && let Some(named) = self.describe(resource)
                {
                    let mode = self.locks.mode_of(owner, resource).unwrap_or(mode);
                    let transaction = by.transaction.id;
                    context.emit(|| Event::LockGranted { transaction, resource: named, mode });
                }
                return Asked::Held;
            }
            Decision::Queued => {}
        }
        let mode = self.locks.waiting(owner).map_or(mode, |(_, mode)| mode);
        if let Some(named) = self.describe(resource) {
            let number = self.next_wait;
            self.next_wait += 1;
            let wait =
                Wait { waiter: by.waiter, resource: named, mode, since: context.now, number };
            self.transaction_mut(owner).wait = Some(wait);
            if context.log.is_on() {
                let blockers = self.locks.blockers(owner);
                let ids = |owners: &[Owner]| -> Vec<TransactionId> {
                    owners.iter().map(|owner| self.transaction(*owner).id).collect()
                };
                let (holders, ahead) = (ids(&blockers.holders), ids(&blockers.ahead));
                let transaction = by.transaction.id;
                context.emit(|| Event::LockQueued {
                    transaction,
                    resource: named,
                    mode,
                    holders,
                    ahead,
                });
            }
        }
        self.look_for_cycle(context, owner);
        Asked::Waiting
    }

    /// Asks for a lock for less than the transaction. What must be given back is added to `taken`
    /// before it is asked for, so that it is there also when the answer comes later.
    pub(super) fn lock_for_now(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        resource: Resource,
        mode: LockMode,
        taken: &mut Vec<Temporary>,
    ) -> Asked {
        if taken.iter().all(|temporary| temporary.resource != resource) {
            let before = self.locks.mode_of(by.transaction.owner, resource);
            if before.is_some_and(|before| combine(before, mode) == before) {
                return Asked::Held;
            }
            let mode = before.map_or(mode, |before| combine(before, mode));
            taken.push(Temporary { resource, before, mode });
        }
        self.lock(context, by, resource, mode)
    }

    /// Asks for a lock on a row: to the end of the transaction where `keeps` says so, else for now.
    ///
    /// With optimized locking a row that another transaction has written is not locked any more.
    /// Who wants it waits for that transaction itself.
    pub(super) fn lock_row(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, row): (TableId, RowNumber),
        mode: LockMode,
        (keeps, taken): (bool, &mut Vec<Temporary>),
    ) -> Asked {
        if self.locking == Locking::Optimized
            && let Some(writer) = self.store(table).ok().and_then(|store| store.writer(row))
            && writer != by.transaction.id
        {
            let resource = Resource::Transaction(writer);
            if self.locks.holders(resource).next().is_some()
                && self.lock_for_now(context, by, resource, LockMode::Shared, taken)
                    == Asked::Waiting
            {
                return Asked::Waiting;
            }
        }
        let resource = Resource::Row(table, row);
        if keeps {
            return self.lock(context, by, resource, mode);
        }
        self.lock_for_now(context, by, resource, mode, taken)
    }

    /// Notes that a transaction locks gaps, so that inserts ask before they fill one.
    pub(super) fn note_ranges(&mut self, reference: TransactionRef) {
        let transaction = self.transaction_mut(reference.owner);
        if !transaction.locks_ranges {
            transaction.locks_ranges = true;
            self.ranging += 1;
        }
    }

    /// Gives back what was taken for less than the transaction.
    pub(super) fn give_back(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
        taken: &mut Vec<Temporary>,
    ) {
        for Temporary { resource, before, mode } in taken.drain(..) {
            // What has become stronger since is kept for the sake of that.
            if self.locks.mode_of(reference.owner, resource) == Some(mode) {
                self.lower(context, reference, resource, before);
            }
        }
    }

    /// Releases a lock, or goes back to the mode in which it was held before.
    pub(super) fn lower(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
        resource: Resource,
        before: Option<LockMode>,
    ) {
        let mut granted = std::mem::take(&mut self.granted);
        let changed = match before {
            None => self.locks.release(reference.owner, resource, &mut granted),
            Some(mode) => self.locks.weaken(reference.owner, resource, mode, &mut granted),
        };
        if changed
            && context.log.is_on()
            && let Some(resource) = self.describe(resource)
        {
            let transaction = reference.id;
            context.emit(|| match before {
                None => Event::LockReleased { transaction, resource },
                Some(mode) => Event::LockWeakened { transaction, resource, mode },
            });
        }
        self.wake_granted(context, granted);
    }

    /// Takes the lock on a table that goes before locks on its rows, to the end of the transaction.
    pub(super) fn enter(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        table: TableId,
        mode: LockMode,
    ) -> Asked {
        let held = self.transaction(by.transaction.owner).table_mode(table);
        if held.is_some_and(|held| combine(held, mode) == held) {
            return Asked::Held;
        }
        if self.lock(context, by, Resource::Table(table), mode) == Asked::Waiting {
            return Asked::Waiting;
        }
        let stronger = held.map_or(mode, |held| combine(held, mode));
        let tables = &mut self.transaction_mut(by.transaction.owner).tables;
        match tables.iter_mut().find(|(held, _)| *held == table) {
            Some(found) => found.1 = stronger,
            None => tables.push((table, stronger)),
        }
        Asked::Held
    }

    /// Whether the lock that a transaction holds on a table stands for locks on its rows in this
    /// mode.
    pub(super) fn covers(&self, owner: Owner, table: TableId, mode: LockMode) -> bool {
        match self.transaction(owner).table_mode(table) {
            Some(LockMode::Exclusive) => true,
            Some(LockMode::Shared | LockMode::SharedIntentExclusive) => {
                matches!(mode, LockMode::Shared | LockMode::RangeSharedShared)
            }
            _ => false,
        }
    }

    /// Whether writes of this transaction lock in the optimized way: each row only while it is
    /// written.
    ///
    /// Source: Microsoft Learn, "Optimized locking": repeatable read and serializable keep their
    /// row locks.
    pub(super) fn is_optimized(&self, owner: Owner) -> bool {
        self.locking == Locking::Optimized
            && !matches!(
                self.transaction(owner).isolation,
                Isolation::RepeatableRead | Isolation::Serializable
            )
    }

    /// Releases every lock of a transaction at its end, and withdraws what it waits for.
    pub(super) fn release_all(&mut self, context: &mut Context<'_>, reference: TransactionRef) {
        let mut granted = std::mem::take(&mut self.granted);
        let gone = self.withdraw_from_gone(reference);
        let count = self.locks.release_all(reference.owner, &mut granted);
        let transaction = self.transaction_mut(reference.owner);
        transaction.tables.clear();
        let ranges = std::mem::take(&mut transaction.locks_ranges);
        let altered = std::mem::take(&mut transaction.altered);
        self.ranging -= u32::from(ranges);
        self.altering -= u32::try_from(altered.len()).unwrap_or(0);
        if count > 0 {
            context.emit(|| Event::LocksReleased { transaction: reference.id, count });
        }
        for owner in gone {
            self.end_wait(context, owner, WaitEnd::Gone);
        }
        self.wake_granted(context, granted);
    }

    /// Withdraws what others wait for on rows that are gone now that this transaction ends: those
    /// that it deleted and commits, and those that it added and rolls back. A lock on a row that is
    /// not there would be in the way of whoever comes next into its slot.
    fn withdraw_from_gone(&mut self, reference: TransactionRef) -> Vec<Owner> {
        let mut gone = Vec::new();
        let Self { transactions, tables, locks, .. } = self;
        let transaction = &transactions[reference.owner.0 as usize];
        if !transaction.leaves_gaps {
            return gone;
        }
        for (table, row) in &transaction.writes {
            let store = tables[table.index()].as_ref();
            if store.is_none_or(|store| store.read(*row, View::Latest).is_none()) {
                locks.withdraw_all(Resource::Row(*table, *row), &mut gone);
            }
        }
        gone
    }

    /// Wakes those whose locks were granted, in the order of the grants.
    pub(super) fn wake_granted(&mut self, context: &mut Context<'_>, mut granted: Vec<Owner>) {
        for owner in granted.drain(..) {
            self.end_wait(context, owner, WaitEnd::Granted);
        }
        self.granted = granted;
    }

    fn end_wait(&mut self, context: &mut Context<'_>, owner: Owner, end: WaitEnd) {
        let transaction = self.transaction_mut(owner);
        let id = transaction.id;
        let Some(wait) = transaction.wait.take() else {
            return;
        };
        let Wait { waiter, resource, mode, since, .. } = wait;
        let waited = context.now.duration_since(since);
        context.emit(|| Event::WaitEnded { transaction: id, resource, end, waited });
        if end == WaitEnd::Granted {
            context.emit(|| Event::LockGranted { transaction: id, resource, mode });
        }
        self.awakened.push(Awakening { waiter, fault: None });
    }

    /// Withdraws what a transaction waits for, since its time is up. The waiter is awake.
    pub fn give_up_waiting(
        &mut self,
        context: &mut Context<'_>,
        reference: TransactionRef,
        end: WaitEnd,
    ) {
        let mut granted = std::mem::take(&mut self.granted);
        self.locks.cancel(reference.owner, &mut granted);
        if let Some(Wait { resource, since, .. }) =
            self.transaction_mut(reference.owner).wait.take()
        {
            let waited = context.now.duration_since(since);
            let transaction = reference.id;
            context.emit(|| Event::WaitEnded { transaction, resource, end, waited });
        }
        self.wake_granted(context, granted);
    }

    /// A lock's resource as traces name it.
    pub(super) fn describe(&self, resource: Resource) -> Option<LockResource> {
        let instance = self.id;
        Some(match resource {
            Resource::Row(table, row) => {
                let row = self.tables[table.index()].as_ref()?.id(row);
                LockResource::Row { instance, table, row }
            }
            Resource::Key { table, index, hash } => {
                LockResource::Key { instance, table, index, hash }
            }
            Resource::End { table, index } => LockResource::End { instance, table, index },
            Resource::Transaction(transaction) => {
                LockResource::Transaction { instance, transaction }
            }
            Resource::Table(table) => LockResource::Table { instance, table },
        })
    }
}
