//! What holds of *every* run, whatever its scenario expects: the promises of the engine itself.
//!
//! A broken invariant is a bug of multiverse. So this module is an oracle: it knows the engine
//! only by its trace, and has its own matrix of lock modes, its own idea of what a rollback must
//! restore and of what an outage silences. One pass, in which each watcher sees every event:
//!
//! | watcher | watches |
//! |---|---|
//! | `order` | time, sequence numbers, lanes, transactions that begin and end once |
//! | `locks` | exclusion, life of locks, waits, wake-ups, escalation, writes under lock |
//! | `looks` | that reads which need no locks take none |
//! | `rows` | row versions, what a rollback restores, what a read of each level may see |
//! | `changes` | delta tokens, and that answers of changes are net |
//! | `requests` | nesting, depth, stages, where the transaction begins |
//! | `jobs` | that a job follows the commit of its event |
//! | `batches` | that a batch is done whole or not at all |
//! | `sessions` | steps, and statements within them |
//! | `outages` | that nothing gets through, and that it is over on time |
//!
//! The levels of isolation are judged from the anomalies of the whole run.

mod batches;
mod changes;
mod compatibility;
mod jobs;
mod locks;
mod looks;
mod order;
mod outages;
mod requests;
mod rows;
mod sessions;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::check::{Anomalies, Breach, DirtyReadKind, Forbidden, History, Moment, forbids};
use crate::plan::Anomaly;
use crate::trace::{Entry, Event, Names, Outcome, Trace};
use crate::words::TransactionId;

use order::Transactions;

/// The most violations that one run lists. The first explains the rest as a rule.
const VIOLATIONS_MAX: usize = 100;

/// One promise of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invariant {
    /// Time never runs back, and sequence numbers count up by one from 0.
    Order,
    /// Each lane begins once and ends once.
    Lanes,
    /// Each transaction begins once and ends once, and does nothing after its end.
    Transactions,
    /// No two transactions hold one resource in modes that conflict.
    Exclusion,
    /// Every lock is released at its transaction's end, and not used after; one on a written row
    /// not before, unless the transaction itself or the table is locked for it.
    LockLife,
    /// Every wait ends once, before the run does, and tells how long it lasted.
    Waits,
    /// Who waits for nothing any more is woken at that instant.
    WakeUp,
    /// A row is written only under an exclusive lock on it or on its table, and never over what
    /// another transaction has not committed; a table's definition is changed only under its lock.
    WriteUnderLock,
    /// Who reads uncommitted rows, or versions, takes no locks for it but schema stability.
    LockFreeReads,
    /// Row versions ascend in each instance, and a write replaces the version that is there.
    RowVersions,
    /// A rollback, of a transaction or of one statement, restores every row that it wrote, and a
    /// commit none.
    Rollback,
    /// A read sees its own transaction's writes, or else what its level lets it see.
    CommittedReads,
    /// What is committed after a delta token was handed out is newer than the token, unless the
    /// instance makes no such promise; and an answer of changes has each row once.
    DeltaTokens,
    /// A closed instance begins nothing, an unreachable one answers nothing, and an outage is
    /// over on time.
    Outages,
    /// Requests begin once, end once, nest, and count their depth.
    Requests,
    /// A session's steps begin and end one after the other, and its statements within them.
    Sessions,
    /// A job begins after the commit of the event that it is for, and never without it.
    Jobs,
    /// What an ExecuteTransaction or a bulk message carries is in its transaction, and done whole
    /// or not at all.
    Batches,
    /// The stages of a request ascend, and each plug-in step runs in its own.
    Stages,
    /// The outermost PreValidation runs outside the transaction, the later stages inside.
    TransactionScope,
    /// No isolation level shows an anomaly that it forbids.
    Isolation,
}

impl Invariant {
    /// The promise in a few words, for a report.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Order => "time runs forward",
            Self::Lanes => "lanes begin and end once",
            Self::Transactions => "transactions begin and end once",
            Self::Exclusion => "no two incompatible holders",
            Self::LockLife => "locks end with their transaction",
            Self::Waits => "every wait ends once",
            Self::WakeUp => "no lost wake-up",
            Self::WriteUnderLock => "writes under exclusive locks",
            Self::LockFreeReads => "reads of versions take no locks",
            Self::RowVersions => "row versions ascend",
            Self::Rollback => "a rollback restores every row",
            Self::CommittedReads => "reads see what their level shows",
            Self::DeltaTokens => "delta tokens skip nothing",
            Self::Outages => "an outage silences its instance",
            Self::Requests => "requests nest",
            Self::Sessions => "steps and statements nest",
            Self::Jobs => "no job without its event",
            Self::Batches => "a batch is done whole or not at all",
            Self::Stages => "stages ascend",
            Self::TransactionScope => "PreValidation is outside the transaction",
            Self::Isolation => "isolation levels keep their promise",
        }
    }
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// The event that breaks it, or after which it stands broken.
    pub at: Moment,
    /// How, in a sentence.
    pub text: String,
}

