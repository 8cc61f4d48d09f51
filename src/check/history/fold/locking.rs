//! Waits for locks, who ends them, and the circles that they close.

use crate::check::Moment;
use crate::check::history::fold::Fold;
use crate::check::history::{CrossInstanceWait, Deadlock, Escalation, Wait};
use crate::trace::{Entry, Event, WaitEnd};

impl<'t> Fold<'t> {
    pub(super) fn locks(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::LockQueued { transaction, resource, mode, holders, ahead } => {
                let known = self.history.transactions.get(transaction);
                let lane = known.map(|it| it.lane);
                let position = self.history.waits.len();
                self.waiting.insert(*transaction, position);
                if let Some(step) = lane.and_then(|it| self.steps.get(&it)) {
                    self.history.steps[*step].waits.push(position);
                }
                self.history.waits.push(Wait {
                    transaction: *transaction,
                    lane,
                    resource: *resource,
                    mode: *mode,
                    holders,
                    ahead,
                    queued: at,
                    ended: None,
                    freed: None,
                    waited: std::time::Duration::ZERO,
                });
            }
            Event::WaitEnded { transaction, end, waited, .. } => {
                let granted = matches!(end, WaitEnd::Granted | WaitEnd::Gone);
                if let Some(position) = self.waiting.remove(transaction) {
                    let wait = &mut self.history.waits[position];
                    wait.ended = Some((at, *end));
                    wait.freed = self.made_way.filter(|_| granted);
                    wait.waited = *waited;
                }
                if !granted {
                    self.made_way = Some((at, *transaction));
                }
            }
            Event::LockReleased { transaction, .. }
            | Event::LocksReleased { transaction, .. }
            | Event::LockWeakened { transaction, .. } => {
                self.made_way = Some((at, *transaction));
            }
            Event::LocksEscalated { transaction, instance, table, mode, released } => {
                self.made_way = Some((at, *transaction));
                self.history.escalations.push(Escalation {
                    at,
                    transaction: *transaction,
                    instance: *instance,
                    table: *table,
                    mode: *mode,
                    released: *released,
                });
            }
            _ => {}
        }
    }

    pub(super) fn cycles(&mut self, entry: &'t Entry) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::DeadlockClosed { instance, cycle } => {
                self.cycles.push((*instance, at, cycle));
            }
            Event::CrossInstanceWaitClosed { cycle } => {
                let closed = CrossInstanceWait { closed: at, cycle };
                self.history.cross_instance_waits.push(closed);
            }
            Event::VictimChosen { instance, victim, rule } => {
                let cycle = self.cycles.iter().position(|(place, _, cycle)| {
                    place == instance && cycle.iter().any(|edge| edge.waiter == *victim)
                });
                let closed = cycle.map(|position| self.cycles.remove(position));
                self.history.deadlocks.push(Deadlock {
                    instance: *instance,
                    chosen: at,
                    victim: *victim,
                    rule,
                    closed: closed.map(|(_, at, cycle)| (at, cycle)),
                });
            }
            _ => {}
        }
    }
}
