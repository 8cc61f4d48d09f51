//! Scenario files as tests of another crate.
//!
//! A folder of scenarios is a suite: each variant of each file is one [`Case`], named by its
//! path. A case passes when its file is read without a mistake, everything that it expects holds,
//! no invariant of the engine is broken, and a second run gives the same trace byte for byte. The
//! last is what a plug-in in Rust breaks that looks at a clock or at the order of a hash map.
//!
//! In an ordinary test function:
//!
//! ```
//! use multiverse::testing::Folder;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("scenarios");
//! # std::fs::create_dir(&path).unwrap();
//! # std::fs::write(path.join("first.yaml"), multiverse::scenario::STARTER).unwrap();
//! // #[test]
//! // fn the_scenarios_hold() {
//! let outcomes = Folder::new(&path).run();
//! for outcome in &outcomes {
//!     assert!(outcome.holds(), "{outcome}");
//! }
//! // }
//! # assert_eq!(outcomes[0].name(), "first");
//! ```
//!
//! Or each case as a test of its own, with the crate `libtest-mimic` in a test target that has
//! `harness = false`:
//!
//! ```no_run
//! use libtest_mimic::{Arguments, Failed, Trial};
//! use multiverse::testing::Folder;
//!
//! fn main() {
//!     let trials = Folder::new("scenarios").cases().into_iter().map(|case| {
//!         Trial::test(case.name().to_owned(), move || {
//!             let outcome = case.run();
//!             if outcome.holds() { Ok(()) } else { Err(Failed::from(outcome)) }
//!         })
//!     });
//!     libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
//! }
//! ```
//!
//! Scenarios that name plug-ins in Rust (`rust: <name>`) are given them with
//! [`Folder::plug_in`].

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::RunOptions;
use crate::engine::plug_in::{PlugIn, PlugIns};
use crate::plan::Plan;
use crate::report::StoryOptions;
use crate::run::{self, Run};
use crate::trace::{Trace, write_jsonl};

/// A folder of scenario files, or a single file, that is to be tested.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    plug_ins: PlugIns,
    seed: Option<u64>,
}

impl Folder {
    /// The folder at this path. A relative path counts from the current directory, which under
    /// `cargo test` is the root of the package.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), plug_ins: PlugIns::default(), seed: None }
    }

    /// Gives the scenarios a plug-in that is written in Rust, under the name by which they call
    /// it.
    #[must_use]
    pub fn plug_in(mut self, name: &str, plug_in: impl PlugIn + 'static) -> Self {
        self.plug_ins.insert(name, plug_in);
        self
    }

    /// Runs every scenario with this seed instead of its own.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Reads the files: one case for each variant, in the order of the paths. A file with
    /// mistakes is one case, which fails; so is a folder that is missing or has no scenarios in
    /// it, lest a suite pass because it is empty.
    pub fn cases(&self) -> Vec<Case> {
        let case = |name: String, subject| Case {
            name,
            subject,
            plug_ins: self.plug_ins.clone(),
            seed: self.seed,
        };
        let search = run::scenario_files(&[&self.path]);
        let mut cases = Vec::new();
        for dead_end in &search.dead_ends {
            let name = self.path.display().to_string();
            cases.push(case(name, Err(dead_end.to_string())));
        }
        for file in search.files {
            match run::load(&file.path) {
                Err(rejection) => cases.push(case(file.name, Err(rejection.to_string()))),
                Ok(plans) => cases.extend(plans.into_iter().map(|plan| {
                    let name = match &plan.variant {
                        Some(variant) => format!("{}/{variant}", file.name),
                        None => file.name.clone(),
                    };
                    case(name, Ok(plan))
                })),
            }
        }
        cases
    }

    /// Runs every case, in order.
    pub fn run(&self) -> Vec<Outcome> {
        self.cases().iter().map(Case::run).collect()
    }
}

/// One variant of one scenario file, not yet run.
#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    /// What to run, or why there is nothing.
    subject: Result<Arc<Plan>, String>,
    plug_ins: PlugIns,
    seed: Option<u64>,
}

impl Case {
    /// The file's path below the folder without its extension, and after another `/` the variant,
    /// where the file has variants: `eventual-consistency/stub-by-guid/in PreOperation`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What will run; `None` where the file could not be read.
    pub const fn plan(&self) -> Option<&Arc<Plan>> {
        match &self.subject {
            Ok(plan) => Some(plan),
            Err(_) => None,
        }
    }

