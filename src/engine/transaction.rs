//! Transactions and their locks: begin, commit, roll back, wait, wake.
//!
//! Every lock is held to the end of its transaction, at every isolation level. (A statement may
//! take one only to wait for another transaction's end; that one it gives back.)
//! Source: Microsoft Learn, "Database transactions" (Scalable Customization Design): locks live
//! exactly as long as their transaction.

use crate::engine::fiber::{Fiber, FiberId, Interrupt, State, TransactionRef};
use crate::engine::instance::{TransactionState, Wait};
use crate::engine::lock::{Decision, Owner, Resource};
use crate::engine::queue::Due;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::Isolation;
use crate::trace::{DeadlockEdge, Event, RollbackReason, WaitEnd};
use crate::words::{InstanceId, LaneId, LockMode, Name, RequestId, TransactionId};

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// The transaction holds it.
    Held,
    /// The fiber has to wait for it.
    Waiting,
}

impl World {
    /// Opens a transaction.
    pub(super) fn begin(
        &mut self,
        instance: InstanceId,
        lane: LaneId,
        isolation: Isolation,
        request: Option<RequestId>,
    ) -> TransactionRef {
        let id = TransactionId(self.next_transaction);
        self.next_transaction += 1;
        let reference = self.instances[instance.index()].open(id, lane, isolation);
        self.log.emit(self.now, || Event::TransactionBegan {
            lane,
            transaction: id,
            instance,
            isolation,
            request,
        });
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
        if let Some(fault) = self.swallowed(instance, reference) {
            self.roll_back(instance, reference, RollbackReason::Fault(fault.clone()));
            return Err(fault);
        }
        let state = &mut self.instances[instance.index()];
        let writes = std::mem::take(&mut state.transaction_mut(reference.owner).writes);
        if !writes.is_empty() {
            state.stamp += 1;
            let stamp = state.stamp;
            for (table, row) in &writes {
                if let Some(store) = &mut state.tables[table.index()] {
                    store.commit(reference.id, *row, stamp, stamp);
                }
            }
        }
        state.transaction_mut(reference.owner).writes = writes;
        self.log.emit(self.now, || Event::Committed { transaction: reference.id });
        self.release_all(instance, reference);
        self.instances[instance.index()].close(reference);
        Ok(())
    }

