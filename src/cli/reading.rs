//! Reading what the paths on the command line lead to.

use std::path::PathBuf;
use std::sync::Arc;

use multiverse::plan::Plan;
use multiverse::run::{self, ScenarioFile};

use super::output::Output;
use super::{Exit, bug};

/// A scenario file without mistakes.
pub struct Loaded {
    pub file: ScenarioFile,
    /// One for each variant.
    pub plans: Vec<Arc<Plan>>,
}

/// What came of reading.
pub struct Reading {
    /// The files without mistakes, in the order of their paths.
    pub scenarios: Vec<Loaded>,
    /// How many files have mistakes.
    pub wrong_count: usize,
    pub exit: Exit,
}

/// Reads every scenario behind the paths, and complains of each that can't be read.
pub fn read(paths: &[PathBuf], output: &mut Output) -> Reading {
    let search = run::scenario_files(paths);
    let mut reading = Reading { scenarios: Vec::new(), wrong_count: 0, exit: Exit::AllHold };
    for dead_end in &search.dead_ends {
        output.error(&dead_end.to_string());
        reading.exit = Exit::Wrong;
    }
    for file in search.files {
        match bug::caught(|| run::load(&file.path)) {
            Ok(Ok(plans)) => reading.scenarios.push(Loaded { file, plans }),
            Ok(Err(rejection)) => {
                let (width, colour) = (output.complaint_width(), output.complaint_colour());
                output.complain(&rejection.render(width, colour));
                reading.wrong_count += 1;
                reading.exit = reading.exit.max(Exit::Wrong);
            }
            Err(bug) => {
                bug.report(&file.path.display().to_string(), output);
                reading.exit = Exit::Bug;
            }
        }
    }
    reading
}
