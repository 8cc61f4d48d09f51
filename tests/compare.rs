//! Comparisons as a reader sees them, and the runs behind their strips against files in which the
//! start is written by hand.

mod shipped;

use std::sync::Arc;

use multiverse::check::History;
use multiverse::engine::RunOptions;
use multiverse::plan::{Plan, Shift};
use multiverse::report::{self, Meeting, StoryOptions};
use multiverse::run::{self, Run, SweepOptions};
use multiverse::words::ActorId;
use proptest::prelude::*;

/// A deadlock and its cure, a lock that is taken early and late, queries that are narrowed.
const KEPT: [&str; 3] = [
    "transaction-patterns/team-members",
    "transaction-patterns/contended-lock-early-and-late",
    "transaction-patterns/related-cases",
];

fn compared(plans: &[Arc<Plan>], options: &StoryOptions) -> String {
    let as_usual = RunOptions::default();
    let runs = shipped::runs(plans);
    let traces: Vec<_> = runs.iter().map(|run| &run.trace).collect();
    let wanted = SweepOptions { starts: 81, ..SweepOptions::default() };
    let sweep = run::sweep(plans, &traces, &as_usual, &wanted).expect("sound plans");
    let runs: Vec<_> = runs.iter().map(Run::reported).collect();
    report::comparison(&runs, sweep.as_ref(), options)
}

#[test]
fn the_comparisons_of_three_scenarios() {
    let pages = [(100, false, "wide"), (56, true, "narrow, ascii")];
    for name in KEPT {
        let plans = shipped::plans(name);
        for (width, ascii, page) in pages {
            let options = StoryOptions { width, ascii, ..StoryOptions::default() };
            let told = compared(&plans, &options);
            assert!(told.lines().all(|line| line.chars().count() <= width), "{told}");
            assert!(!ascii || told.is_ascii(), "{told}");
            shipped::is_kept("comparisons", &format!("{name}.{page}"), &told);
        }
    }
}

/// Two actors and an outage, each at its own time.
fn crossing(one: u64, other: u64, outage: u64) -> Arc<Plan> {
    let text = format!(
        "
scenario: Two who cross
tables: {{ row: {{ columns: {{ value: whole number }} }} }}
instances: {{ here: {{ tables: [row] }} }}
rows: {{ here: {{ row: {{ a: {{ value: 0 }}, b: {{ value: 0 }} }} }} }}
outages: [ {{ instance: here, from: {outage}ms, until: {}ms, as: unreachable }} ]
limits: {{ deadlock monitor: 50ms }}
actors:
  one:
    in: here
    at: {one}ms
    do: [ {{ transaction: {{ do: [ {{ update: {{ table: row, row: a, set: {{ value: 1 }} }} }}, {{ work: 30ms }}, {{ update: {{ table: row, row: b, set: {{ value: 1 }} }} }} ] }} }} ]
  other:
    in: here
    at: {other}ms
    do: [ {{ transaction: {{ do: [ {{ update: {{ table: row, row: b, set: {{ value: 1 }} }} }}, {{ work: 30ms }}, {{ update: {{ table: row, row: a, set: {{ value: 1 }} }} }} ] }} }} ]
expect: [ {{ faults: 0 }} ]
",
        outage + 3
    );
    let plans = run::parse("crossing.yaml", &text).expect("a sound scenario");
    Arc::clone(&plans[0])
}

fn outcome(plan: &Arc<Plan>) -> (Meeting, usize, usize) {
    let run = run::run(plan, &RunOptions::default()).expect("a sound plan");
    let history = History::of(&run.trace);
    (Meeting::of(&history, ActorId(1)), history.waits.len(), history.faults.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A moved start gives what a file gives in which it is written so.
    #[test]
    fn a_moved_start_is_a_start_that_was_written_so(by in -120_i64..120, outage in 0..200_u64) {
        let shift = Shift { micros: by * 1_000 };
        let moved = Arc::new(crossing(10, 20, outage).shifted(ActorId(1), shift));
        let later = by.max(0).unsigned_abs();
        let earlier = by.min(0).unsigned_abs();
        let written = crossing(10 + earlier, 20 + later, outage + earlier);
        prop_assert_eq!(outcome(&moved), outcome(&written));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the variants are called, every line fits.
    #[test]
    fn any_names_fit_on_any_page(
        names in prop::collection::vec("\\PC{1,60}", 2..5),
        width in 40..120_usize,
    ) {
        let plans: Vec<_> = names
            .iter()
            .map(|name| {
                let mut plan = (*crossing(0, 5, 5_000)).clone();
                plan.variant = Some(name.as_str().into());
                plan.actors[1].name = name.as_str().into();
                Arc::new(plan)
            })
            .collect();
        let options = StoryOptions { width, ascii: true, ..StoryOptions::default() };
        let told = compared(&plans, &options);
        prop_assert!(told.is_ascii(), "{}", told);
        prop_assert!(told.lines().all(|line| line.len() <= width), "{}", told);
    }
}

#[test]
fn a_sweep_finds_the_deadlock_where_it_is_and_nowhere_else() {
    let plan = crossing(0, 0, 5_000);
    let plans = [plan];
    let wanted = SweepOptions {
        actor: Some(ActorId(1)),
        reach: Some(std::time::Duration::from_millis(100)),
        starts: 41,
    };
    let sweep = run::sweep(&plans, &[], &RunOptions::default(), &wanted);
    let sweep = sweep.expect("a sound plan").expect("somebody to move");
    let of = |meeting: Meeting| {
        let found = sweep.shifts.iter().zip(&sweep.outcomes[0]).filter(|it| *it.1 == meeting);
        found.map(|(shift, _)| shift.micros / 1_000).collect::<Vec<_>>()
    };
    let deadlocks = of(Meeting::Deadlock);
    assert_eq!(deadlocks.first().map(|it| -it), deadlocks.last().copied(), "{deadlocks:?}");
    assert!(deadlocks.contains(&0) && deadlocks.len() > 5, "{deadlocks:?}");
    let apart = of(Meeting::Apart);
    assert!(apart.contains(&-100) && apart.contains(&100), "{apart:?}");
    assert!(!of(Meeting::Waits).is_empty());
    assert_eq!(of(Meeting::Fails), Vec::<i64>::new());
}