    /// The fault with which a transaction must end because one in it was swallowed.
    ///
    /// Source: Microsoft Learn, "Troubleshoot Dataverse plug-ins": plug-ins should not catch
    /// exceptions from service calls and continue; "Troubleshoot bulk operation errors" for the
    /// swallowed deadlock.
    pub(super) fn swallowed(
        &self,
        instance: InstanceId,
        reference: TransactionRef,
    ) -> Option<Fault> {
        let (kind, message) = match self.instances[instance.index()].state_of(reference) {
            TransactionState::Active => return None,
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
        Some(Fault::new(kind, message).from_instance(instance))
    }

    /// Notes that a request in a transaction ended in a fault: the transaction can't be saved.
    pub(super) fn doom(&mut self, instance: InstanceId, reference: TransactionRef, fault: &Fault) {
        let state = &mut self.instances[instance.index()];
        if state.state_of(reference) == TransactionState::Active {
            state.transaction_mut(reference.owner).state = TransactionState::Doomed(fault.kind);
        }
    }

    /// Rolls a transaction back, unless that was done already, and forgets it.
    pub(super) fn roll_back(
        &mut self,
        instance: InstanceId,
        reference: TransactionRef,
        reason: RollbackReason,
    ) {
        match self.instances[instance.index()].state_of(reference) {
            TransactionState::Active | TransactionState::Doomed(_) => {
                self.undo(instance, reference, reason);
            }
            TransactionState::RolledBack(_) => {}
            TransactionState::Free => return,
        }
        self.instances[instance.index()].close(reference);
    }

    /// Restores every row that the transaction wrote, the latest first, and releases its locks.
    fn undo(&mut self, instance: InstanceId, reference: TransactionRef, reason: RollbackReason) {
        if let Some(wait) = self.instances[instance.index()].transaction(reference.owner).wait {
            // Its owner ends it while a request in it still waits: a client that gave up.
            self.give_up_waiting(instance, reference, WaitEnd::TimedOut(FaultKind::ClientTimeout));
            let fault =
                Fault::new(FaultKind::TransactionAborted, "The transaction was rolled back.");
            self.interrupt(wait.fiber, fault.from_instance(instance));
        }
        self.log.emit(self.now, || Event::RolledBack { transaction: reference.id, reason });
        let state = &mut self.instances[instance.index()];
        let writes = std::mem::take(&mut state.transaction_mut(reference.owner).writes);
        for (table, row) in writes.into_iter().rev() {
            let Some(store) = &mut state.tables[table.index()] else {
                continue;
            };
            let id = store.id(row);
            let restored = store.rollback(reference.id, row);
            self.log.emit(self.now, || Event::RowRestored {
                transaction: reference.id,
                instance,
                table,
                row: id,
                row_version: restored.unwrap_or(0),
            });
        }
        self.release_all(instance, reference);
    }

    /// Asks for a lock on behalf of a fiber, which must wait if the answer says so.
    pub(super) fn lock(
        &mut self,
        fiber: FiberId,
        instance: InstanceId,
        reference: TransactionRef,
        resource: Resource,
        mode: LockMode,
    ) -> Locking {
        let state = &mut self.instances[instance.index()];
        match state.locks.request(reference.owner, resource, mode) {
            Decision::Held => return Locking::Held,
            Decision::Granted => {
                if self.log.is_on()
                    && let Some(named) = state.describe(resource)
                {
                    let mode = state.locks.mode_of(reference.owner, resource).unwrap_or(mode);
                    self.log.emit(self.now, || Event::LockGranted {
                        transaction: reference.id,
                        resource: named,
                        mode,
                    });
                }
                return Locking::Held;
            }
            Decision::Queued => {}
        }
        if let Some(named) = state.describe(resource) {
            state.transaction_mut(reference.owner).wait = Some(Wait {
                fiber,
                resource: named,
                mode,
                since: self.now,
                number: self.next_wait,
            });
            self.next_wait += 1;
            if self.log.is_on() {
                let blockers = state.locks.blockers(reference.owner);
                let ids = |owners: &[Owner]| -> Vec<TransactionId> {
                    owners.iter().map(|owner| state.transaction(*owner).id).collect()
                };
                let (holders, ahead) = (ids(&blockers.holders), ids(&blockers.ahead));
                self.log.emit(self.now, || Event::LockQueued {
                    transaction: reference.id,
                    resource: named,
                    mode,
                    holders,
                    ahead,
                });
            }
        }
        self.look_for_cycle(instance, reference.owner);
        Locking::Waiting
    }

    /// Gives one lock back before the end of the transaction.
    pub(super) fn release(
        &mut self,
        instance: InstanceId,
        reference: TransactionRef,
        resource: Resource,
    ) {
        let mut granted = std::mem::take(&mut self.granted);
        let state = &mut self.instances[instance.index()];
        if state.locks.release(reference.owner, resource, &mut granted)
            && self.log.is_on()
            && let Some(named) = state.describe(resource)
        {
            self.log.emit(self.now, || Event::LockReleased {
                transaction: reference.id,
                resource: named,
            });
        }
        self.wake_granted(instance, granted);
    }

    /// Releases every lock of a transaction at its end, and withdraws what it waits for.
    fn release_all(&mut self, instance: InstanceId, reference: TransactionRef) {
        let mut granted = std::mem::take(&mut self.granted);
        let state = &mut self.instances[instance.index()];
        let count = state.locks.release_all(reference.owner, &mut granted);
        if count > 0 {
            self.log.emit(self.now, || Event::LocksReleased { transaction: reference.id, count });
        }
        self.wake_granted(instance, granted);
    }

    /// Wakes the fibers whose locks were granted, in the order of the grants.
    fn wake_granted(&mut self, instance: InstanceId, mut granted: Vec<Owner>) {
        for owner in granted.drain(..) {
            self.end_wait(instance, owner, WaitEnd::Granted);
        }
        self.granted = granted;
    }

    /// Ends a transaction's wait and makes its fiber ready.
    fn end_wait(&mut self, instance: InstanceId, owner: Owner, end: WaitEnd) {
        let now = self.now;
        let transaction = self.instances[instance.index()].transaction_mut(owner);
        let Some(wait) = transaction.wait.take() else {
            return;
        };
        let id = transaction.id;
        self.log.emit(now, || Event::WaitEnded {
            transaction: id,
            resource: wait.resource,
            end,
            waited: now.duration_since(wait.since),
        });
        if end == WaitEnd::Granted {
            self.log.emit(now, || Event::LockGranted {
                transaction: id,
                resource: wait.resource,
                mode: wait.mode,
            });
        }
        self.make_ready(wait.fiber);
    }

    /// Withdraws what a transaction waits for, since its time is up. The fiber is awake.
    pub(super) fn give_up_waiting(
        &mut self,
        instance: InstanceId,
        reference: TransactionRef,
        end: WaitEnd,
    ) {
        let mut granted = std::mem::take(&mut self.granted);
        let now = self.now;
        let state = &mut self.instances[instance.index()];
        state.locks.cancel(reference.owner, &mut granted);
        if let Some(wait) = state.transaction_mut(reference.owner).wait.take() {
            self.log.emit(now, || Event::WaitEnded {
                transaction: reference.id,
                resource: wait.resource,
                end,
                waited: now.duration_since(wait.since),
            });
        }
        self.wake_granted(instance, granted);
    }

    /// A wait has just begun: if it closes a cycle, the monitor will find it.
    fn look_for_cycle(&mut self, instance: InstanceId, closer: Owner) {
        let now = self.now;
        let state = &mut self.instances[instance.index()];
        let cycle = state.locks.cycle(closer);
        if let Some(edges) = &cycle {
            let cycle: Vec<_> = edges
                .iter()
                .filter_map(|edge| {
                    let transaction = state.transaction(edge.waiter);
                    Some(DeadlockEdge {
                        waiter: transaction.id,
                        lane: transaction.lane,
                        resource: transaction.wait?.resource,
                        mode: edge.mode,
                        priority: 0,
                        log_bytes: transaction.log_bytes,
                    })
                })
                .collect();
            self.log.emit(now, || Event::DeadlockClosed { instance, cycle });
            if let Some(at) = state.monitor.cycle_closed(now) {
                self.queue.schedule(at, Due::Monitor(instance));
            }
        }
        state.monitor.wait_began();
    }

    /// The deadlock monitor's search: as long as there is a cycle, one of it is chosen as victim
    /// and rolled back.
    pub(super) fn search_deadlocks(&mut self, instance: InstanceId) {
        if !self.instances[instance.index()].monitor.is_due(self.now) {
            return;
        }
        let mut found = false;
        while let Some((victim, rule)) = self.choose_victim(instance) {
            found = true;
            self.kill_victim(instance, victim, rule);
        }
        self.instances[instance.index()].monitor.searched(self.now, found);
    }

    /// The victim of the first cycle that there is, with the rule that chose it.
    ///
    /// Source: Microsoft Learn, "Deadlocks guide": the one that is least expensive to roll back.
    /// Assumed: a tie falls to the transaction whose wait closed the cycle, where the source says
    /// that it is chosen at random.
    fn choose_victim(&self, instance: InstanceId) -> Option<(TransactionRef, &'static str)> {
        let state = &self.instances[instance.index()];
        let waiting = state.transactions.iter().enumerate().filter(|(_, t)| t.wait.is_some());
        let mut owners: Vec<_> =
            waiting.map(|(slot, t)| (t.id, Owner(u32::try_from(slot).unwrap_or(0)))).collect();
        owners.sort_unstable();
        let cycle = owners.iter().find_map(|(_, owner)| state.locks.cycle(*owner))?;
        let cost = |owner: Owner| state.transaction(owner).log_bytes;
        let least = cycle.iter().map(|edge| cost(edge.waiter)).min()?;
        let mut cheapest: Vec<Owner> =
            cycle.iter().map(|edge| edge.waiter).filter(|owner| cost(*owner) == least).collect();
        let rule = if cheapest.len() == 1 {
            "it has written the least"
        } else {
            "all have written as much, and its wait closed the circle"
        };
        cheapest
            .sort_unstable_by_key(|owner| state.transaction(*owner).wait.map(|wait| wait.number));
        let owner = *cheapest.last()?;
        Some((TransactionRef { owner, id: state.transaction(owner).id }, rule))
    }

    /// Rolls a victim back and tells its fiber.
    fn kill_victim(&mut self, instance: InstanceId, victim: TransactionRef, rule: &str) {
        self.log.emit(self.now, || Event::VictimChosen {
            instance,
            victim: victim.id,
            rule: Name::from(rule),
        });
        let fault = Fault::new(
            FaultKind::DeadlockVictim,
            "Sql error: Generic SQL error. CRM ErrorCode: -2147204784 Sql ErrorCode: -2146232060 \
             Sql Number: 1205",
        )
        .from_instance(instance);
        let wait = self.instances[instance.index()].transaction(victim.owner).wait;
        self.give_up_waiting(instance, victim, WaitEnd::Victim);
        self.undo(instance, victim, RollbackReason::Fault(fault.clone()));
        let transaction = self.instances[instance.index()].transaction_mut(victim.owner);
        transaction.state = TransactionState::RolledBack(fault.kind);
        if let Some(wait) = wait {
            self.interrupt(wait.fiber, fault);
        }
    }

    /// Tells a waiting fiber that what it waits for has failed.
    fn interrupt(&mut self, fiber: FiberId, fault: Fault) {
        self.fibers[fiber.0 as usize].interrupt = Some(Box::new(Interrupt::Fault(fault)));
        self.make_ready(fiber);
    }

    /// Makes a waiting fiber due now, after everything that is due now already.
    fn make_ready(&mut self, id: FiberId) {
        let fiber: &mut Fiber = &mut self.fibers[id.0 as usize];
        fiber.state = State::Ready;
        fiber.turn = fiber.turn.wrapping_add(1);
        self.queue.schedule(self.now, Due::Fiber { fiber: id, turn: fiber.turn });
        self.note_stale();
    }
}
