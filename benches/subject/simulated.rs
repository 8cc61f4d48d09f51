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
                        limits: { transitions: 100_000_000_000 }\n";

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

/// What a plan comes to in virtual time.
pub fn metrics(plan: &Arc<Plan>) -> Metrics {
    let options = RunOptions { seed: Some(SEED), ..RunOptions::default() };
    let trace = engine::run(plan, &options).expect("the plan is sound");
    Metrics::of(&History::of(&trace))
}

/// Tells what a plan comes to, and measures how long the kernel takes for it.
pub fn simulated(suite: &mut Suite, case: Case<'_>, plan: impl FnOnce() -> Arc<Plan>) {
    let ready = LazyCell::new(|| {
        let plan = plan();
        let metrics = metrics(&plan);
        assert!(metrics.commits > 0, "nothing is committed in {case:?}");
        tell(case, &metrics);
        (world(&plan), metrics.commits)
    });
    suite.case(case, Pace::USUAL, 1, |bencher| {
        let (start, commits) = &*ready;
        bencher.iter_custom(|times| each(*commits, times, || timed(start)));
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

fn tell(case: Case<'_>, metrics: &Metrics) {
    let (rate, wasted) = (metrics.commits_a_second(), metrics.wasted_share());
    println!(
        "{}/{}: {rate:.1} transactions a simulated second, {} committed, {} waits, the longest \
         {} µs, {} deadlocks, {:.1} % of {} writes undone",
        case.0,
        case.1,
        metrics.commits,
        metrics.waits,
        metrics.longest_wait_us,
        metrics.deadlocks,
        100.0 * wasted,
        metrics.writes,
    );
    let figures = json!({
        "commits_a_second": rate,
        "waits": metrics.waits,
        "longest_wait_us": metrics.longest_wait_us,
        "deadlocks": metrics.deadlocks,
        "wasted_share": wasted,
    });
    suite::tell(case, &figures);
}
