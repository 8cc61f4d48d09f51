//! Scenarios that are shipped, read and run by their names below `scenarios/`; and what is made of
//! them, as it is kept below `tests/snapshots/`.

#![allow(dead_code, reason = "not every test that includes this uses all of it")]

use std::sync::Arc;

use multiverse::engine::RunOptions;
use multiverse::plan::Plan;
use multiverse::run::{self, Run};

/// The plans of a scenario's variants, such as those of `locks/deadlock-of-two`.
pub fn plans(name: &str) -> Vec<Arc<Plan>> {
    let file = format!("scenarios/{name}.yaml");
    let text = std::fs::read_to_string(&file).expect("the file is there");
    run::parse(&file, &text).expect("the file is accepted")
}

/// A run of each plan.
pub fn runs(plans: &[Arc<Plan>]) -> Vec<Run> {
    let run = |plan| run::run(plan, &RunOptions::default()).expect("the plan is sound");
    plans.iter().map(run).collect()
}

/// Holds a text to what is kept of it under this name in a folder of the snapshots.
pub fn is_kept(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("../snapshots/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name.replace(['/', ' ', ','], "-"), text));
}
