//! `multiverse compare`: the variants of a scenario side by side.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use multiverse::engine::RunOptions;
use multiverse::plan::Plan;
use multiverse::report::{self, StoryOptions, Verbosity};
use multiverse::run::{self, Run, SweepOptions};
use multiverse::words::{ActorId, visible};

use super::output::Output;
use super::reading::{self, Loaded};
use super::report_files::ReportFiles;
use super::{Exit, bug};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Scenario files with variants, or folders with such files (*.yaml) in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Compare only these variants, the first with each of the others; repeatable
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,

    /// The seed of all randomness, instead of the scenarios' own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Who begins earlier or later in the strips [default: the later of two who meet at a lock]
    #[arg(long, value_name = "ACTOR")]
    shift: Option<String>,

    /// How many starts the strips try; 0 for no strips
    #[arg(long, value_name = "COUNT", default_value_t = 81)]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=1001))]
    starts: u16,

    /// How many milliseconds earlier and later they reach [default: as long as the two work]
    #[arg(long, value_name = "MILLISECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400_000))]
    reach: Option<u32>,

    /// Write it as an HTML page: one scenario to this file, several into this folder
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,

    /// Print only the sentences
    #[arg(short, long)]
    quiet: bool,

    /// Set the text to this many columns [default: the terminal's width, or 100]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..=1000))]
    width: Option<u16>,

    /// Use only ASCII marks and lines
    #[arg(long)]
    ascii: bool,
}

/// Compares the variants of each scenario.
pub fn compare(arguments: &Arguments, output: &mut Output) -> Exit {
    let reading = reading::read(&arguments.paths, output);
    let mut exit = reading.exit;
    let files = arguments.report.clone();
    let files = files.map(|path| ReportFiles::new(path, reading.scenarios.len())).transpose();
    let files = match files {
        Ok(files) => files,
        Err(complaint) => {
            output.error(&complaint);
            return exit.max(Exit::Wrong);
        }
    };
    let mut compared = 0;
    for Loaded { file, plans } in &reading.scenarios {
        let path = visible(&file.path.display().to_string()).into_owned();
        match chosen(plans, arguments) {
            Ok(None) => {}
            Ok(Some((plans, actor))) => {
                compared += 1;
                match bug::caught(|| {
                    let of = (&*file.name, &plans[..]);
                    comparison(of, actor, arguments, files.as_ref(), output)
                }) {
                    Ok(Ok(text)) => output.print(&text),
                    Ok(Err(complaint)) => {
                        output.error(&format!("{path}: {complaint}"));
                        exit = exit.max(Exit::Wrong);
                    }
                    Err(bug) => {
                        bug.report(&path, output);
                        exit = Exit::Bug;
                    }
                }
            }
            Err(complaint) => {
                output.error(&format!("{path}: {complaint}"));
                exit = exit.max(Exit::Wrong);
            }
        }
    }
    if compared == 0 && exit == Exit::AllHold {
        output.error("there is nothing to compare: no scenario here has variants");
        exit = Exit::Wrong;
    }
    exit
}

/// The plans to compare, and who is moved; `None` for a scenario without variants.
type Chosen = Option<(Vec<Arc<Plan>>, Option<ActorId>)>;

fn chosen(plans: &[Arc<Plan>], arguments: &Arguments) -> Result<Chosen, String> {
    let named = |name: &String| {
        let found = plans.iter().find(|plan| plan.variant.as_deref() == Some(name));
        found.cloned().ok_or_else(|| {
            let known = plans.iter().filter_map(|plan| plan.variant.as_deref());
            no_such("variant", name, known)
        })
    };
    let chosen = match &arguments.variant[..] {
        [] => plans.to_vec(),
        names => names.iter().map(named).collect::<Result<_, _>>()?,
    };
    if chosen.len() < 2 {
        return match arguments.variant.len() {
            1 => Err("two variants at least are compared".to_owned()),
            _ => Ok(None),
        };
    }
    let Some(name) = &arguments.shift else { return Ok(Some((chosen, None))) };
    let actors = &chosen[0].actors;
    let Some(position) = actors.iter().position(|actor| *actor.name == **name) else {
        return Err(no_such("actor", name, actors.iter().map(|actor| &*actor.name)));
    };
    Ok(Some((chosen, u32::try_from(position).ok().map(ActorId))))
}

fn no_such<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let known: Vec<String> = known.map(|it| format!("`{}`", visible(it))).collect();
    format!("no {what} `{}`; there are {}", visible(name), known.join(", "))
}

fn comparison(
    (name, plans): (&str, &[Arc<Plan>]),
    actor: Option<ActorId>,
    arguments: &Arguments,
    files: Option<&ReportFiles>,
    output: &Output,
) -> Result<String, String> {
    let options = RunOptions { seed: arguments.seed, ..RunOptions::default() };
    let run = |plan| run::run(plan, &options).map_err(|error| error.to_string());
    let runs = plans.iter().map(run).collect::<Result<Vec<Run>, _>>()?;
    let traces: Vec<_> = runs.iter().map(|run| &run.trace).collect();
    let reach = arguments.reach.map(|it| Duration::from_millis(u64::from(it)));
    let wanted = SweepOptions { actor, reach, starts: arguments.starts };
    let sweep = match arguments.starts {
        0 => None,
        _ => run::sweep(plans, &traces, &options, &wanted).map_err(|error| error.to_string())?,
    };
    let told = StoryOptions {
        width: arguments.width.map_or_else(|| output.width(), usize::from),
        colour: output.colour(),
        ascii: arguments.ascii,
        verbosity: if arguments.quiet { Verbosity::Quiet } else { Verbosity::Normal },
    };
    let runs: Vec<_> = runs.iter().map(Run::reported).collect();
    if let Some(files) = files {
        files.write_page(name, &report::compared(&runs, sweep.as_ref()))?;
    }
    Ok(report::comparison(&runs, sweep.as_ref(), &told) + "\n")
}
