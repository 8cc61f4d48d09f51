//! Deadlocks: a circle of waits is recorded when it closes, and ended when the monitor would have
//! found it.

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::transaction::TransactionRef;
use crate::engine::lock::{Edge, Owner};
use crate::fault::{Fault, FaultKind};
use crate::trace::{DeadlockEdge, Event, WaitEnd};
use crate::words::{LaneId, Name};

/// How a victim was chosen, in words.
const LOWEST_PRIORITY: &str = "it has the lowest deadlock priority";
const LEAST_WRITTEN: &str = "it has written the least";
const CLOSER: &str = "all have written as much, and its wait closed the circle";

impl Database {
    /// A wait has just begun: if it closes a cycle, the monitor will find it.
    ///
    /// Only a wait that begins can close one: whoever is granted something waits for nothing, and a
    /// conversion that overtakes is in nobody's way who did not wait for its owner before.
    pub(super) fn look_for_cycle(&mut self, context: &mut Context<'_>, closer: Owner) {
        if let Some(edges) = self.locks.cycle(closer) {
            if context.log.is_on() {
                let cycle = edges.iter().filter_map(|edge| self.told(edge)).collect();
                let instance = self.id;
                context.emit(|| Event::DeadlockClosed { instance, cycle });
            }
            self.closers.push(closer);
            if let Some(at) = self.monitor.cycle_closed(context.now) {
                self.search = Some(at);
            }
        }
        self.monitor.wait_began();
    }

    fn told(&self, edge: &Edge) -> Option<DeadlockEdge> {
        self.edge_of(edge.waiter)
    }

    /// The wait of this transaction as one edge of a cycle.
    fn edge_of(&self, waiter: Owner) -> Option<DeadlockEdge> {
        let transaction = self.transaction(waiter);
        let wait = transaction.wait?;
        Some(DeadlockEdge {
            waiter: transaction.id,
            lane: transaction.lane,
            resource: wait.resource,
            mode: wait.mode,
            priority: transaction.priority,
            log_bytes: transaction.log_bytes,
        })
    }

    /// Whether a cycle has closed whose victim has not been chosen yet.
    pub fn has_cycle(&self) -> bool {
        self.closers.iter().any(|closer| self.locks.cycle(*closer).is_some())
    }

    /// The waits of a lane, each with the lanes that it waits for.
    pub fn waits_of(&self, lane: LaneId) -> Vec<(DeadlockEdge, Vec<LaneId>)> {
        let waiting = self.transactions.iter().zip(0..);
        let waiting = waiting.filter(|(it, _)| it.wait.is_some() && it.lane == lane);
        waiting
            .filter_map(|(_, slot)| {
                let blockers = self.locks.blockers(Owner(slot));
                let all = blockers.holders.iter().chain(&blockers.ahead);
                let lanes = all.map(|owner| self.transaction(*owner).lane).collect();
                Some((self.edge_of(Owner(slot))?, lanes))
            })
            .collect()
    }

    /// The deadlock monitor's search: as long as there is a cycle, one of it is chosen as victim
    /// and rolled back.
    pub fn search_deadlocks(&mut self, context: &mut Context<'_>) {
        if !self.monitor.is_due(context.now) {
            return;
        }
        let found = self.kill_victims(context);
        self.monitor.searched(context.now, found);
    }

    /// Ends every cycle that there is. Whether there was one.
    pub(super) fn kill_victims(&mut self, context: &mut Context<'_>) -> bool {
        let mut found = false;
        let mut closers = std::mem::take(&mut self.closers);
        for closer in closers.drain(..) {
            while let Some(cycle) = self.locks.cycle(closer) {
                found = true;
                let (victim, rule) = self.choose_victim(&cycle);
                self.kill(context, victim, rule);
            }
        }
        self.closers = closers;
        found
    }

    /// The victim of a cycle, with the rule that chose it.
    ///
    /// Source: Microsoft Learn, "Deadlocks guide": the lowest priority, then the one that is least
    /// expensive to roll back. Assumed: a tie falls to the transaction whose wait closed the cycle,
    /// where the source says that it is chosen at random.
    fn choose_victim(&self, cycle: &[Edge]) -> (TransactionRef, &'static str) {
        let all = || cycle.iter().map(|edge| self.transaction(edge.waiter));
        let priority = all().map(|it| it.priority).min();
        let lowest = || all().filter(|it| Some(it.priority) == priority);
        let cost = lowest().map(|it| it.log_bytes).min();
        let cheapest = || lowest().filter(|it| Some(it.log_bytes) == cost);
        let rule = match (lowest().count(), cheapest().count()) {
            (1, _) => LOWEST_PRIORITY,
            (_, 1) => LEAST_WRITTEN,
            _ => CLOSER,
        };
        let owners = cycle.iter().map(|edge| edge.waiter).filter(|owner| {
            let it = self.transaction(*owner);
            Some(it.priority) == priority && Some(it.log_bytes) == cost
        });
        let latest = owners.max_by_key(|owner| self.transaction(*owner).wait.map(|it| it.number));
        let owner = latest.unwrap_or(Owner(0));
        (TransactionRef { owner, id: self.transaction(owner).id }, rule)
    }

    /// Rolls a victim back and tells its waiter.
    fn kill(&mut self, context: &mut Context<'_>, victim: TransactionRef, rule: &str) {
        let instance = self.id;
        context.emit(|| Event::VictimChosen {
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
        self.abort(context, victim, &fault, WaitEnd::Victim);
    }
}
