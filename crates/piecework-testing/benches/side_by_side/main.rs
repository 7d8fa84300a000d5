//! Piecework and its peers in one run: `cargo xtask bench durable` starts it and makes tables of
//! what it tells.
//!
//! Each figure is a line on stdout as soon as it is known: what was measured, its unit, a role, a
//! name and the figure itself, with tabs between. The load is in [`load`], who is measured in
//! [`peer`], and what is measured of whom in a module of its name.

mod caller;
mod candidate;
mod core;
mod descriptors;
mod durable;
mod floor;
mod growth;
mod item;
mod latency;
mod load;
mod memory;
mod peer;
mod pool;
mod server;
mod subject;
mod words;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use words::Words;

fn main() -> ExitCode {
    piecework::init(); // the children of a pool are this program, too
    let words: Vec<_> = std::env::args().skip(1).collect();
    let ended = match words.as_slice() {
        [word, port] if word == peer::ECHO => peer::serve_echo(port).map_err(|e| e.to_string()),
        _ => Words::parse(words.into_iter()).and_then(|words| run(&words)),
    };
    match ended {
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
    descriptors::raise();
    let outcome = match words.what.as_str() {
        "core" => core::run(words, &folder),
        "durable" => durable::run(words, &folder),
        "latency" => latency::run(words, &folder),
        "memory" => memory::run(words, &folder),
        "growth" => growth::run(words, &folder),
        "pool" => pool::run(words),
        unknown => Err(io::Error::other(format!("`{unknown}` is not measured"))),
    };
    let outcome = outcome.map_err(|error| error.to_string());
    fs::remove_dir_all(&folder).map_err(failed)?;
    outcome
}

/// Tells a figure to whoever makes a table of it; if he is gone, the run ends.
fn tell(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
