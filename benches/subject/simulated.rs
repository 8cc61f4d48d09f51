//! Benches in virtual time. What a design comes to there (throughput, waits, deadlocks, work that
//! was undone) is the same in every run and is told as it is; what is measured is how long the
//! kernel takes for one of its committed transactions, with the trace off.

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use multiverse::check::History;
use multiverse::engine::{self, InOrder, RunOptions, World};
use multiverse::plan::Plan;
use multiverse::plug_in::PlugIns;
use multiverse::report::Metrics;
use multiverse::run;
use serde_json::json;

use super::suite::{self, Case, Pace, Suite};

/// The seed of every world.
pub const SEED: u64 = 42;

/// Costs and limits of a scenario in which no virtual time passes, so that only the kernel's own
/// work is measured.
pub const FREE: &str = "costs: { request: 0ms, read: 0ms, row: 0ms, column: 0ms, write: 0ms, \
                        plug-in: 0ms, network: 0ms, client: 0ms }\n\
                        limits: { transitions: 1_000_000_000 }\n";

/// The plans of a scenario's text, one for each variant.
pub fn plans(text: &str) -> Vec<Arc<Plan>> {
    match run::parse("bench.yaml", text) {
        Ok(plans) => plans,
        Err(mistakes) => panic!("{mistakes}\n{text}"),
    }
}

/// The only plan of a scenario's text.
pub fn plan(text: &str) -> Arc<Plan> {
    plans(text).swap_remove(0)
}

/// A world of a plan, with its trace off.
pub fn world(plan: &Arc<Plan>) -> World {
    World::new(Arc::clone(plan), SEED, PlugIns::default(), false).expect("the plan is sound")
}

/// A case in virtual time.
pub struct Simulated<P, N> {
    /// How many things are done in a run: transactions, or whatever the case counts.
    pub things: u64,
    /// What shall happen.
    pub plan: P,
    /// What there is to say of the run beside its figures; empty for nothing.
    pub note: N,
}

/// Nothing to say.
pub const fn no_note(_: &History<'_>) -> String {
    String::new()
}

/// Tells what a plan comes to, and measures how long the kernel takes for one of its things.
pub fn simulated(
    suite: &mut Suite,
    case: Case<'_>,
    it: Simulated<impl FnOnce() -> Arc<Plan>, impl Fn(&History<'_>) -> String>,
) {
    let Simulated { things, plan, note } = it;
    let start = LazyCell::new(|| {
        let plan = plan();
        let options = RunOptions { seed: Some(SEED), ..RunOptions::default() };
        let trace = engine::run(&plan, &options).expect("the plan is sound");
        let history = History::of(&trace);
        tell(case, things, &Metrics::of(&history), &note(&history));
        world(&plan)
    });
    suite.case(case, Pace::USUAL, 1, |bencher| {
        let start = &*start;
        bencher.iter_custom(|times| each(things, times, || timed(start)));
    });
}

/// The time for one of so many things that are done together each of so many times.
#[allow(clippy::cast_precision_loss, reason = "a few digits are told")]
pub fn each(things: u64, times: u64, mut all: impl FnMut() -> Duration) -> Duration {
    let sum: Duration = (0..times).map(|_| all()).sum();
    Duration::from_secs_f64(sum.as_secs_f64() / things as f64)
}

/// How long a run of this world takes, its copy and its end left out.
#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
pub fn timed(start: &World) -> Duration {
    let mut world = start.clone();
    let began = Instant::now();
    world.run_to_end(&mut InOrder);
    began.elapsed()
}

#[allow(clippy::cast_precision_loss, reason = "a few digits are told")]
fn tell((group, case): Case<'_>, things: u64, metrics: &Metrics, note: &str) {
    let faults = metrics.faults;
    assert!(metrics.commits >= things, "{group}/{case}: not all is done, with {faults} faults");
    let a_second = things as f64 * 1e6 / metrics.simulated_us as f64;
    let (waits, longest) = (metrics.waits, metrics.longest_wait_us);
    let (deadlocks, rolled_back) = (metrics.deadlocks, metrics.rollbacks);
    let wasted = metrics.wasted_share();
    println!(
        "{group}/{case}: {a_second:.1} a simulated second; {waits} waits, the longest {longest} \
         µs; {deadlocks} deadlocks; {rolled_back} rolled back; {:.1} % of {} writes undone. {note}",
        100.0 * wasted,
        metrics.writes,
    );
    let figures = json!({
        "a_second": a_second,
        "waits": waits,
        "longest_wait_us": longest,
        "deadlocks": deadlocks,
        "rolled_back": rolled_back,
        "wasted_share": wasted,
        "note": note,
    });
    suite::tell((group, case), &figures);
}
