//! The lines about transactions and locks.

use std::collections::BTreeSet;

use crate::check::{History, Moment};
use crate::fault::FaultKind;
use crate::plan::Isolation;
use crate::report::story::advice::advice;
use crate::report::story::line::{Mark, Part};
use crate::report::story::reads::grouped;
use crate::report::story::teller::Teller;
use crate::trace::{DeadlockEdge, Entry, Event, LockResource, RollbackReason, WaitEnd};
use crate::words::{LaneId, TransactionId, format_duration};

impl Teller<'_, '_> {
    pub(super) fn transaction(&mut self, entry: &Entry, rest: &[Entry]) {
        match &entry.event {
            Event::TransactionBegan { request: None, .. } => self.begins(entry, rest),
            Event::Committed { transaction } if self.explicit.contains(transaction) => {
                if let Some(lane) = self.lane_of_transaction(*transaction) {
                    self.say(entry, lane, Mark::None, "commits", "commits".to_owned());
                }
            }
            Event::RolledBack { transaction, reason } => {
                self.rolled_back(entry, *transaction, reason, rest)
            }
            _ => {}
        }
    }

    /// A program or session begins a transaction by itself.
    fn begins(&mut self, entry: &Entry, rest: &[Entry]) {
        let Event::TransactionBegan { lane, transaction, instance, isolation, .. } = &entry.event
        else {
            return;
        };
        if self.is_in_session(*transaction) && self.history.is_of_one_statement(*transaction) {
            return;
        }
        self.explicit.insert(*transaction);
        let instance = self.history.names.instance(*instance);
        let level = match *isolation {
            level if level == Isolation::default() => String::new(),
            level => format!(" at {}", level.word()),
        };
        let text = format!("begins a transaction in {instance}{level}");
        // By a statement, which is what the step does.
        if let Some(Event::StatementBegan(_)) = rest.first().map(|it| &it.event) {
            self.say_beside(entry, *lane, Mark::None, "begins a transaction", text);
        } else {
            self.say(entry, *lane, Mark::None, "begins a transaction", text);
        }
    }

    fn rolled_back(
        &mut self,
        entry: &Entry,
        transaction: TransactionId,
        reason: &RollbackReason,
        rest: &[Entry],
    ) {
        let Some(lane) = self.lane_of_transaction(transaction) else {
            return;
        };
        if let RollbackReason::Fault(fault) = reason {
            self.fault(entry, lane, fault);
        }
        let wrote = matches!(rest.first().map(|it| &it.event), Some(Event::RowRestored { .. }));
        if !wrote && !self.explicit.contains(&transaction) && self.is_in_session(transaction) {
            return;
        }
        let undone = undone(self.history, rest);
        if let Some(line) = self.join(lane, Part::Victim(transaction)) {
            let text = format!("{}; rolled back{undone}", line.text);
            self.say(entry, lane, Mark::Failed, "victim", text);
            return;
        }
        let (mark, asked) = match reason {
            RollbackReason::Fault(_) => (Mark::Failed, ""),
            RollbackReason::Asked => (Mark::None, " as asked"),
            RollbackReason::SessionEnded => (Mark::None, " at the end of the session"),
        };
        let text = format!("rolled back{asked}{undone}");
        self.say(entry, lane, mark, "rolled back", text);
    }

    pub(super) fn lock(&mut self, entry: &Entry) {
        match &entry.event {
            Event::LockQueued { transaction, resource, holders, ahead, .. } => {
                let Some(lane) = self.lane_of_transaction(*transaction) else {
                    return;
                };
                let behind = behind(self.history, holders, ahead);
                let text = match resource {
                    LockResource::Transaction { transaction, .. } => {
                        format!("waits for {} to end", self.history.transaction_name(*transaction))
                    }
                    _ => format!("waits for {}{behind}", self.history.resource(resource)),
                };
                self.say(entry, lane, Mark::Wait, "waits", text);
            }
            Event::WaitEnded { transaction, resource, end, waited } => {
                let Some(lane) = self.lane_of_transaction(*transaction) else {
                    return;
                };
                let waited = format_duration(*waited);
                self.wait_ended(entry, lane, resource, *end, &waited);
            }
            Event::LocksEscalated { transaction, instance, table, mode, released } => {
                let Some(lane) = self.lane_of_transaction(*transaction) else {
                    return;
                };
                let (table, mode) = (self.history.names.table_of(*instance, *table), mode.word());
                let text = match released {
                    1 => format!("1 row lock gives way to one on {table} ({mode})"),
                    count => {
                        let count = grouped(u64::from(*count));
                        format!("{count} row locks give way to one on {table} ({mode})")
                    }
                };
                self.say(entry, lane, Mark::None, "escalates", text);
            }
            Event::DeadlockClosed { instance, cycle } => {
                let speaker = self.history.names.instance(*instance);
                let waits = self.circle(cycle, |_| String::new());
                self.say_of(entry, speaker.clone(), Mark::Failed, format!("deadlock: {waits}"));
                if let Some(advice) = advice(self.history, Moment::of(entry), cycle) {
                    self.say_of(entry, speaker, Mark::None, advice);
                }
            }
            Event::CrossInstanceWaitClosed { cycle } => {
                let names = &self.history.names;
                let place = |edge: &DeadlockEdge| names.instance(edge.resource.instance());
                let instances: BTreeSet<String> = cycle.iter().map(place).collect();
                let speaker = instances.into_iter().collect::<Vec<_>>().join(" and ");
                let waits = self.circle(cycle, |edge| format!(" in {}", place(edge)));
                let text = format!(
                    "waits go round: {waits}; no deadlock monitor sees it, so that only a time-out \
                     can end it"
                );
                self.say_of(entry, speaker, Mark::Failed, text);
            }
            Event::VictimChosen { victim, rule, .. } => {
                let Some(lane) = self.lane_of_transaction(*victim) else {
                    return;
                };
                self.rising.insert(lane, FaultKind::DeadlockVictim);
                let text = format!("is the deadlock victim ({rule})");
                let part = Part::Victim(*victim);
                let steps = self.steps_of(lane);
                self.say_at(entry, lane, steps, Mark::Failed, ("victim", text), part);
            }
            _ => {}
        }
    }

