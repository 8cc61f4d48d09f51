//! The command line of multiverse: `multiverse --help` says what it does.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod cli;

/// Rows and requests are many small allocations, at which this allocator is the faster one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
