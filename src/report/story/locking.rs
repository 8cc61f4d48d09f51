//! The lines about transactions and locks.

use crate::check::History;
use crate::report::story::line::{Mark, Part};
use crate::report::story::teller::Teller;
use crate::trace::{Entry, Event, LockResource, RollbackReason, WaitEnd};
use crate::words::{LaneId, TransactionId, format_duration};

impl Teller<'_, '_> {
    pub(super) fn transaction(&mut self, entry: &Entry, rest: &[Entry]) {
        match &entry.event {
            Event::TransactionBegan { lane, transaction, instance, request: None, .. } => {
                self.explicit.insert(*transaction);
                let instance = self.history.names.instance(*instance);
                let text = format!("begins a transaction in {instance}");
                self.say(entry, *lane, Mark::None, "begins a transaction", text);
            }
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
                let place = self.history.names.resource(resource);
                let behind = behind(self.history, holders, ahead);
                let text = format!("waits for {place}{behind}");
                self.say(entry, lane, Mark::Wait, "waits", text);
            }
            Event::WaitEnded { transaction, resource, end, waited } => {
                let Some(lane) = self.lane_of_transaction(*transaction) else {
                    return;
                };
                let waited = format_duration(*waited);
                self.wait_ended(entry, lane, resource, *end, &waited);
            }
            Event::DeadlockClosed { instance, cycle } => {
                let name = |lane: &LaneId| self.history.lane_name(*lane);
                let lanes: Vec<String> = cycle.iter().map(|edge| name(&edge.lane)).collect();
                let waits = lanes.iter().zip(lanes.iter().cycle().skip(1));
                let waits = waits.map(|(waiter, holder)| format!("{waiter} waits for {holder}"));
                let waits = waits.collect::<Vec<_>>().join(", ");
                let speaker = self.history.names.instance(*instance);
                self.say_of(entry, speaker, Mark::Failed, format!("deadlock: {waits}"));
            }
            Event::VictimChosen { victim, rule, .. } => {
                let Some(lane) = self.lane_of_transaction(*victim) else {
                    return;
                };
                self.rising.insert(lane, crate::fault::FaultKind::DeadlockVictim);
                let text = format!("is the deadlock victim ({rule})");
                let part = Part::Victim(*victim);
                let steps = self.steps_of(lane);
                self.say_at(entry, lane, steps, Mark::Failed, ("victim", text), part);
            }
            _ => {}
        }
    }

    fn wait_ended(
        &mut self,
        entry: &Entry,
        lane: LaneId,
        resource: &LockResource,
        end: WaitEnd,
        waited: &str,
    ) {
        let place = self.history.names.resource(resource);
        match end {
            WaitEnd::Granted => {
                let text = format!("gets {place} after {waited}");
                self.say(entry, lane, Mark::None, "gets", text);
            }
            WaitEnd::Gone => {
                let text = format!("finds {place} gone after {waited}");
                self.say(entry, lane, Mark::None, "gets", text);
            }
            WaitEnd::TimedOut(kind) => {
                let word = kind.facts().word;
                let text = format!("waited {waited} for {place} in vain: {word}");
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
fn undone(history: &History, rest: &[Entry]) -> String {
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
