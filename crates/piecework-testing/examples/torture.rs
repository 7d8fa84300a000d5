//! Runs a bout of torture: `cargo xtask torture`.
#![allow(clippy::print_stderr)]

use std::io::stderr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use piecework_testing::torture::{self, Options};

const USAGE: &str = "\
usage: torture [--minutes N] [--seed S] [--pause MILLISECONDS] [--keep]

  --minutes N            how long blows fall; the rest then drains (default 2)
  --seed S               what they follow from (default: another one each time)
  --pause MILLISECONDS   the time between two blows, on average (default 400)
  --keep                 keep logs and records even if all is well";

fn main() -> ExitCode {
    let done = options().and_then(|options| {
        torture::run(&options, &mut stderr()).map_err(|error| format!("error: {error}"))
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let mut options = Options {
        lasts: Duration::from_secs(2 * 60),
        seed: now.as_secs(),
        pause: Duration::from_millis(400),
        programs: PathBuf::from("tests/torture"),
        keep: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{USAGE}"));
        match word.as_str() {
            "--minutes" => options.lasts = Duration::from_secs_f64(number::<f64>(value)? * 60.0),
            "--seed" => options.seed = number(value)?,
            "--pause" => options.pause = Duration::from_millis(number(value)?),
            "--keep" => options.keep = true,
            _ => return Err(format!("unknown option `{word}`\n\n{USAGE}")),
        }
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(
    value: impl FnOnce() -> Result<String, String>,
) -> Result<T, String> {
    let text = value()?;
    text.parse().map_err(|_| format!("`{text}` is no number that fits here\n\n{USAGE}"))
}
