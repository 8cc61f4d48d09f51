//! `multiverse bench`: what scenarios come to in figures, each variant beside the others.
//!
//! The figures are simulated and the same every time, except the last: how long a run takes here.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use multiverse::check::History;
use multiverse::engine::{self, RunOptions};
use multiverse::plan::Plan;
use multiverse::report::Metrics;
use multiverse::trace::{Event, Trace};
use multiverse::words::{format_duration, visible};

use super::check::counted;
use super::output::Output;
use super::reading::{self, Loaded};
use super::{Exit, bug};

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
        for plan in plans {
            let path = file.path.display().to_string();
            match bug::caught(|| measured(plan, &options, arguments.runs)) {
                Ok(Ok(text)) => output.print(&text),
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
    }
    exit
}

/// Runs a plan several times and tells its figures.
#[allow(clippy::disallowed_methods, reason = "how long a run takes here is what is asked")]
fn measured(
    plan: &Arc<Plan>,
    options: &RunOptions,
    runs: u16,
) -> Result<String, engine::PlanError> {
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
    let variant = plan.variant.as_ref().map(|name| format!(" · {name}")).unwrap_or_default();
    let title = format!("{}{variant}\n", visible(&plan.title));
    let figures = last.map(|trace| figures(&trace, median, runs)).unwrap_or_default();
    Ok(title + &figures + "\n")
}

fn figures(trace: &Trace, median: Duration, runs: u16) -> String {
    let metrics = Metrics::of(&History::of(trace));
    let took = Duration::from_micros(metrics.simulated_us);
    let waits = match metrics.waits {
        0 => "0".to_owned(),
        waits => format!(
            "{waits}, the longest {}, all together {}",
            format_duration(Duration::from_micros(metrics.longest_wait_us)),
            format_duration(Duration::from_micros(metrics.total_wait_us)),
        ),
    };
    let (undone, written) = wasted(trace);
    let mut lines = vec![
        ("simulated", format_duration(took)),
        ("committed", rate(metrics.commits, "transaction", took)),
        ("requests", rate(metrics.requests + metrics.statements, "request", took)),
        ("waits", waits),
        ("deadlocks", metrics.deadlocks.to_string()),
        ("rolled back", counted(usize::try_from(metrics.rollbacks).unwrap_or(0), "transaction")),
        (
            "wasted work",
            format!(
                "{undone} of {} undone ({})",
                counted(written, "write"),
                share(undone, written)
            ),
        ),
    ];
    let times = counted(usize::from(runs), "run");
    lines.push(("real time", format!("{} (median of {times})", format_duration(median))));
    lines.iter().map(|(what, figure)| format!("  {what:<11}  {figure}\n")).collect()
}

/// How many there were, and how many that is a simulated second.
#[allow(clippy::cast_precision_loss, reason = "it is shown with one digit")]
fn rate(count: u64, noun: &str, took: Duration) -> String {
    let counted = counted(usize::try_from(count).unwrap_or(usize::MAX), noun);
    match took.is_zero() {
        true => counted,
        false => format!("{counted}, {:.1} a second", count as f64 / took.as_secs_f64()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "it is shown with one digit")]
fn share(part: usize, whole: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

/// How many writes of rows were undone, and how many there were.
fn wasted(trace: &Trace) -> (usize, usize) {
    let events = || trace.entries.iter().map(|entry| &entry.event);
    let undone: BTreeSet<_> = events()
        .filter_map(|event| match event {
            Event::RolledBack { transaction, .. } => Some(*transaction),
            _ => None,
        })
        .collect();
    let writers = events().filter_map(|event| match event {
        Event::RowWritten(written) => Some(written.transaction),
        _ => None,
    });
    let (lost, kept): (Vec<_>, Vec<_>) = writers.partition(|writer| undone.contains(writer));
    (lost.len(), lost.len() + kept.len())
}
