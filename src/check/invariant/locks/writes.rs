//! What locks are for: writes under them, and how they end before their transaction does.

use crate::check::Moment;
use crate::check::invariant::compatibility::{is_weaker, may_write, stands_for};
use crate::check::invariant::locks::Watcher;
use crate::check::invariant::{Invariant, Report, told};
use crate::trace::{Entry, Event, LockResource};
use crate::words::{LockMode, TransactionId};

impl Watcher {
    fn mode_of(&self, holder: TransactionId, on: LockResource) -> Option<LockMode> {
        self.resources.get(&on).and_then(|it| it.held.get(&holder)).copied()
    }

    /// Whether the table of a row is held in a mode that stands for a write of the row.
    fn is_covered(&self, holder: TransactionId, row: LockResource) -> bool {
        let LockResource::Row { instance, table, .. } = row else {
            return false;
        };
        let table = self.mode_of(holder, LockResource::Table { instance, table });
        table.is_some_and(|mode| stands_for(mode, LockMode::Exclusive))
    }

    /// A row is written.
    pub(super) fn write(
        &mut self,
        writer: TransactionId,
        row: LockResource,
        at: Moment,
        report: &mut Report,
    ) {
        let held = self.mode_of(writer, row).is_some_and(may_write);
        if self.tells_locks && !held && !self.is_covered(writer, row) {
            report.add(Invariant::WriteUnderLock, at, |names| {
                let (writer, place) = (told(writer), names.resource(&row));
                format!("{writer} writes {place} without an exclusive lock on it")
            });
        }
        self.written.entry(writer).or_default().insert(row);
    }

    /// A table's definition is changed.
    pub(super) fn alter(
        &self,
        writer: TransactionId,
        table: LockResource,
        at: Moment,
        report: &mut Report,
    ) {
        if self.mode_of(writer, table) != Some(LockMode::SchemaModification) {
            report.add(Invariant::WriteUnderLock, at, |names| {
                let (writer, place) = (told(writer), names.resource(&table));
                format!("{writer} changes the definition of {place} without its lock")
            });
        }
    }

    /// An open transaction gives up the right to write a resource. It may not, where it has written
    /// it, unless something else keeps the others away.
    pub(super) fn early(
        &self,
        holder: TransactionId,
        on: LockResource,
        at: Moment,
        report: &mut Report,
    ) {
        let written = self.written.get(&holder).is_some_and(|it| it.contains(&on));
        let own = LockResource::Transaction { instance: on.instance(), transaction: holder };
        let optimized = self.mode_of(holder, own) == Some(LockMode::Exclusive);
        if written && !optimized && !self.is_covered(holder, on) {
            report.add(Invariant::LockLife, at, |names| {
                let (holder, place) = (told(holder), names.resource(&on));
                format!("{holder} gives up {place} before its end, and has written it")
            });
        }
    }

    /// A lock goes back to a weaker mode.
    pub(super) fn weaken(
        &mut self,
        holder: TransactionId,
        on: LockResource,
        mode: LockMode,
        at: Moment,
        report: &mut Report,
    ) {
        let held = self.mode_of(holder, on);
        if !held.is_some_and(|held| is_weaker(mode, held)) {
            report.add(Invariant::LockLife, at, |names| {
                let (holder, place, mode) = (told(holder), names.resource(&on), mode.word());
                match held {
                    None => format!("{holder} goes back to {mode} on {place}, and holds no lock"),
                    Some(held) => {
                        let held = held.word();
                        format!(
                            "{holder} goes back from {held} to {mode} on {place}: no weaker mode"
                        )
                    }
                }
            });
        }
        if held.is_some() {
            self.resources.entry(on).or_default().hold(holder, mode);
        }
        self.look_at_head(on, at);
    }

    /// Locks on the rows and entries of a table give way to one on the table.
    pub(super) fn escalate(&mut self, entry: &Entry, report: &mut Report) {
        let Event::LocksEscalated { transaction, instance, table, mode, released } = &entry.event
        else {
            return;
        };
        let (at, holder) = (Moment::of(entry), *transaction);
        let place = LockResource::Table { instance: *instance, table: *table };
        let mut broken = Vec::new();
        if self.mode_of(holder, place) != Some(*mode) {
            broken.push(format!("does not hold the table in mode {}", mode.word()));
        }
        let held = self.held_by.entry(holder).or_default();
        let is_part = |it: &LockResource| match *it {
            LockResource::Row { instance: i, table: t, .. }
            | LockResource::Key { instance: i, table: t, .. }
            | LockResource::End { instance: i, table: t, .. } => (i, t) == (*instance, *table),
            LockResource::Table { .. } | LockResource::Transaction { .. } => false,
        };
        let parts: Vec<LockResource> = held.iter().copied().filter(is_part).collect();
        held.retain(|it| !is_part(it));
        if parts.len() as u64 != u64::from(*released) {
            broken.push(format!("releases {released} locks and holds {}", parts.len()));
        }
        let lost = parts.iter().find(|part| {
            let held = self.mode_of(holder, **part);
            held.is_some_and(|held| !stands_for(*mode, held))
        });
        if lost.is_some() {
            broken.push(format!("has locks that {} on the table does not stand for", mode.word()));
        }
        for part in parts {
            self.release(holder, part, at, report);
        }
        for broken in broken {
            report.add(Invariant::LockLife, at, |names| {
                let (holder, place) = (told(holder), names.resource(&place));
                format!("{holder} escalates to {place} and {broken}")
            });
        }
    }

    /// A transaction is said to wait for this.
    pub(super) fn waits(
        &self,
        waiter: TransactionId,
        on: LockResource,
        at: Moment,
        report: &mut Report,
    ) {
        if self.waiting.get(&waiter).is_none_or(|it| it.0 != on) {
            report.add(Invariant::Waits, at, |names| {
                let (waiter, place) = (told(waiter), names.resource(&on));
                format!("{waiter} is in a circle of waits and does not wait for {place}")
            });
        }
    }
}