/// Every broken invariant of a trace, in the order of the events, at most 100.
pub fn violations(trace: &Trace) -> Vec<Violation> {
    let history = History::of(trace);
    let anomalies = Anomalies::of(&history);
    violations_of(&history, &anomalies)
}

/// The same, when the history is there already.
pub(super) fn violations_of(history: &History, anomalies: &Anomalies) -> Vec<Violation> {
    let trace = history.trace;
    let mut report = Report { names: &history.names, found: Vec::new() };
    let mut transactions = Transactions::default();
    let mut order = order::Watcher::default();
    let mut locks = locks::Watcher::of(trace);
    let mut looks = looks::Watcher::default();
    let mut rows = rows::Watcher::default();
    let mut changes = changes::Watcher::default();
    let mut requests = requests::Watcher::of(trace);
    let mut sessions = sessions::Watcher::default();
    let mut outages = outages::Watcher::of(trace);
    let mut jobs = jobs::Watcher::default();
    let mut batches = batches::Watcher::default();
    for entry in &trace.entries {
        order.see(entry, &mut report);
        transactions.see(entry, &mut report);
        locks.see(entry, &transactions, &mut report);
        looks.see(entry, &mut report);
        rows.see(entry, &transactions, &mut report);
        changes.see(entry, &mut report);
        requests.see(entry, &transactions, &mut report);
        sessions.see(entry, &transactions, &mut report);
        outages.see(entry, &mut report);
        jobs.see(entry, &mut report);
        batches.see(entry, &mut report);
    }
    if let Some(last) = trace.entries.last() {
        let last = Moment::of(last);
        rows.finish(&mut report);
        locks.finish(&mut report);
        // What a limit of the run cut off may be open at its end.
        if !trace.entries.iter().any(is_cut_off) {
            order.finish(last, &mut report);
            transactions.finish(last, &mut report);
            locks.finish_waits(&mut report);
            requests.finish(last, &mut report);
            sessions.finish(last, &mut report);
        }
    }
    isolation(history, anomalies, &mut report);
    let mut found = report.found;
    found.sort_by_key(|it| it.at);
    found
}

/// Whether a limit of the run ended a lane.
fn is_cut_off(entry: &Entry) -> bool {
    matches!(entry.event, Event::LaneEnded { outcome: Outcome::Unfinished(_), .. })
}

/// Where watchers put what they find.
struct Report<'h, 't> {
    names: &'h Names<'t>,
    found: Vec<Violation>,
}

impl Report<'_, '_> {
    /// A promise is broken.
    fn add(&mut self, invariant: Invariant, at: Moment, text: impl FnOnce(&Names) -> String) {
        if self.found.len() < VIOLATIONS_MAX {
            self.found.push(Violation { invariant, at, text: text(self.names) });
        }
    }
}

/// What a transaction is called in a violation: its number, as traces have it.
fn told(transaction: TransactionId) -> String {
    format!("transaction {}", transaction.0)
}

/// Anomalies that the levels of the reads forbid.
///
/// Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL"; Hermitage, SQL Server.
fn isolation(history: &History, anomalies: &Anomalies, report: &mut Report) {
    for dirty in &anomalies.dirty_reads {
        let (anomaly, harm) = match dirty.kind {
            DirtyReadKind::RolledBack => (Anomaly::AbortedRead, "was rolled back (G1a)"),
            DirtyReadKind::Overwritten => (Anomaly::IntermediateRead, "wrote it again (G1b)"),
            DirtyReadKind::Early => continue,
        };
        let reader = dirty.read.transaction;
        let counts = reader.is_none_or(|it| history.is_committed(it));
        if counts && forbids(dirty.read.level, anomaly) == Forbidden::Yes {
            report.add(Invariant::Isolation, dirty.read.at, |names| {
                let key = dirty.read.key;
                let place = names.place(key.instance, key.table, key.row);
                let writer = told(dirty.writer);
                format!("{place} was read as written by {writer}, which {harm}")
            });
        }
    }
    for lost in anomalies.lost_updates.iter().filter(|it| it.is_within_one_transaction()) {
        let level = lost.read.level;
        if forbids(level, Anomaly::LostUpdate) == Forbidden::Yes {
            report.add(Invariant::Isolation, lost.at, |_| {
                format!("a lost update at {}: {}", level.word(), lost.told(history))
            });
        }
    }
    for Breach { cycle, level } in &anomalies.breaches {
        report.add(Invariant::Isolation, cycle.at, |_| {
            let (name, level) = (cycle.anomaly.name(), level.word());
            format!("{name} at {level}: {}", cycle.told(history))
        });
    }
}
