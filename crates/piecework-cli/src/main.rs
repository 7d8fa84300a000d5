//! The `piecework` program: parses, runs, prints the error, picks the exit code.

use std::process::ExitCode;

/// 15 us less of processor time for each command that `map` starts than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    piecework_cli::run(std::env::args_os())
}
