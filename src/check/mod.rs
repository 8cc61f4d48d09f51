//! Judging a run: does what happened agree with what the scenario expects, and did the engine
//! keep its own promises?
//!
//! ```text
//!   trace ──▶ History (one fold) ──▶ each claim of each expectation ──▶ Check
//!     └─────▶ invariant (one pass) ───────────────────────────────────▶ Violation
//! ```
//!
//! Everything is decided from the trace alone, so a trace that was read back from a file is
//! judged as a fresh one. A check that fails says what was expected, what was found instead,
//! which event decided it, and the nearest thing that would have matched: most failed checks are
//! a near miss (the right row in another instance, the right value at another time), and the
//! near miss explains the failure better than the miss.

mod anomaly;
mod claim;
mod dependency;
mod history;
pub mod invariant;

use serde::Serialize;

pub use anomaly::{Anomalies, DirtyRead, DirtyReadKind, LostUpdate};
pub use dependency::{Breach, Cycle, Dependency, DependencyKind, Forbidden, Party, forbids};
pub use history::{
    Change, CrossInstanceWait, Deadlock, DisturbedScan, Escalation, FaultMet, History, Lane,
    OutageSeen, PlugInRun, Request, RequestKind, RowHistory, RowImage, RowKey, RowMiss, RowRead,
    Selection, StepEnd, StepRun, Transaction, TransactionEnd, UndoneRead, Version, Wait,
};
pub use invariant::{Invariant, Violation};

use crate::plan::{Location, Plan};
use crate::trace::{Entry, Outcome, Trace};
use crate::words::SimInstant;

/// A position in a trace: which event, and when it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Moment {
    /// The event's position in the trace, from 0.
    pub sequence: u32,
    /// Its instant.
    pub at: SimInstant,
}

impl Moment {
    /// The position of this entry.
    pub const fn of(entry: &Entry) -> Self {
        Self { sequence: entry.sequence, at: entry.at }
    }
}

/// What was found out about a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// One for each expectation of the plan, in the order of the file; then one that failed for
    /// each lane that came to no end.
    pub checks: Vec<Check>,
    /// The engine's own promises that the run breaks: each is a bug of multiverse, never one of
    /// the scenario.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether every expectation holds and no invariant is broken.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.checks.iter().all(|check| check.holds)
    }

    /// The checks that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.holds)
    }
}

/// One expectation, decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Where the file says so.
    pub at: Location,
    /// The line as the file has it.
    pub text: String,
    /// Whether all its claims hold.
    pub holds: bool,
    /// The last of the events that decided it; `None` where the absence of an event did.
    pub decided_by: Option<Moment>,
    /// Why it does not hold; empty when it does.
    pub findings: Vec<Finding>,
}

/// One way in which the run is not what was expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was expected, as a statement.
    pub expected: String,
    /// What was found instead.
    pub found: String,
    /// The event that decided it; `None` where the absence of an event did.
    pub decided_by: Option<Moment>,
    /// The nearest thing that would have matched, where there is one.
    pub nearest: Option<String>,
}

/// That every lane comes to an end is expected without a word in the file: one failed check for
/// each that was still at something when the run was stopped.
fn unfinished<'a>(plan: &'a Plan, history: &'a History<'_>) -> impl Iterator<Item = Check> {
    history.lanes.values().filter_map(|lane| {
        let (decided_by, Outcome::Unfinished(reason)) = lane.ended? else {
            return None;
        };
        Some(Check {
            at: lane.kind.actor().map(|actor| plan.actor(actor).at).unwrap_or_default(),
            text: "every actor ends".to_owned(),
            holds: false,
            decided_by: Some(decided_by),
            findings: vec![Finding {
                expected: format!("{} ends", lane.name),
                found: format!("it was still at work: {reason}"),
                decided_by: Some(decided_by),
                nearest: None,
            }],
        })
    })
}

/// Decides every expectation of the plan, and every invariant, from the trace.
pub fn verdict(plan: &Plan, trace: &Trace) -> Verdict {
    let history = History::of(trace);
    let anomalies = Anomalies::of(&history);
    let judge = claim::Judge { history: &history, anomalies: &anomalies };
    let checks = plan
        .expectations
        .iter()
        .map(|expectation| {
            let mut findings = Vec::new();
            let mut decided_by = None;
            for claim in &expectation.claims {
                let decision = judge.decide(claim);
                decided_by = decided_by.max(decision.decided_by);
                findings.extend(decision.findings);
            }
            Check {
                at: expectation.at,
                text: expectation.text.clone(),
                holds: findings.is_empty(),
                decided_by,
                findings,
            }
        })
        .chain(unfinished(plan, &history))
        .collect();
    Verdict { checks, violations: invariant::violations_of(&history, &anomalies) }
}