    /// Runs the case, twice, and judges it.
    pub fn run(&self) -> Outcome {
        let (run, trouble) = match self.run_twice() {
            Ok((run, trouble)) => (Some(run), trouble),
            Err(trouble) => (None, Some(trouble)),
        };
        Outcome { name: self.name.clone(), run, trouble }
    }

    fn run_twice(&self) -> Result<(Run, Option<String>), String> {
        let plan = self.subject.as_ref().map_err(Clone::clone)?;
        let options = || RunOptions {
            seed: self.seed,
            plug_ins: self.plug_ins.clone(),
            ..RunOptions::default()
        };
        let run = || run::run(plan, &options()).map_err(|error| error.to_string());
        let (first, second) = (run()?, run()?);
        let trouble = difference(&first.trace, &second.trace)?;
        Ok((first, trouble))
    }
}

/// Where two traces of one plan differ, in words; `None` when they are the same bytes.
fn difference(first: &Trace, second: &Trace) -> Result<Option<String>, String> {
    let lines_of = |trace: &Trace| {
        let mut bytes = Vec::new();
        write_jsonl(trace, &mut bytes).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    };
    let (first, second) = (lines_of(first)?, lines_of(second)?);
    if first == second {
        return Ok(None);
    }
    let mut pairs = first.lines().zip(second.lines()).enumerate();
    Ok(Some(match pairs.find(|(_, (one, other))| one != other) {
        Some((index, (one, other))) => format!(
            "Two runs of one scenario differ, first in line {} of the trace:\n  {one}\n  {other}",
            index + 1
        ),
        None => "Two runs of one scenario differ: one goes on after the other's end.".to_owned(),
    }))
}

/// What came of a case. Displays as the run's story, 100 columns wide and without colour, or as
/// what kept it from running.
#[derive(Clone, Debug)]
pub struct Outcome {
    name: String,
    run: Option<Run>,
    trouble: Option<String>,
}

impl Outcome {
    /// The name of the case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the case passes.
    pub fn holds(&self) -> bool {
        self.trouble.is_none() && self.run.as_ref().is_some_and(|run| run.verdict.holds())
    }

    /// The run with its trace and verdict; `None` where the case could not run.
    pub const fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = &self.run {
            f.write_str(&run.story(&StoryOptions::default()))?;
        }
        if let Some(trouble) = &self.trouble {
            writeln!(f, "{trouble}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;
    use std::fs;

    #[test]
    fn the_starter_passes_and_its_outcome_reads_as_its_story() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("first.yaml"), scenario::STARTER).unwrap();
        let outcomes = Folder::new(folder.path()).run();
        for outcome in &outcomes {
            assert!(outcome.holds(), "{outcome}");
            let run = outcome.run().unwrap();
            assert_eq!(outcome.to_string(), run.story(&StoryOptions::default()));
        }
        assert!(!outcomes.is_empty());
    }

    #[test]
    fn a_file_with_a_mistake_is_a_case_that_fails_beside_the_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "scenari: oops\n").unwrap();
        fs::write(folder.path().join("b.yaml"), scenario::STARTER).unwrap();
        let outcomes = Folder::new(folder.path()).run();
        assert!(!outcomes[0].holds());
        assert_eq!(outcomes[0].name(), "a");
        assert!(outcomes[0].to_string().contains("a.yaml"), "{}", outcomes[0]);
        assert!(outcomes[1].holds(), "{}", outcomes[1]);
    }

    #[test]
    fn a_folder_without_scenarios_does_not_pass() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("missing")] {
            let outcomes = Folder::new(path).run();
            assert_eq!(outcomes.len(), 1);
            assert!(!outcomes[0].holds(), "{}", outcomes[0]);
        }
    }

    #[test]
    fn the_first_difference_of_two_traces_is_shown() {
        let plan = Plan::empty("one");
        let trace = |seed| {
            let mut header = crate::trace::Header::of(&plan);
            header.seed = seed;
            Trace { header, entries: Vec::new() }
        };
        assert_eq!(difference(&trace(1), &trace(1)), Ok(None));
        let difference = difference(&trace(1), &trace(2)).unwrap().unwrap();
        assert!(difference.contains("first in line 1"), "{difference}");
    }
}
