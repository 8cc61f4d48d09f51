//! Runs as one JSON document, for programs.
//!
//! The document is `{"format": "multiverse report", "version": 1, "runs": [...]}`. Within a
//! version, keys keep their meaning and their order; new keys may come. Times are whole
//! microseconds of simulated time.

use serde::Serialize;

use crate::check::{Check, History, Violation};
use crate::report::{Metrics, Run};

/// The version of the document.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    runs: Vec<RunReport<'a>>,
}

#[derive(Serialize)]
struct RunReport<'a> {
    scenario: &'a str,
    file: &'a str,
    variant: Option<&'a str>,
    seed: u64,
    start: String,
    holds: bool,
    checks: &'a [Check],
    violations: &'a [Violation],
    metrics: Metrics,
}

/// These runs as a JSON document, indented, with a newline at its end.
pub fn json(runs: &[Run]) -> String {
    let runs = runs
        .iter()
        .map(|run| {
            let header = &run.trace.header;
            RunReport {
                scenario: &header.title,
                file: &header.file,
                variant: header.variant.as_deref(),
                seed: header.seed,
                start: header.start.to_string(),
                holds: run.verdict.holds(),
                checks: &run.verdict.checks,
                violations: &run.verdict.violations,
                metrics: Metrics::of(&History::of(run.trace)),
            }
        })
        .collect();
    let document = Document { format: "multiverse report", version: VERSION, runs };
    // Texts and numbers under fixed keys always serialise, and a string takes every write.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
