//! `multiverse check`: every mistake in scenario files, without running them.

use std::path::PathBuf;

use multiverse::run;

use super::output::Output;
use super::{Exit, bug};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Scenario files, or folders with scenario files (*.yaml) in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Say nothing of files without mistakes
    #[arg(short, long)]
    quiet: bool,
}

/// Reads the scenarios and reports every mistake in them.
pub fn check(arguments: &Arguments, output: &mut Output) -> Exit {
    let search = run::scenario_files(&arguments.paths);
    let mut exit = Exit::AllHold;
    for dead_end in &search.dead_ends {
        output.complain(&format!("error: {dead_end}"));
        exit = exit.max(Exit::Wrong);
    }
    let mut wrong_count = 0;
    for file in &search.files {
        let path = file.path.display();
        match bug::caught(|| run::load(&file.path)) {
            Ok(Ok(plans)) if !arguments.quiet => {
                let checks = plans.iter().map(|plan| plan.expectations.len()).sum();
                let parts = [counted(plans.len(), "run"), counted(checks, "check")];
                output.print(&format!("{path}: {}\n", parts.join(", ")));
            }
            Ok(Ok(_)) => {}
            Ok(Err(rejection)) => {
                let (width, colour) = (output.complaint_width(), output.complaint_colour());
                output.complain(&rejection.render(width, colour));
                wrong_count += 1;
                exit = exit.max(Exit::Wrong);
            }
            Err(bug) => {
                output.complain(&format!("{path}:"));
                bug.report(output);
                exit = Exit::Bug;
            }
        }
    }
    if search.files.len() > 1 && !arguments.quiet {
        let scenarios = counted(search.files.len(), "scenario");
        let verdict = match wrong_count {
            0 => "no mistakes".to_owned(),
            count => format!("{count} with mistakes"),
        };
        output.print(&format!("\n{scenarios}: {verdict}.\n"));
    }
    exit
}

/// `1 check`, `2 checks`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
