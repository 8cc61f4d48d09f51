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

fn check_all(level: Option<Isolation>) {
    let first = level.map_or(6, |it| it as u64) << 32;
    let mut seen = BTreeSet::new();
    for number in first..first + HISTORIES {
        let history = generate::history(number, level);
        let plan = Arc::new(history.plan.clone());
        if std::env::var("N").is_ok() {
            eprintln!(
                "{number} {:?} {:?} {:?} {:?}",
                history.sessions,
                history.plan.order.iter().map(|s| (s.actor.0, s.step)).collect::<Vec<_>>(),
                history.plan.instances[0].locking,
                history.plan.tables[0].indexes.len()
            );
        }
        let trace = engine::run(&plan, &RunOptions::default()).expect("the plan is sound");
        let folded = History::of(&trace);
        let anomalies = Anomalies::of(&folded);
        let violations = check::invariant::violations(&trace);
        if std::env::var("V").is_ok() {
            assert!(violations.is_empty(), "{violations:#?}\n{}", explain(number, &history));
        }
        seen.extend(Anomaly::ALL.into_iter().filter(|it| anomalies.first(*it, &folded).is_some()));
        if level == Some(Isolation::Serializable) {
            let shown = serial::shown(&history, &trace);
            let serial = serial::is_serial(&shown);
            assert!(serial, "not serial: {shown:#?}\n{}", explain(number, &history));
        }
    }
    println!("{level:?}: {seen:?}");
}

#[test]
fn serializable() {
    check_all(Some(Isolation::Serializable));
}

#[test]
fn debug_one() {
    let Ok(number) = std::env::var("NUMBER") else { return };
    let history = generate::history(number.parse().unwrap(), Some(Isolation::Serializable));
    let plan = Arc::new(history.plan.clone());
    let mut world =
        engine::World::new(plan, 0, multiverse::plug_in::PlugIns::default(), true).unwrap();
    while world.advance(&mut engine::InOrder) == engine::Progress::Advanced {
        for e in world.take_events() {
            eprintln!("{} {:?}", e.at.0, e.event);
        }
    }
}
