//! `multiverse diagram`: what triggers what in a scenario, as a graph.

use std::path::PathBuf;

use clap::ValueEnum;
use multiverse::engine::RunOptions;
use multiverse::report::{self, DiagramFormat};
use multiverse::run;

use super::Exit;
use super::output::Output;
use super::reading;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The scenario file
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// The variant to draw, instead of the first
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,

    /// Run it, and tell how often each request and step was seen
    #[arg(long)]
    run: bool,

    /// For Graphviz, for Mermaid, or as a picture
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Dot,
    Mermaid,
    Svg,
}

/// Prints the diagram.
pub fn draw(arguments: &Arguments, output: &mut Output) -> Exit {
    let reading = reading::read(std::slice::from_ref(&arguments.path), output);
    let wanted = arguments.variant.as_deref();
    let mut plans = reading.scenarios.iter().flat_map(|it| &it.plans);
    let found = plans.find(|it| wanted.is_none() || it.variant.as_deref() == wanted);
    let Some(plan) = found else {
        if let (Some(variant), Exit::AllHold) = (wanted, reading.exit) {
            output.error(&format!("no variant `{variant}` in `{}`", arguments.path.display()));
        }
        return reading.exit.max(Exit::Wrong);
    };
    let trace = match arguments.run.then(|| run::run(plan, &RunOptions::default())).transpose() {
        Ok(run) => run.map(|it| it.trace),
        Err(refusal) => {
            output.error(&refusal.to_string());
            return Exit::Wrong;
        }
    };
    let format = match arguments.format {
        Format::Dot => DiagramFormat::Dot,
        Format::Mermaid => DiagramFormat::Mermaid,
        Format::Svg => DiagramFormat::Svg,
    };
    output.print(&report::diagram(plan, trace.as_ref(), format));
    reading.exit
}
