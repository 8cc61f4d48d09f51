//! Who held what and who waited for what, as spans of time: what every picture of locks is drawn
//! from.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::Isolation;
use crate::trace::{DeadlockEdge, Event, LockResource, Trace};
use crate::words::{InstanceId, LaneId, LockMode, Name, SimInstant, TransactionId};

/// A transaction, as far as its locks need it.
#[derive(Clone, Debug)]
pub(in crate::report) struct Holder {
    pub lane: LaneId,
    pub isolation: Isolation,
    pub began: SimInstant,
}

/// One stretch of time in which a transaction holds a lock in one mode, or waits for it.
#[derive(Clone, Debug)]
pub(in crate::report) struct LockSpan {
    pub transaction: TransactionId,
    pub resource: LockResource,
    pub mode: LockMode,
    pub from: SimInstant,
    /// Its end, or that of the run.
    pub to: SimInstant,
    /// The numbers of the events with which it begins and ends.
    pub events: (u32, u32),
    /// Empty for a lock that is held; for a wait, who is in the way: holders first, oldest first,
    /// then those ahead in the queue.
    pub behind: Vec<TransactionId>,
    pub is_wait: bool,
}

/// A circle of waits that closed in one instance.
#[derive(Clone, Debug)]
pub(in crate::report) struct Deadlock {
    pub instance: InstanceId,
    pub cycle: Vec<DeadlockEdge>,
    pub closed: SimInstant,
    /// The number of the event that closed it.
    pub event: u32,
    /// When the monitor came by, whom it chose, and why; `None` where something else ended it.
    pub victim: Option<(SimInstant, TransactionId, Name)>,
}

/// Everything about the locks of one run.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Locking {
    /// The names of the lanes.
    pub lanes: BTreeMap<LaneId, Name>,
    pub transactions: BTreeMap<TransactionId, Holder>,
    /// In the order in which they begin.
    pub spans: Vec<LockSpan>,
    pub deadlocks: Vec<Deadlock>,
    /// What somebody waited for.
    pub contended: BTreeSet<LockResource>,
}

impl Locking {
    /// The locks of this run.
    pub fn of(trace: &Trace) -> Self {
        let mut fold = Fold::default();
        for entry in &trace.entries {
            (fold.now, fold.event) = (entry.at, entry.sequence);
            fold.tell(&entry.event);
        }
        for at in fold.held.into_values().chain(fold.waits.into_values()) {
            fold.locking.spans[at].to = fold.now;
            fold.locking.spans[at].events.1 = fold.event;
        }
        fold.locking
    }

    /// What to call a transaction: its lane, by its number where the lane is not told.
    pub fn party(&self, transaction: TransactionId) -> String {
        let lane = self.transactions.get(&transaction).map(|it| it.lane);
        let name = lane.and_then(|it| self.lanes.get(&it));
        name.map_or_else(|| format!("transaction {}", transaction.0), ToString::to_string)
    }

    /// The parties in the way of a wait, in words.
    pub fn parties(&self, transactions: &[TransactionId]) -> String {
        let mut names: Vec<_> = transactions.iter().map(|it| self.party(*it)).collect();
        names.dedup();
        names.join(", ")
    }

    /// The span in which a transaction holds the resource at an instant.
    pub fn held_at(
        &self,
        transaction: TransactionId,
        resource: LockResource,
        at: SimInstant,
    ) -> Option<&LockSpan> {
        let mut held = self.spans.iter().filter(|it| !it.is_wait && it.resource == resource);
        held.find(|it| it.transaction == transaction && it.from <= at && at <= it.to)
    }
}

#[derive(Default)]
struct Fold {
    locking: Locking,
    now: SimInstant,
    event: u32,
    /// The spans that have not ended, by their positions.
    held: BTreeMap<(TransactionId, LockResource), usize>,
    waits: BTreeMap<(TransactionId, LockResource), usize>,
}

