//! The verdict in a sentence, and the one to three facts that explain a run best.

use std::collections::BTreeSet;

use crate::check::{Anomalies, History, OutageSeen, Verdict};
use crate::fault::FaultKind;
use crate::plan::OutageKind;
use crate::report::story::page::{Piece, Tone};
use crate::trace::{Disturbance, Outcome};
use crate::words::format_duration;

/// The most facts that a verdict tells.
const FACTS_MAX: usize = 3;

/// The verdict, then the facts.
pub(super) fn verdict(history: &History, verdict: &Verdict) -> Vec<Piece> {
    let holds = verdict.holds();
    let (mark, tone) = if holds { ("✓ ", Tone::Good) } else { ("✗ ", Tone::Bad) };
    let mut pieces = vec![Piece::new(mark, tone), Piece::new(judged(verdict), Tone::Strong)];
    for fact in facts(history) {
        pieces.push(Piece::plain(format!(" {fact}")));
    }
    pieces
}

/// The same with the scenario's name, for a story that is nothing but its verdict.
pub(super) fn quiet(history: &History, of: &Verdict) -> Vec<Piece> {
    let header = &history.trace.header;
    let variant =
        header.variant.as_ref().map_or_else(String::new, |variant| format!(" ({variant})"));
    let mut pieces = verdict(history, of);
    pieces.insert(1, Piece::plain(format!("{}{variant}: ", header.title)));
    if let Some(first) = of.failed().next() {
        let place = format!(" ({}:{})", header.file, first.at.line);
        pieces.insert(3, Piece::plain(place));
    }
    pieces
}

/// How the checks came out.
pub(in crate::report) fn judged(verdict: &Verdict) -> String {
    if !verdict.violations.is_empty() {
        return "multiverse broke its own promises in this run.".to_owned();
    }
    let all = verdict.checks.len();
    let failed = verdict.failed().count();
    match (all, failed) {
        (0, _) => "Nothing was expected.".to_owned(),
        (1, 0) => "The check holds.".to_owned(),
        (1, _) => "The check does not hold.".to_owned(),
        (_, 0) => format!("All {all} checks hold."),
        (_, 1) => format!("1 of {all} checks does not hold."),
        (_, failed) => format!("{failed} of {all} checks do not hold."),
    }
}

/// What matters most, in order of weight.
pub(in crate::report) fn facts(history: &History) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(failures(history));
    facts.extend(deadlocks(history));
    facts.extend(cross_instance_waits(history));
    facts.extend(lost_updates(history));
    facts.extend(undone_reads(history));
    facts.extend(disturbed_scans(history));
    facts.extend(outages(history));
    facts.extend(longest_wait(history));
    facts.truncate(FACTS_MAX);
    if facts.is_empty() {
        facts.push("Nobody failed, and nobody waited for a lock.".to_owned());
    }
    facts
}

/// The runs that end in a fault. A deadlock's victims are told with the deadlock.
fn failures(history: &History) -> Option<String> {
    let mut told = history.lanes.values().filter_map(|lane| match &lane.ended {
        Some((_, Outcome::Failed(fault))) if fault.kind == FaultKind::DeadlockVictim => None,
        Some((at, Outcome::Failed(fault))) => {
            let moment = history.names.moment(at.at);
            let word = fault.kind.facts().word;
            Some(format!("{} ends in {word} at {moment}", lane.name))
        }
        Some((_, Outcome::Unfinished(limit))) => {
            Some(format!("{} is not finished: {limit}", lane.name))
        }
        Some((_, Outcome::Succeeded)) | None => None,
    });
    let first = told.next()?;
    Some(match told.count() {
        0 => format!("{first}."),
        1 => format!("{first}, and 1 more run fails."),
        more => format!("{first}, and {more} more runs fail."),
    })
}

fn deadlocks(history: &History) -> Option<String> {
    let first = history.deadlocks.first()?;
    let victim = history.transaction_name(first.victim);
    let closed = first.closed.map_or(first.chosen, |(closed, _)| closed);
    let moment = history.names.moment(closed.at);
    let count = history.deadlocks.len();
    if count == 1 {
        let undone = undone_by(history, first.victim)
            .map_or_else(String::new, |undone| format!(" and loses {undone}"));
        return Some(format!("One deadlock, closed at {moment}: {victim} is the victim{undone}."));
    }
    let victims: BTreeSet<String> =
        history.deadlocks.iter().map(|it| history.transaction_name(it.victim)).collect();
    let victims = match victims.len() {
        0..=3 => victims.into_iter().collect::<Vec<_>>().join(", "),
        more => format!("{more} runs"),
    };
    Some(format!("{count} deadlocks, the first closed at {moment}; victims: {victims}."))
}

