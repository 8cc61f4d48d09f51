//! The command line of multiverse: `multiverse --help` says what it does.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
