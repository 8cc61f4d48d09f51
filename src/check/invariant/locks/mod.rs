//! Locks: who holds what, who waits for what, and that nobody waits for nothing.
//!
//! The watcher keeps its own lock table: for each resource its holders and its queue. Whenever
//! either changes, the *head* of the queue (the first waiter that holds the resource already and
//! asks for more, else the first of all) must either be in conflict with a holder or be woken
//! before time goes on.
//!
//! What a transaction has written stays locked to its end: by the lock on the row; by one on the
//! table, to which the rows' locks have given way; or, with optimized locking, by one on the
//! transaction itself, while the row's is released at once.

mod writes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::check::Moment;
use crate::check::invariant::compatibility::{go_together, may_write};
use crate::check::invariant::order::{State, Transactions};
use crate::check::invariant::{Invariant, Report, told};
use crate::trace::{Entry, Event, LockResource, RowWritten, Trace, WaitEnd};
use crate::words::{LockMode, SimInstant, TransactionId};

/// One resource that is locked or waited for.
#[derive(Default)]
struct Resource {
    held: BTreeMap<TransactionId, LockMode>,
    /// How many hold it in each mode, so that a conflict is found without asking every holder.
    modes: BTreeMap<LockMode, u32>,
    queue: VecDeque<Waiter>,
    /// How many of the queue hold the resource already.
    converters: usize,
}

/// One place in a queue.
struct Waiter {
    transaction: TransactionId,
    mode: LockMode,
    converts: bool,
}

impl Resource {
    /// Whether a transaction could hold the resource in this mode beside the other holders.
    fn admits(&self, transaction: TransactionId, mode: LockMode) -> bool {
        let own = self.held.get(&transaction);
        self.modes.iter().all(|(held, count)| {
            let others = count - u32::from(own == Some(held));
            others == 0 || go_together(mode, *held)
        })
    }

    fn hold(&mut self, transaction: TransactionId, mode: LockMode) {
        self.release(transaction);
        self.held.insert(transaction, mode);
        *self.modes.entry(mode).or_default() += 1;
    }

    fn release(&mut self, transaction: TransactionId) -> bool {
        let Some(mode) = self.held.remove(&transaction) else {
            return false;
        };
        if let Some(count) = self.modes.get_mut(&mode) {
            *count -= 1;
            if *count == 0 {
                self.modes.remove(&mode);
            }
        }
        true
    }

    /// The waiter whose turn it is.
    fn head(&self) -> Option<&Waiter> {
        if self.converters > 0 {
            let converter = self.queue.iter().find(|it| it.converts);
            return converter.or_else(|| self.queue.front());
        }
        self.queue.front()
    }

    fn leave_queue(&mut self, transaction: TransactionId) {
        let place = self.queue.iter().position(|it| it.transaction == transaction);
        if let Some(left) = place.and_then(|place| self.queue.remove(place)) {
            self.converters -= usize::from(left.converts);
        }
    }
}

/// Watches locks.
pub(super) struct Watcher {
    resources: BTreeMap<LockResource, Resource>,
    held_by: BTreeMap<TransactionId, BTreeSet<LockResource>>,
    waiting: BTreeMap<TransactionId, (LockResource, Moment)>,
    /// Waits that were granted, until the grant itself is told.
    granted: BTreeMap<TransactionId, (LockResource, Moment)>,
    /// Heads of queues that nothing blocks, since when.
    stalled: BTreeMap<LockResource, (TransactionId, Moment)>,
    /// Transactions that ended and still hold locks, since when.
    ending: BTreeMap<TransactionId, Moment>,
    /// The rows that each open transaction has written.
    written: BTreeMap<TransactionId, BTreeSet<LockResource>>,
    now: SimInstant,
    /// Whether the trace tells locks at all: a run may leave them out.
    tells_locks: bool,
}

impl Watcher {
    pub(super) fn of(trace: &Trace) -> Self {
        let is_grant = |entry: &Entry| matches!(entry.event, Event::LockGranted { .. });
        Self {
            resources: BTreeMap::new(),
            held_by: BTreeMap::new(),
            waiting: BTreeMap::new(),
            granted: BTreeMap::new(),
            stalled: BTreeMap::new(),
            ending: BTreeMap::new(),
            written: BTreeMap::new(),
            now: SimInstant::START,
            tells_locks: trace.entries.iter().any(is_grant),
        }
    }

