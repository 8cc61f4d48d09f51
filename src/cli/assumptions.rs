//! `multiverse assumptions`: what is taken for true and no source states.

use clap::ValueEnum;
use multiverse::assumptions;

use super::Exit;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to print: a list for people, or one for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Prints the list.
pub fn list(arguments: &Arguments, output: &mut Output) -> Exit {
    output.print(&match arguments.format {
        Format::Text => assumptions::text(output.width()),
        Format::Json => format!("{:#}\n", assumptions::json()),
    });
    Exit::AllHold
}
