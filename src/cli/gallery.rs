//! `multiverse gallery`: reports of many scenarios, and a page that leads to them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use multiverse::engine::RunOptions;
use multiverse::report::{self, Exhibit};
use multiverse::run::{self, Run};
use multiverse::words::visible;

use super::export_files::write_whole;
use super::output::Output;
use super::reading::{self, Loaded};
use super::report_files::ReportFiles;
use super::{Exit, bug};

/// The folder of the reports, beside the page that leads to them.
const REPORTS: &str = "reports";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Scenario files, or folders with scenario files (*.yaml) in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The folder to write to: index.html, and a report for each scenario
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// The seed of all randomness, instead of the scenarios' own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Runs the scenarios and writes their reports, and the page last.
pub fn gallery(arguments: &Arguments, output: &mut Output) -> Exit {
    let reading = reading::read(&arguments.paths, output);
    let mut exit = reading.exit;
    if arguments.out.exists() && !arguments.out.is_dir() {
        let path = arguments.out.display();
        output.error(&format!("`{path}` is no folder: name one for the page and the reports"));
        return exit.max(Exit::Wrong);
    }
    let files = ReportFiles::Folder(arguments.out.join(REPORTS));
    let options = RunOptions { seed: arguments.seed, ..RunOptions::default() };
    let mut names = BTreeSet::new();
    let mut exhibits = Vec::new();
    let count = reading.scenarios.len();
    for (done, loaded) in reading.scenarios.iter().enumerate() {
        output.progress(done, count, &loaded.file.name);
        let path = loaded.file.path.display().to_string();
        let name = free_name(&loaded.file.name, &mut names);
        match bug::caught(|| exhibit(loaded, &name, &files, &options)) {
            Ok(Ok((exhibit, came_to))) => {
                exhibits.extend(exhibit);
                exit = exit.max(came_to);
            }
            Ok(Err(complaint)) => {
                output.error(&format!("{}: {complaint}", visible(&path)));
                exit = exit.max(Exit::Wrong);
            }
            Err(bug) => {
                bug.report(&path, output);
                exit = Exit::Bug;
            }
        }
    }
    output.progress(count, count, "");
    let index = arguments.out.join("index.html");
    match write_whole(&index, &report::gallery(&exhibits)) {
        Ok(()) => {
            let reports = super::check::counted(exhibits.len(), "report");
            output.print(&format!("{reports}, from {}\n", index.display()));
        }
        Err(error) => {
            output.error(&format!("cannot write the page `{}`: {error}", index.display()));
            exit = exit.max(Exit::Wrong);
        }
    }
    exit
}

/// Runs a scenario and writes its report.
fn exhibit(
    loaded: &Loaded,
    name: &str,
    files: &ReportFiles,
    options: &RunOptions,
) -> Result<(Option<Exhibit>, Exit), String> {
    let run = |plan| run::run(plan, options).map_err(|error| error.to_string());
    let runs = loaded.plans.iter().map(run).collect::<Result<Vec<Run>, _>>()?;
    files.write(name, &runs)?;
    let is_sound = runs.iter().all(|run| run.verdict.violations.is_empty());
    let holds = runs.iter().all(|run| run.verdict.holds());
    let exit = match (is_sound, holds) {
        (false, _) => Exit::Bug,
        (true, false) => Exit::CheckFailed,
        (true, true) => Exit::AllHold,
    };
    let runs: Vec<_> = runs.iter().map(Run::reported).collect();
    Ok((Exhibit::of(&runs, format!("{REPORTS}/{name}.html")), exit))
}

/// A name that no other scenario has.
fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    let free = candidates.find(|it| !taken.contains(it)).unwrap_or_default();
    taken.insert(free.clone());
    free
}
