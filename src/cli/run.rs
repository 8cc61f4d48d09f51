//! `multiverse run`: scenarios in, their stories and verdicts out.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use multiverse::check::Verdict;
use multiverse::engine::RunOptions;
use multiverse::plan::Plan;
use multiverse::report::{self, Format, StoryOptions, Verbosity};
use multiverse::run::{self, Run, ScenarioFile};
use multiverse::words::{SimInstant, format_duration, visible};

use super::check::counted;
use super::export_files::{Export, ExportFiles};
use super::output::{Output, progress};
use super::reading::{self, Loaded, Reading};
use super::report_files::ReportFiles;
use super::{Exit, bug};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Scenario files, or folders with scenario files (*.yaml) in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Run only this variant, of the scenarios that have it
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,

    /// The seed of all randomness, instead of the scenarios' own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// What to print: a story for people, or verdicts for programs and build servers
    #[arg(long, value_enum, default_value_t = Printed::Text)]
    format: Printed,

    /// Write what happened as JSON lines: one run to this file, several into this folder
    #[arg(long, value_name = "PATH")]
    trace: Option<PathBuf>,

    /// Write it as OpenTelemetry spans (OTLP JSON), in the same way
    #[arg(long, value_name = "PATH")]
    otel: Option<PathBuf>,

    /// Write it in another format: mermaid, perfetto, dot, xdl, csv, svg, jsonl or otel; repeatable
    #[arg(long, value_name = "FORMAT=PATH")]
    export: Vec<Export>,

    /// Write an HTML page with timeline, story and checks: of one scenario to this file, of several
    /// into this folder
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,

    /// Draw time, locks and outages instead of telling the story
    #[arg(long)]
    timeline: bool,

    /// Print only the verdicts
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Print every event
    #[arg(short, long)]
    verbose: bool,

    /// Set the text to this many columns [default: the terminal's width, or 100]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..=1000))]
    width: Option<u16>,

    /// Use only ASCII marks and lines
    #[arg(long)]
    ascii: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Printed {
    // Plain comments: documentation here would make the help of `run` three times as long.
    // The run's story and its checks.
    Text,
    // Verdicts and figures, for programs.
    Json,
    // Test results, for build servers.
    Junit,
}

/// From this many runs on, progress is told on the terminal.
const PROGRESS_FROM: usize = 10;

/// Replays the scenarios, and answers how they did.
pub fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let Reading { mut scenarios, exit, .. } = reading::read(&arguments.paths, output);
    if let Some(variant) = &arguments.variant
        && let Err(complaint) = choose_variant(&mut scenarios, variant)
    {
        output.error(&complaint);
        return exit.max(Exit::Wrong);
    }
    let run_count = scenarios.iter().map(|it| it.plans.len()).sum();
    let short = [(Format::Jsonl, &arguments.trace), (Format::Otel, &arguments.otel)];
    let short =
        short.into_iter().filter_map(|(format, path)| Some(Export { format, path: path.clone()? }));
    let wanted = short.chain(arguments.export.iter().cloned());
    let files = wanted.map(|export| ExportFiles::new(export, run_count));
    let export_files = match files.collect::<Result<Vec<_>, _>>() {
        Ok(files) => files,
        Err(complaint) => {
            output.error(&complaint);
            return exit.max(Exit::Wrong);
        }
    };
    let report_files =
        arguments.report.clone().map(|path| ReportFiles::new(path, scenarios.len())).transpose();
    let report_files = match report_files {
        Ok(files) => files,
        Err(complaint) => {
            output.error(&complaint);
            return exit.max(Exit::Wrong);
        }
    };
    let mut session = Session {
        story: StoryOptions {
            width: arguments.width.map_or_else(|| output.width(), usize::from),
            colour: output.colour(),
            ascii: arguments.ascii,
            verbosity: match (arguments.quiet, arguments.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
        },
        format: arguments.format,
        timeline: arguments.timeline,
        options: RunOptions { seed: arguments.seed, ..RunOptions::default() },
        run_count,
        begun: 0,
        export_files,
        report_files,
        page: Vec::new(),
        output,
        exit,
        kept: Vec::new(),
        summary: Summary::default(),
    };
    for Loaded { file, plans } in &scenarios {
        session.summary.scenario_count += 1;
        for plan in plans {
            session.run(file, plan);
        }
        session.report(file);
    }
    session.end()
}

/// Keeps only the plans of this variant, and only the scenarios that have it.
fn choose_variant(scenarios: &mut Vec<Loaded>, variant: &str) -> Result<(), String> {
    let mut known: Vec<_> =
        scenarios.iter().flat_map(|it| &it.plans).filter_map(|plan| plan.variant.clone()).collect();
    known.sort();
    known.dedup();
    for scenario in scenarios.iter_mut() {
        scenario.plans.retain(|plan| plan.variant.as_deref() == Some(variant));
    }
    scenarios.retain(|it| !it.plans.is_empty());
    if !scenarios.is_empty() {
        return Ok(());
    }
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, variant), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 3)
        .min();
    Err(match (nearest, &known[..]) {
        (Some((_, name)), _) => format!("no variant `{variant}`; did you mean `{name}`?"),
        (None, []) => format!("no variant `{variant}`: there are no variants here"),
        (None, names) => format!("no variant `{variant}`; there are: `{}`", names.join("`, `")),
    })
}

