//! The command line: arguments in, text and an exit code out.
//!
//! Everything that multiverse knows comes from the library; here is only what a terminal needs:
//! arguments, files to write, colours, widths, and the exit code. The code is the worst of what
//! was met, so one broken file among many neither hides the others nor is hidden by them.

mod assumptions;
mod bench;
mod bug;
mod check;
mod compare;
mod diagram;
mod export_files;
mod gallery;
mod init;
mod output;
mod reading;
mod report_files;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use output::Output;

/// What a whole invocation came to. Ordered: a later one outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// All that had to hold holds.
    AllHold,
    /// A check failed.
    CheckFailed,
    /// A scenario, an argument, or a path is wrong.
    Wrong,
    /// multiverse itself is wrong: it panicked, or a trace breaks an invariant.
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  everything that had to hold holds
  1  a check failed
  2  a scenario or an argument is wrong
  3  a bug in multiverse";

/// Replays scenarios of several Dataverse instances in virtual time, and checks what happened
#[derive(Debug, Parser)]
#[command(name = "multiverse", version, max_term_width = 100, after_help = EXIT_CODES)]
#[command(arg_required_else_help = true, subcommand_required = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Whether to use colours; `auto` also heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Colour::Auto)]
    #[arg(display_order = 100)]
    color: Colour,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay scenarios, tell what happened, and check what must hold
    Run(run::Arguments),
    /// Read scenarios and report every mistake in them, without running anything
    Check(check::Arguments),
    /// Compare the variants of scenarios: what one gains over another, and what that costs
    Compare(compare::Arguments),
    /// Draw which requests trigger which plug-in steps, and where that goes round in circles
    Diagram(diagram::Arguments),
    /// Write the reports of many scenarios, and a page that leads to them by their documents
    Gallery(gallery::Arguments),
    /// Run scenarios for their figures: throughput, waits, deadlocks and wasted work
    Bench(bench::Arguments),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// List every behaviour that no source states, with its place in the code
    Assumptions(assumptions::Arguments),
    /// Write a small commented scenario to start from
    Init {
        /// The folder to write it to; created if it is missing
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

impl From<Colour> for anstream::ColorChoice {
    fn from(colour: Colour) -> Self {
        match colour {
            Colour::Auto => Self::Auto,
            Colour::Always => Self::Always,
            Colour::Never => Self::Never,
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    bug::watch();
    bug::caught(|| {
        let arguments = match Arguments::try_parse() {
            Ok(arguments) => arguments,
            Err(answer) => return answered(&answer),
        };
        let mut output = Output::new(arguments.color.into());
        let exit = match &arguments.command {
            Command::Run(arguments) => run::run(arguments, &mut output),
            Command::Check(arguments) => check::check(arguments, &mut output),
            Command::Compare(arguments) => compare::compare(arguments, &mut output),
            Command::Diagram(arguments) => diagram::draw(arguments, &mut output),
            Command::Gallery(arguments) => gallery::gallery(arguments, &mut output),
            Command::Bench(arguments) => bench::bench(arguments, &mut output),
            Command::Schema => schema(&mut output),
            Command::Assumptions(arguments) => assumptions::list(arguments, &mut output),
            Command::Init { folder } => init::init(folder, &mut output),
        };
        exit.max(output.finish())
    })
    .unwrap_or_else(|bug| {
        bug.report("multiverse", &mut Output::new(anstream::ColorChoice::Auto));
        Exit::Bug
    })
    .into()
}

/// Prints what clap has to say instead of arguments: help, the version, or what is wrong.
fn answered(answer: &clap::Error) -> Exit {
    // A reader who closed the pipe early has seen enough.
    let _ = answer.print();
    if answer.use_stderr() { Exit::Wrong } else { Exit::AllHold }
}

fn schema(output: &mut Output) -> Exit {
    output.print(&format!("{:#}\n", multiverse::scenario::schema()));
    Exit::AllHold
}
