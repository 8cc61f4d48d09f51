//! Transactions of the world: what a database decides, and what that means for fibers.

use crate::engine::database::{Beginning, TransactionRef};
use crate::engine::fiber::{Fiber, FiberId, Frame, Interrupt, State};
use crate::engine::queue::Due;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::Isolation;
use crate::trace::{RollbackReason, WaitEnd};
use crate::words::{InstanceId, LaneId, RequestId};

impl World {
    /// Opens a transaction. An explicit one has a time limit, where the plan sets one.
    pub(super) fn begin(
        &mut self,
        instance: InstanceId,
        lane: LaneId,
        (isolation, priority): (Isolation, i8),
        request: Option<RequestId>,
    ) -> TransactionRef {
        let id = self.number_transaction();
        let (database, mut context) = self.database(instance);
        let beginning = Beginning { id, lane, isolation, priority, request };
        let reference = database.begin(&mut context, beginning);
        if let Some(limit) = self.shared.plan.limits.transaction.filter(|_| request.is_none()) {
            let due = Due::TransactionLimit(instance, reference);
            self.queue.schedule(self.now + limit, due);
        }
        reference
    }

    /// Commits a transaction and releases its locks.
    ///
    /// # Errors
    ///
    /// The transaction was rolled back already, or a fault in it was swallowed: it is rolled back.
    pub(super) fn commit(
        &mut self,
        instance: InstanceId,
        reference: TransactionRef,
    ) -> Result<(), Fault> {
        let jobs = self.shared.plan.jobs;
        let (database, mut context) = self.database(instance);
        let has_jobs = jobs.is_some_and(|jobs| database.has_written(reference, jobs.table));
        let result = database.commit(&mut context, reference);
        match result {
            Ok(()) => {
                self.invalidate_users(instance, reference.id);
                self.commit_jobs(instance, reference.id, has_jobs);
            }
            Err(_) => {
                self.forget_invalidations(reference.id);
                self.forget_jobs(reference.id);
            }
        }
        self.settle(instance);
        result
    }

    /// Rolls a transaction back, unless that was done already, and forgets it.
    pub(super) fn roll_back(
        &mut self,
        instance: InstanceId,
        reference: TransactionRef,
        reason: RollbackReason,
    ) {
        let (database, mut context) = self.database(instance);
        database.roll_back(&mut context, reference, reason);
        self.forget_invalidations(reference.id);
        self.forget_jobs(reference.id);
        self.settle(instance);
    }

    /// The deadlock monitor of an instance searches.
    pub(super) fn search_deadlocks(&mut self, instance: InstanceId) {
        let (database, mut context) = self.database(instance);
        database.search_deadlocks(&mut context);
        self.settle(instance);
    }

    /// A transaction has lasted as long as it may.
    pub(super) fn transaction_time_is_up(
        &mut self,
        instance: InstanceId,
        reference: TransactionRef,
    ) {
        let (database, mut context) = self.database(instance);
        database.expire(&mut context, reference);
        self.settle(instance);
    }

    /// A wait for a lock has lasted as long as its statement, its session, or a plug-in above it
    /// allows.
    pub(super) fn lock_time_is_up(&mut self, fiber: &mut Fiber) {
        let (instance, transaction, lock_deadline) = match fiber.frames.last() {
            Some(Frame::Request(frame)) => (frame.instance, frame.transaction, None),
            Some(Frame::Statement(frame)) => {
                let transaction = frame.caller.by.map(|by| by.transaction);
                (frame.instance, transaction, frame.lock_deadline)
            }
            _ => return,
        };
        self.plug_in_time_is_up(fiber);
        let kind = match fiber.interrupt {
            Some(_) => FaultKind::PlugInTimeout,
            None if lock_deadline.is_some_and(|deadline| deadline <= self.now) => {
                FaultKind::LockTimeout
            }
            None if self.is_of_workflow(fiber) => FaultKind::LockNotObtained,
            None => FaultKind::SqlTimeout,
        };
        if let Some(transaction) = transaction {
            let (database, mut context) = self.database(instance);
            database.give_up_waiting(&mut context, transaction, WaitEnd::TimedOut(kind));
            self.settle(instance);
        }
        if fiber.interrupt.is_none() {
            let fault = match kind {
                FaultKind::LockTimeout => crate::engine::database::lock_timeout(),
                FaultKind::LockNotObtained => lock_not_obtained(),
                _ => sql_timeout(),
            };
            let fault = fault.from_instance(instance);
            fiber.interrupt = Some(Box::new(Interrupt::Fault(fault)));
        }
    }

    /// Lets the fibers go on whose locks a database has granted, or whose waits have failed, and
    /// has its monitor search when it wants to.
    pub(super) fn settle(&mut self, instance: InstanceId) {
        let database = &mut self.databases[instance.index()];
        if let Some(at) = database.take_search() {
            self.queue.schedule(at, Due::Monitor(instance));
        }
        let mut awakened = database.take_awakened();
        for awakening in awakened.drain(..) {
            let id = FiberId(awakening.waiter.0);
            let fiber = &mut self.fibers[id.0 as usize];
            if let Some(fault) = awakening.fault {
                fiber.interrupt = Some(Box::new(Interrupt::Fault(fault)));
            }
            fiber.state = State::Ready;
            fiber.turn = fiber.turn.wrapping_add(1);
            let due = Due::Fiber { fiber: id, turn: fiber.turn };
            self.queue.schedule(self.now, due);
            self.note_stale();
        }
        self.databases[instance.index()].keep_room(awakened);
    }
}

/// The fault of a background workflow whose wait for a lock took too long.
///
/// Source: Microsoft Learn, "Web service error codes", CouldNotObtainLockOnResource; "Best
/// practices for background workflow processes", Limit the number of workflows that update the
/// same table.
fn lock_not_obtained() -> Fault {
    let message = "Database resource lock could not be obtained.";
    Fault::new(FaultKind::LockNotObtained, message)
}

/// The fault of a database command that took too long.
pub(super) fn sql_timeout() -> Fault {
    let message = "Sql error: SQL timeout expired. CRM ErrorCode: -2147204783 Sql ErrorCode: \
                   -2146232060 Sql Number: -2";
    Fault::new(FaultKind::SqlTimeout, message)
}
