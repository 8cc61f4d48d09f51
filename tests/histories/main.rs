//! Random small histories at every level, against plain oracles.
//!
//! Each history is a few sessions with a few statements each, in a drawn order or at drawn times.
//! No invariant of the engine may be broken, and none of the phenomena that a level forbids may be
//! seen. At serializable the sessions must have seen and left behind what one after the other would
//! have, in some order. And what a level allows must have been seen at least once: a checker that
//! finds nothing where there is something to find would prove nothing.

mod generate;
mod serial;

use std::collections::BTreeSet;
use std::sync::Arc;

use multiverse::check::{self, Anomalies, Forbidden, History};
use multiverse::engine::{self, RunOptions};
use multiverse::plan::{Anomaly, Isolation};
use multiverse::report::StoryOptions;
use multiverse::run;

/// How many histories each level gets, and how many have sessions of several levels.
const HISTORIES: u64 = 15_000;

fn explain(number: u64, history: &generate::History) -> String {
    let run = run::run(&Arc::new(history.plan.clone()), &RunOptions::default());
    let story = run.expect("the plan is sound").story(&StoryOptions::default());
    format!("history {number}: {:#?} {:?}\n{story}", history.sessions, history.levels)
}

/// Runs the histories of a level, or of sessions that each have their own.
fn check_all(level: Option<Isolation>) {
    let first = level.map_or(6, |it| it as u64) << 32;
    let mut seen = BTreeSet::new();
    for number in first..first + HISTORIES {
        let history = generate::history(number, level);
        let plan = Arc::new(history.plan.clone());
        let trace = engine::run(&plan, &RunOptions::default()).expect("the plan is sound");
        let violations = check::invariant::violations(&trace);
        assert!(violations.is_empty(), "{violations:#?}\n{}", explain(number, &history));
        let folded = History::of(&trace);
        let anomalies = Anomalies::of(&folded);
        seen.extend(Anomaly::ALL.into_iter().filter(|it| anomalies.first(*it, &folded).is_some()));
        if level == Some(Isolation::Serializable) {
            let shown = serial::shown(&history, &trace);
            let serial = serial::is_serial(&shown);
            assert!(serial, "not serial: {shown:#?}\n{}", explain(number, &history));
        }
    }
    let Some(level) = level else { return };
    for anomaly in Anomaly::ALL {
        // What a level allows through predicates only is allowed, too.
        if check::forbids(level, anomaly) != Forbidden::Yes {
            assert!(seen.contains(&anomaly), "{level:?} allows {anomaly:?}, and none was seen");
        } else if anomaly != Anomaly::LostUpdate {
            // An update can be lost between two transactions of one session, whatever the level.
            assert!(!seen.contains(&anomaly), "{level:?} forbids {anomaly:?}, and one was seen");
        }
    }
}

#[test]
fn read_uncommitted() {
    check_all(Some(Isolation::ReadUncommitted));
}

#[test]
fn read_committed() {
    check_all(Some(Isolation::ReadCommitted));
}

#[test]
fn read_committed_snapshot() {
    check_all(Some(Isolation::ReadCommittedSnapshot));
}

#[test]
fn repeatable_read() {
    check_all(Some(Isolation::RepeatableRead));
}

#[test]
fn snapshot() {
    check_all(Some(Isolation::Snapshot));
}

#[test]
fn serializable() {
    check_all(Some(Isolation::Serializable));
}

#[test]
fn sessions_of_several_levels() {
    check_all(None);
}
