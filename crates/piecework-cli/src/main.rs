//! The `piecework` program: parses, runs, prints the error, picks the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    piecework_cli::run(std::env::args_os())
}