    /// Who of a circle waits for whom: each for the next, the last for the first.
    fn circle(&self, cycle: &[DeadlockEdge], place: impl Fn(&DeadlockEdge) -> String) -> String {
        let name = |lane: LaneId| self.history.lane_name(lane);
        let pairs = cycle.iter().zip(cycle.iter().cycle().skip(1));
        let waits = pairs.map(|(edge, next)| {
            format!("{} waits for {}{}", name(edge.lane), name(next.lane), place(edge))
        });
        waits.collect::<Vec<_>>().join(", ")
    }

    fn wait_ended(
        &mut self,
        entry: &Entry,
        lane: LaneId,
        resource: &LockResource,
        end: WaitEnd,
        waited: &str,
    ) {
        let (place, got) = match resource {
            LockResource::Transaction { transaction, .. } => {
                let holder = self.history.transaction_name(*transaction);
                let got = format!("goes on after {waited}: {holder} has ended");
                (format!("{holder} to end"), got)
            }
            _ => {
                let place = self.history.resource(resource);
                let got = format!("gets {place} after {waited}");
                (place, got)
            }
        };
        match end {
            WaitEnd::Granted => self.say(entry, lane, Mark::None, "gets", got),
            WaitEnd::Gone => {
                let text = format!("finds {place} gone after {waited}");
                self.say(entry, lane, Mark::None, "gone", text);
            }
            WaitEnd::TimedOut(kind) => {
                let word = kind.facts().word;
                let rest = match kind {
                    FaultKind::LockTimeout => " (the statement fails, its transaction stays open)",
                    _ => "",
                };
                let text = format!("waited {waited} for {place} in vain: {word}{rest}");
                self.say(entry, lane, Mark::Failed, "timed out", text);
                self.rising.insert(lane, kind);
            }
            // The choice of the victim and its rollback say it.
            WaitEnd::Victim => {}
        }
    }
}

/// `, held by team north`, or behind whom else.
fn behind(history: &History, holders: &[TransactionId], ahead: &[TransactionId]) -> String {
    let (word, all) = match (holders, ahead) {
        ([], []) => return String::new(),
        ([], ahead) => ("behind", ahead),
        (holders, _) => ("held by", holders),
    };
    let first = all.first().map_or_else(String::new, |it| history.transaction_name(*it));
    let more = match all.len() {
        0 | 1 => String::new(),
        2 => format!(" and {}", history.transaction_name(all[1])),
        count => format!(" and {} more", count - 1),
    };
    let queue = match ahead.len() {
        0 => String::new(),
        _ if holders.is_empty() => String::new(),
        1 => "; 1 more is ahead".to_owned(),
        count => format!("; {count} more are ahead"),
    };
    format!(", {word} {first}{more}{queue}")
}

/// Which rows the events right after a rollback restore.
pub(super) fn undone(history: &History, rest: &[Entry]) -> String {
    let mut restored = rest.iter().map_while(|entry| match &entry.event {
        Event::RowRestored { instance, table, row, row_version, .. } => {
            Some((history.names.place(*instance, *table, *row), *row_version))
        }
        _ => None,
    });
    let Some((place, version)) = restored.next() else {
        return "; it had written nothing".to_owned();
    };
    let fate = if version == 0 { "is gone again" } else { "is as before" };
    match restored.count() {
        0 => format!(": {place} {fate}"),
        1 => format!(": {place} {fate}, and 1 more row is restored"),
        more => format!(": {place} {fate}, and {more} more rows are restored"),
    }
}