    pub(super) fn see(&mut self, entry: &Entry, known: &Transactions, report: &mut Report) {
        let at = Moment::of(entry);
        if self.now < entry.at {
            self.now = entry.at;
            self.settle(report);
        }
        match &entry.event {
            Event::LockGranted { transaction, resource, mode } => {
                self.alive(*transaction, "is granted a lock", known, at, report);
                self.grant(*transaction, *resource, *mode, at, report);
            }
            Event::LockQueued { transaction, resource, mode, holders, ahead } => {
                self.alive(*transaction, "waits for a lock", known, at, report);
                self.blockers(*transaction, *resource, *mode, (holders, ahead), at, report);
                self.queue(*transaction, *resource, *mode, at, report);
            }
            Event::WaitEnded { transaction, resource, end, waited } => {
                self.end_wait(*transaction, *resource, *end, *waited, at, report)
            }
            Event::LockReleased { transaction, resource } => {
                self.early(*transaction, *resource, at, report);
                if let Some(held) = self.held_by.get_mut(transaction) {
                    held.remove(resource);
                }
                self.release(*transaction, *resource, at, report);
            }
            Event::LockWeakened { transaction, resource, mode } => {
                if !may_write(*mode) {
                    self.early(*transaction, *resource, at, report);
                }
                self.weaken(*transaction, *resource, *mode, at, report);
            }
            Event::LocksEscalated { .. } => self.escalate(entry, report),
            Event::LocksReleased { transaction, count } => {
                self.release_all(*transaction, *count, at, report);
            }
            Event::Committed { transaction } | Event::RolledBack { transaction, .. } => {
                self.end(*transaction, at, report);
            }
            Event::RowWritten(RowWritten { transaction, instance, table, row, .. }) => {
                self.alive(*transaction, "writes a row", known, at, report);
                let resource = LockResource::Row { instance: *instance, table: *table, row: *row };
                self.write(*transaction, resource, at, report);
            }
            Event::SchemaAltered { transaction, instance, table } => {
                self.alive(*transaction, "changes a table's definition", known, at, report);
                let table = LockResource::Table { instance: *instance, table: *table };
                self.alter(*transaction, table, at, report);
            }
            Event::DeadlockClosed { cycle, .. } | Event::CrossInstanceWaitClosed { cycle } => {
                for edge in cycle {
                    self.waits(edge.waiter, edge.resource, at, report);
                }
            }
            _ => {}
        }
    }

    /// A transaction has ended: its locks must go now, and it can't be waiting.
    fn end(&mut self, transaction: TransactionId, at: Moment, report: &mut Report) {
        self.written.remove(&transaction);
        if self.held_by.get(&transaction).is_some_and(|it| !it.is_empty()) {
            self.ending.insert(transaction, at);
        }
        if self.waiting.contains_key(&transaction) {
            let text = format!("{} ends while it waits for a lock", told(transaction));
            report.add(Invariant::Waits, at, |_| text);
        }
    }

    /// A transaction acts, so it must be open.
    fn alive(
        &self,
        transaction: TransactionId,
        act: &str,
        known: &Transactions,
        at: Moment,
        report: &mut Report,
    ) {
        let fate = match known.state(transaction) {
            Some(State::Open) => return,
            Some(State::Committed) => "after it was committed",
            Some(State::RolledBack) => "after it was rolled back",
            None => "and never began",
        };
        report.add(Invariant::Transactions, at, |_| format!("{} {act} {fate}", told(transaction)));
    }

    fn grant(
        &mut self,
        transaction: TransactionId,
        on: LockResource,
        mode: LockMode,
        at: Moment,
        report: &mut Report,
    ) {
        if self.granted.get(&transaction).is_some_and(|it| it.0 == on) {
            self.granted.remove(&transaction);
        }
        let resource = self.resources.entry(on).or_default();
        if !resource.admits(transaction, mode) {
            let mut others = resource.held.iter();
            let other = others.find(|(id, held)| **id != transaction && !go_together(mode, **held));
            let other = other.map(|(id, held)| (*id, *held));
            report.add(Invariant::Exclusion, at, |names| {
                let place = names.resource(&on);
                let other = other.map_or_else(String::new, |(id, held)| {
                    format!(" beside {} in mode {}", told(id), held.word())
                });
                let (holder, mode) = (told(transaction), mode.word());
                format!("{holder} holds {place} in mode {mode}{other}")
            });
        }
        resource.hold(transaction, mode);
        self.held_by.entry(transaction).or_default().insert(on);
        self.look_at_head(on, at);
    }

    /// Those of whom a wait says that they are in its way must be.
    fn blockers(
        &self,
        transaction: TransactionId,
        on: LockResource,
        mode: LockMode,
        (holders, ahead): (&[TransactionId], &[TransactionId]),
        at: Moment,
        report: &mut Report,
    ) {
        let resource = self.resources.get(&on);
        if holders.is_empty() && ahead.is_empty() {
            report.add(Invariant::Waits, at, |names| {
                let (waiter, place) = (told(transaction), names.resource(&on));
                format!("{waiter} waits for {place}, and nobody is in its way")
            });
        }
        for holder in holders {
            let held = resource.and_then(|it| it.held.get(holder));
            if !held.is_some_and(|held| *holder != transaction && !go_together(mode, *held)) {
                report.add(Invariant::Waits, at, |names| {
                    let (waiter, holder) = (told(transaction), told(*holder));
                    let place = names.resource(&on);
                    format!("{waiter} waits for {place} behind {holder}, which is not in its way")
                });
            }
        }
        for other in ahead {
            let mut queue = resource.into_iter().flat_map(|it| &it.queue);
            let other_mode = queue.find(|it| it.transaction == *other).map(|it| it.mode);
            if other_mode.is_none_or(|other| go_together(mode, other)) {
                report.add(Invariant::Waits, at, |names| {
                    let (waiter, other) = (told(transaction), told(*other));
                    let place = names.resource(&on);
                    format!("{waiter} waits for {place} after {other}, which is not in its way")
                });
            }
        }
    }

