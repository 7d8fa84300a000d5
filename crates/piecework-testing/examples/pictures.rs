//! Draws the pictures of the documentation into the folder that is named: `cargo xtask pictures`.
#![allow(clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// As long as a small picture may take to be made smaller.
const PACE: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: pictures FOLDER");
        return ExitCode::FAILURE;
    };
    match piecework_testing::draw(Path::new(&folder), PACE) {
        Ok(files) => {
            files.iter().for_each(|file| eprintln!("    {}", file.display()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