/// The runs of one invocation, and what they came to so far.
struct Session<'a> {
    story: StoryOptions,
    format: Printed,
    timeline: bool,
    options: RunOptions,
    /// How many runs there will be, and how many have begun.
    run_count: usize,
    begun: usize,
    export_files: Vec<ExportFiles>,
    report_files: Option<ReportFiles>,
    /// The runs of the scenario that is being run, where they come on one page.
    page: Vec<Run>,
    output: &'a mut Output,
    exit: Exit,
    /// The runs, where the format needs them all at once.
    kept: Vec<Run>,
    summary: Summary,
}

impl Session<'_> {
    fn run(&mut self, file: &ScenarioFile, plan: &Arc<Plan>) {
        let is_told = self.run_count >= PROGRESS_FROM;
        if is_told {
            self.output.progress(self.begun, self.run_count, &file.name);
        }
        self.begun += 1;
        let told = bug::caught(|| {
            let mut is_shown = false;
            let run = run::run_watched(plan, &self.options, &mut |now, transitions| {
                is_shown = true;
                let at = format_duration(now.duration_since(SimInstant::START));
                progress(&format!("{}: {at} simulated, {transitions} transitions", plan.title));
            })?;
            if is_shown {
                progress("");
            }
            let story = match self.format {
                Printed::Text if self.timeline => run.timeline(&self.story),
                Printed::Text => run.story(&self.story),
                Printed::Json | Printed::Junit => String::new(),
            };
            Ok::<_, multiverse::engine::PlanError>((run, story))
        });
        if is_told {
            self.output.progress(self.run_count, self.run_count, "");
        }
        match told {
            Ok(Ok((run, story))) => self.tell(file, run, &story),
            Ok(Err(refusal)) => {
                self.output.error(&format!("{}: {refusal}", called(plan)));
                self.exit = self.exit.max(Exit::Wrong);
            }
            Err(bug) => {
                bug.report(&called(plan), self.output);
                self.exit = Exit::Bug;
            }
        }
    }

    fn tell(&mut self, file: &ScenarioFile, run: Run, story: &str) {
        if self.summary.run_count > 0 && self.story.verbosity != Verbosity::Quiet {
            self.output.print(if story.is_empty() { "" } else { "\n" });
        }
        self.output.print(story);
        self.summary.add(&run);
        if !run.verdict.violations.is_empty() {
            self.exit = self.exit.max(Exit::Bug);
        } else if !run.verdict.holds() {
            self.exit = self.exit.max(Exit::CheckFailed);
        }
        for files in &mut self.export_files {
            if let Err(complaint) = files.write(&file.name, &run.trace) {
                self.output.error(&complaint);
                self.exit = self.exit.max(Exit::Wrong);
            }
        }
        if self.report_files.is_some() {
            self.page.push(run.clone());
        }
        if self.format != Printed::Text {
            self.kept.push(run);
        }
    }

    /// Writes the page of the scenario whose runs are done.
    fn report(&mut self, file: &ScenarioFile) {
        let runs = std::mem::take(&mut self.page);
        let Some(files) = self.report_files.as_ref().filter(|_| !runs.is_empty()) else {
            return;
        };
        let written = bug::caught(|| files.write(&file.name, &runs));
        match written {
            Ok(Ok(())) => {}
            Ok(Err(complaint)) => {
                self.output.error(&complaint);
                self.exit = self.exit.max(Exit::Wrong);
            }
            Err(bug) => {
                bug.report(&file.name, self.output);
                self.exit = Exit::Bug;
            }
        }
    }

    /// Prints what is said of all runs together.
    fn end(self) -> Exit {
        let runs: Vec<_> = self.kept.iter().map(Run::reported).collect();
        match self.format {
            Printed::Text if self.summary.run_count > 1 => {
                self.output.print(&format!("\n{}", self.summary.text()));
            }
            Printed::Text => {}
            Printed::Json => self.output.print(&ended_in_line_end(report::json(&runs))),
            Printed::Junit => self.output.print(&ended_in_line_end(report::junit(&runs))),
        }
        self.exit
    }
}

fn ended_in_line_end(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The plan as a complaint names it: its file, and its variant where there are several.
fn called(plan: &Plan) -> String {
    match &plan.variant {
        Some(variant) => format!("{}, variant `{variant}`", plan.file),
        None => plan.file.clone(),
    }
}

/// What all runs of an invocation came to.
#[derive(Debug, Default)]
struct Summary {
    scenario_count: usize,
    run_count: usize,
    check_count: usize,
    /// The place and text of each failed check and each broken invariant, in order.
    failures: Vec<String>,
}

impl Summary {
    fn add(&mut self, run: &Run) {
        let Run { trace, verdict } = run;
        let Verdict { checks, violations, .. } = verdict;
        self.run_count += 1;
        self.check_count += checks.len();
        let file = &trace.header.file;
        let of_variant = match &trace.header.variant {
            Some(variant) => format!(" (variant {variant})"),
            None => String::new(),
        };
        for check in checks.iter().filter(|check| !check.holds) {
            let place = format!("{file}:{}{of_variant}", check.at.line);
            self.failures.push(format!("{place}: {}", check.text));
        }
        if !violations.is_empty() {
            let count = counted(violations.len(), "broken invariant");
            self.failures.push(format!("{file}{of_variant}: {count}"));
        }
    }

    fn text(&self) -> String {
        let counts = [
            counted(self.scenario_count, "scenario"),
            counted(self.run_count, "run"),
            counted(self.check_count, "check"),
        ];
        let mut text = counts.join(", ");
        match self.failures.len() {
            0 => text.push_str(": all hold.\n"),
            count => {
                text.push_str(&format!(": {count} failed.\n"));
                for failure in &self.failures {
                    text.push_str(&format!("  {}\n", visible(failure)));
                }
            }
        }
        text
    }
}