/// What a rolled-back transaction had written, in words.
fn undone_by(history: &History, transaction: crate::words::TransactionId) -> Option<String> {
    let rows: Vec<String> = history
        .rows
        .iter()
        .filter(|(_, row)| row.undone.iter().any(|it| it.writer == Some(transaction)))
        .map(|(key, _)| history.names.place(key.instance, key.table, key.row))
        .collect();
    match rows.as_slice() {
        [] => None,
        [one] => Some(format!("its write of {one}")),
        [one, other] => Some(format!("its writes of {one} and {other}")),
        [one, rest @ ..] => Some(format!("its writes of {one} and {} more rows", rest.len())),
    }
}

fn lost_updates(history: &History) -> Option<String> {
    let found = Anomalies::of(history).lost_updates;
    let first = found.first()?.told(history);
    Some(match found.len() {
        1 => format!("One update is lost: {first}."),
        count => format!("{count} updates are lost; the first: {first}."),
    })
}

/// The circles of waits that only time-outs end.
fn cross_instance_waits(history: &History) -> Option<String> {
    let first = history.cross_instance_waits.first()?;
    let moment = history.names.moment(first.closed.at);
    Some(match history.cross_instance_waits.len() {
        1 => format!("One circle of waits over several instances, closed at {moment}."),
        count => {
            format!(
                "{count} circles of waits over several instances, the first closed at {moment}."
            )
        }
    })
}

/// The reads of what was rolled back after them.
fn undone_reads(history: &History) -> Option<String> {
    let first = history.undone_reads.first()?;
    let reader = history.requests.get(&first.request).map(|it| history.lane_name(it.lane));
    let (reader, key) = (reader.unwrap_or_else(|| "somebody".to_owned()), first.key);
    let place = history.names.place(key.instance, key.table, key.row);
    let writer = history.transaction_name(first.writer);
    let told = format!("{reader} read {place} as written by {writer}, which was rolled back");
    Some(match history.undone_reads.len() {
        1 => format!("{told}."),
        2 => format!("{told}; there is 1 more such read."),
        count => format!("{told}; there are {} more such reads.", count - 1),
    })
}

/// The rows that scans got wrong.
fn disturbed_scans(history: &History) -> Option<String> {
    let first = history.disturbed_scans.first()?;
    let reader = history.requests.get(&first.request).map(|it| history.lane_name(it.lane));
    let (reader, key) = (reader.unwrap_or_else(|| "somebody".to_owned()), first.key);
    let place = history.names.place(key.instance, key.table, key.row);
    let told = match first.how {
        Disturbance::Missed => format!("{reader} missed {place}, which had moved"),
        Disturbance::Doubled => format!("{reader} met {place} twice, which had moved"),
    };
    Some(match history.disturbed_scans.len() {
        1 => format!("{told}."),
        2 => format!("{told}; a scan got 1 more row wrong."),
        count => format!("{told}; scans got {} more rows wrong.", count - 1),
    })
}

/// The outage that stopped most.
fn outages(history: &History) -> Option<String> {
    let outages = history.outages.iter();
    let worst = outages.max_by_key(|it| (it.hits.len(), std::cmp::Reverse(it.began)))?;
    let names = &history.names;
    let (from, until) = (names.moment(worst.began.at), names.moment(worst.until));
    let state = outage_word(history, worst);
    let instance = names.instance(worst.instance);
    let slow = state == "slow";
    let effect = match worst.hits.len() {
        0 if slow => String::new(),
        0 => ", and nobody noticed".to_owned(),
        1 => " and stopped 1 message".to_owned(),
        count => format!(" and stopped {count} messages"),
    };
    Some(format!("{instance} was {state} from {from} to {until}{effect}."))
}

/// What an instance is during an outage.
pub(in crate::report) fn outage_word(history: &History, outage: &OutageSeen) -> &'static str {
    let kinds = &history.trace.header.outage_kinds;
    match kinds.get(outage.outage.index()) {
        Some(OutageKind::Unreachable) | None => "unreachable",
        Some(OutageKind::Maintenance) => "closed for maintenance",
        Some(OutageKind::Slow(_)) => "slow",
    }
}

fn longest_wait(history: &History) -> Option<String> {
    let mut longest = history.waits.first()?;
    for wait in &history.waits {
        if longest.waited < wait.waited {
            longest = wait;
        }
    }
    let waiter = history.transaction_name(longest.transaction);
    let awaited = history.awaited(longest);
    let waited = format_duration(longest.waited);
    let which = match history.waits.len() {
        1 => "One wait".to_owned(),
        count => format!("The longest of {count} waits"),
    };
    Some(format!("{which}: {waiter}, {waited} for {awaited}."))
}