impl Fold {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::LaneBegan { lane, name, .. } => {
                self.locking.lanes.insert(*lane, name.clone());
            }
            Event::TransactionBegan { lane, transaction, isolation, .. } => {
                let holder = Holder { lane: *lane, isolation: *isolation, began: self.now };
                self.locking.transactions.insert(*transaction, holder);
            }
            Event::LockGranted { transaction, resource, mode }
            | Event::LockWeakened { transaction, resource, mode } => {
                self.hold(*transaction, *resource, *mode);
            }
            Event::LockQueued { transaction, resource, mode, holders, ahead } => {
                self.locking.contended.insert(*resource);
                let behind = holders.iter().chain(ahead).copied().collect();
                let at = self.span(*transaction, *resource, *mode, behind, true);
                self.waits.insert((*transaction, *resource), at);
            }
            Event::WaitEnded { transaction, resource, .. } => {
                if let Some(at) = self.waits.remove(&(*transaction, *resource)) {
                    self.end(at);
                }
            }
            Event::LockReleased { transaction, resource } => {
                self.release(|holder, held| holder == *transaction && held == *resource);
            }
            Event::LocksReleased { transaction, .. } => {
                self.release(|holder, _| holder == *transaction);
            }
            Event::LocksEscalated { transaction, instance, table, .. } => {
                let inside = |held| match held {
                    LockResource::Row { instance: at, table: of, .. }
                    | LockResource::Key { instance: at, table: of, .. }
                    | LockResource::End { instance: at, table: of, .. } => {
                        at == *instance && of == *table
                    }
                    LockResource::Table { .. } | LockResource::Transaction { .. } => false,
                };
                self.release(|holder, held| holder == *transaction && inside(held));
            }
            Event::DeadlockClosed { instance, cycle } => {
                let (instance, cycle) = (*instance, cycle.clone());
                let (closed, event) = (self.now, self.event);
                let deadlock = Deadlock { instance, cycle, closed, event, victim: None };
                self.locking.deadlocks.push(deadlock);
            }
            Event::VictimChosen { victim, rule, .. } => self.victim(*victim, rule),
            _ => {}
        }
    }

    fn hold(&mut self, transaction: TransactionId, resource: LockResource, mode: LockMode) {
        if let Some(&at) = self.held.get(&(transaction, resource)) {
            if self.locking.spans[at].mode == mode {
                return;
            }
            self.end(at);
        }
        let at = self.span(transaction, resource, mode, Vec::new(), false);
        self.held.insert((transaction, resource), at);
    }

    fn span(
        &mut self,
        transaction: TransactionId,
        resource: LockResource,
        mode: LockMode,
        behind: Vec<TransactionId>,
        is_wait: bool,
    ) -> usize {
        let (from, to, events) = (self.now, self.now, (self.event, self.event));
        let span = LockSpan { transaction, resource, mode, from, to, events, behind, is_wait };
        self.locking.spans.push(span);
        self.locking.spans.len() - 1
    }

    /// Ends the span at this position now.
    fn end(&mut self, at: usize) {
        self.locking.spans[at].to = self.now;
        self.locking.spans[at].events.1 = self.event;
    }

    fn release(&mut self, is_released: impl Fn(TransactionId, LockResource) -> bool) {
        let (now, event, spans) = (self.now, self.event, &mut self.locking.spans);
        self.held.retain(|&(transaction, resource), &mut at| {
            let released = is_released(transaction, resource);
            if released {
                (spans[at].to, spans[at].events.1) = (now, event);
            }
            !released
        });
    }

    fn victim(&mut self, victim: TransactionId, rule: &Name) {
        let is_in = |it: &&mut Deadlock| {
            it.victim.is_none() && it.cycle.iter().any(|edge| edge.waiter == victim)
        };
        if let Some(deadlock) = self.locking.deadlocks.iter_mut().find(is_in) {
            deadlock.victim = Some((self.now, victim, rule.clone()));
        }
    }
}
