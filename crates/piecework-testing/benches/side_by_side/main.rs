//! Piecework and its peers in one run: `cargo xtask bench durable` starts it and makes tables of
//! what it tells.
//!
//! Each figure is a line on stdout as soon as it is known: what was varied, a role, a name and the
//! figure itself, with tabs between. The load is in [`load`], who is measured in [`peer`].

mod durable;
mod floor;
mod item;
mod load;
mod peer;
mod server;
mod words;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use words::Words;

fn main() -> ExitCode {
    match Words::parse(std::env::args().skip(1)).and_then(|words| run(&words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // To whom, if that fails too?
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The servers' files lie in a folder of this name, and in nothing else that is removed.
const RUNNING: &str = "running";

fn run(words: &Words) -> Result<(), String> {
    let folder = words.folder.join(RUNNING);
    let failed = |error| format!("{}: {error}", folder.display());
    // What a run leaves behind that was killed.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    let outcome = match words.what.as_str() {
        "durable" => durable::run(words, &folder).map_err(|error| error.to_string()),
        unknown => Err(format!("`{unknown}` is not measured: there is `durable`")),
    };
    fs::remove_dir_all(&folder).map_err(failed)?;
    outcome
}

/// Tells a figure to whoever makes a table of it; if he is gone, the run ends.
fn tell(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
