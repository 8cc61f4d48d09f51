//! `multiverse bench`: what scenarios come to in figures, a table of each file's variants.
//!
//! The figures are simulated and the same every time, except the real time: how long a run takes
//! here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use multiverse::check::History;
use multiverse::engine::{self, RunOptions};
use multiverse::plan::Plan;
use multiverse::report::Metrics;
use multiverse::words::{format_duration, visible};
use unicode_width::UnicodeWidthStr as _;

use super::output::Output;
use super::reading::{self, Loaded};
use super::{Exit, bug};

/// What stands over the columns. The last one is the variant's name, which may be long.
const HEADS: [&str; 11] = [
    "simulated",
    "committed",
    "a second",
    "waits",
    "longest wait",
    "all waits",
    "deadlocks",
    "rolled back",
    "wasted work",
    "real time",
    "variant",
];

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Scenario files, or folders with scenario files (*.yaml) in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Run each so often; the real time is the median
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,

    /// Use this seed in place of the files' own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Runs the scenarios and prints their figures.
pub fn bench(arguments: &Arguments, output: &mut Output) -> Exit {
    let reading = reading::read(&arguments.paths, output);
    let mut exit = reading.exit;
    let options = RunOptions { seed: arguments.seed, ..RunOptions::default() };
    for Loaded { file, plans } in &reading.scenarios {
        let path = file.path.display().to_string();
        let mut lines = vec![HEADS.map(str::to_owned)];
        for plan in plans {
            match bug::caught(|| measured(plan, &options, arguments.runs)) {
                Ok(Ok(line)) => lines.push(line),
                Ok(Err(error)) => {
                    output.error(&format!("{}: {error}", visible(&path)));
                    exit = exit.max(Exit::Wrong);
                }
                Err(bug) => {
                    bug.report(&path, output);
                    exit = Exit::Bug;
                }
            }
        }
        if let (Some(plan), true) = (plans.first(), lines.len() > 1) {
            output.print(&format!("{}\n{}\n", visible(&plan.title), table(&lines)));
        }
    }
    exit
}

/// Runs a plan several times and tells its figures.
#[allow(clippy::disallowed_methods, reason = "how long a run takes here is what is asked")]
fn measured(
    plan: &Arc<Plan>,
    options: &RunOptions,
    runs: u16,
) -> Result<[String; HEADS.len()], engine::PlanError> {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..runs {
        let begun = std::time::Instant::now();
        let trace = engine::run(plan, options)?;
        times.push(begun.elapsed());
        last = Some(trace);
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let metrics = last.map(|trace| Metrics::of(&History::of(&trace))).unwrap_or_default();
    let variant = plan.variant.as_deref().unwrap_or("the only one");
    Ok(figures(&metrics, median, visible(variant).to_string()))
}

/// A line of the table.
fn figures(metrics: &Metrics, median: Duration, variant: String) -> [String; HEADS.len()] {
    let time = |us| format_duration(Duration::from_micros(us));
    [
        time(metrics.simulated_us),
        metrics.commits.to_string(),
        format!("{:.1}", metrics.commits_a_second()),
        metrics.waits.to_string(),
        time(metrics.longest_wait_us),
        time(metrics.total_wait_us),
        metrics.deadlocks.to_string(),
        metrics.rollbacks.to_string(),
        format!("{:.1} %", 100.0 * metrics.wasted_share()),
        format_duration(median),
        variant,
    ]
}

/// The lines with their columns one below the other: all to the right but for the last.
fn table(lines: &[[String; HEADS.len()]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].width()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            if column + 1 < line.len() {
                let space = width(column) - cell.width();
                text += &format!("{}{cell}  ", " ".repeat(space));
            } else {
                text += cell;
            }
        }
        text.push('\n');
    }
    text
}
