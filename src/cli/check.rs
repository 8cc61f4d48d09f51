//! `multiverse check`: every mistake in scenario files, without running them.

use std::path::PathBuf;

use multiverse::words::visible;

use super::Exit;
use super::output::Output;
use super::reading::{self, Loaded};

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
    let reading = reading::read(&arguments.paths, output);
    if arguments.quiet {
        return reading.exit;
    }
    for Loaded { file, plans } in &reading.scenarios {
        let checks = plans.iter().map(|plan| plan.expectations.len()).sum();
        let (runs, checks) = (counted(plans.len(), "run"), counted(checks, "check"));
        let path = file.path.display().to_string();
        output.print(&format!("{}: {runs}, {checks}\n", visible(&path)));
    }
    let count = reading.scenarios.len() + reading.wrong_count;
    if count > 1 {
        let scenarios = counted(count, "scenario");
        let verdict = match reading.wrong_count {
            0 => "no mistakes".to_owned(),
            count => format!("{count} with mistakes"),
        };
        output.print(&format!("\n{scenarios}: {verdict}.\n"));
    }
    reading.exit
}

/// `1 check`, `2 checks`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
