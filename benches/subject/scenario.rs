//! What scenario files cost from their text to their verdict. One function a claim.

use std::cell::LazyCell;
use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use multiverse::check;
use multiverse::engine::{self, RunOptions};
use multiverse::plan::Plan;
use multiverse::report::{StoryOptions, story};
use multiverse::run;

use super::suite::{Pace, Suite};

/// The scenario of the stub upsert, with both its variants.
const FILE: &str = "scenarios/eventual-consistency/stub-by-guid.yaml";
/// The folder with all of them.
const FOLDER: &str = "scenarios";

/// How many of these plans run and keep what they promise.
fn held(plans: &[Arc<Plan>]) -> usize {
    let runs = plans.iter().map(|plan| run::run(plan, &RunOptions::default()));
    runs.filter(|run| run.as_ref().is_ok_and(|run| run.verdict.holds())).count()
}

/// Text to plans, plans to traces, traces to verdicts and stories: each alone, and together.
pub fn one_file(suite: &mut Suite) {
    let options = RunOptions::default();
    let text = LazyCell::new(|| fs::read_to_string(FILE).expect("the file is there"));
    let plans = LazyCell::new(|| run::parse(FILE, &text).expect("the file is accepted"));
    let trace = LazyCell::new(|| engine::run(&plans[0], &options).expect("the plan is sound"));
    let verdict = LazyCell::new(|| check::verdict(&plans[0], &trace));
    suite.case(("Scenario", "parse of 2 variants"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| run::parse(FILE, black_box(&text)));
    });
    suite.case(("Scenario", "run of 1 variant"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| engine::run(black_box(&plans[0]), &options));
    });
    suite.case(("Scenario", "check of 1 variant"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| check::verdict(black_box(&plans[0]), &trace));
    });
    suite.case(("Scenario", "story of 1 variant"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| story(black_box(&trace), &verdict, &StoryOptions::default()));
    });
    suite.case(("Scenario", "all of it for 2 variants"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| held(&run::parse(FILE, black_box(&text)).expect("the file is accepted")));
    });
}

/// All files of the project, read, run and checked one after the other.
pub fn all_files(suite: &mut Suite) {
    let files = LazyCell::new(|| run::scenario_files(&[FOLDER]).files);
    let case = ("Scenario", "all files read, run and checked");
    suite.case(case, Pace::LONG, 1, |bencher| {
        bencher.iter(|| {
            let plans = files.iter().map(|file| run::load(&file.path).expect("it is accepted"));
            plans.map(|plans| held(&plans)).sum::<usize>()
        });
    });
}