    fn queue(
        &mut self,
        transaction: TransactionId,
        on: LockResource,
        mode: LockMode,
        at: Moment,
        report: &mut Report,
    ) {
        if self.waiting.insert(transaction, (on, at)).is_some() {
            report.add(Invariant::Waits, at, |_| {
                format!("{} waits for two locks at once", told(transaction))
            });
        }
        let resource = self.resources.entry(on).or_default();
        let converts = resource.held.contains_key(&transaction);
        resource.converters += usize::from(converts);
        resource.queue.push_back(Waiter { transaction, mode, converts });
    }

    fn end_wait(
        &mut self,
        transaction: TransactionId,
        on: LockResource,
        end: WaitEnd,
        waited: Duration,
        at: Moment,
        report: &mut Report,
    ) {
        match self.waiting.remove(&transaction) {
            Some((resource, since)) if resource == on => {
                let lasted = at.at.duration_since(since.at);
                if lasted != waited {
                    report.add(Invariant::Waits, at, |_| {
                        let waiter = told(transaction);
                        format!("{waiter} waited {lasted:?}, and the trace says {waited:?}")
                    });
                }
            }
            _ => report.add(Invariant::Waits, at, |names| {
                let (waiter, place) = (told(transaction), names.resource(&on));
                format!("{waiter} ends a wait for {place} in which it is not")
            }),
        }
        if let Some(resource) = self.resources.get_mut(&on) {
            resource.leave_queue(transaction);
        }
        if end == WaitEnd::Granted {
            self.granted.insert(transaction, (on, at));
        } else {
            self.look_at_head(on, at);
        }
    }

    fn release(
        &mut self,
        transaction: TransactionId,
        on: LockResource,
        at: Moment,
        report: &mut Report,
    ) {
        let resource = self.resources.entry(on).or_default();
        if !resource.release(transaction) {
            report.add(Invariant::LockLife, at, |names| {
                let (holder, place) = (told(transaction), names.resource(&on));
                format!("{holder} releases {place}, which it does not hold")
            });
        }
        if resource.held.is_empty() && resource.queue.is_empty() {
            self.resources.remove(&on);
        }
        self.look_at_head(on, at);
    }

    fn release_all(
        &mut self,
        transaction: TransactionId,
        count: u32,
        at: Moment,
        report: &mut Report,
    ) {
        self.ending.remove(&transaction);
        let held = self.held_by.remove(&transaction).unwrap_or_default();
        if held.len() as u64 != u64::from(count) {
            report.add(Invariant::LockLife, at, |_| {
                let holder = told(transaction);
                format!("{holder} holds {} locks and releases {count}", held.len())
            });
        }
        for resource in held {
            self.release(transaction, resource, at, report);
        }
    }

    /// Notes whether the head of a queue waits for nothing.
    fn look_at_head(&mut self, on: LockResource, at: Moment) {
        let resource = self.resources.get(&on);
        let free = resource.and_then(|resource| {
            let head = resource.head()?;
            let free = resource.admits(head.transaction, head.mode);
            free.then_some(head.transaction)
        });
        match free {
            Some(head) if self.stalled.get(&on).is_none_or(|it| it.0 != head) => {
                self.stalled.insert(on, (head, at));
            }
            Some(_) => {}
            None => {
                self.stalled.remove(&on);
            }
        }
    }

    /// Time goes on: what had to happen at the instant before must have happened.
    fn settle(&mut self, report: &mut Report) {
        for (resource, (waiter, at)) in std::mem::take(&mut self.stalled) {
            report.add(Invariant::WakeUp, at, |names| {
                let (waiter, place) = (told(waiter), names.resource(&resource));
                format!("{waiter} is not woken though nothing keeps it from {place} any more")
            });
        }
        for (waiter, (resource, at)) in std::mem::take(&mut self.granted) {
            report.add(Invariant::Waits, at, |names| {
                let (waiter, place) = (told(waiter), names.resource(&resource));
                format!("{waiter}'s wait for {place} ended as granted, and it was not granted")
            });
        }
        for (holder, at) in std::mem::take(&mut self.ending) {
            report.add(Invariant::LockLife, at, |_| {
                format!("{} has ended and still holds locks", told(holder))
            });
        }
    }

    pub(super) fn finish(&mut self, report: &mut Report) {
        self.settle(report);
    }

    pub(super) fn finish_waits(&self, report: &mut Report) {
        for (waiter, (resource, at)) in &self.waiting {
            report.add(Invariant::Waits, *at, |names| {
                let (waiter, place) = (told(*waiter), names.resource(resource));
                format!("{waiter}'s wait for {place} does not end")
            });
        }
    }
}
