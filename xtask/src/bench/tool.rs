//! The tools that are compared: each runs a program once for each line of its input, two at a time.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::packages::{self, Packages};
use super::surroundings::said;
use crate::step::{Outcome, answers, command};

/// What each tool runs at a time: what the smallest machines of today have cores for.
const JOBS: usize = 2;

/// A program that writes when it started, in nanoseconds since 1970, for an argument that says so.
const CLOCK: (&str, &str) = ("date", "+%s%N");

/// What runs a program once for each line under HyperQueue, which knows jobs and no lines.
const HYPERQUEUE: &str = "tests/interop/scripts/hyperqueue_map.py";

/// Somebody who runs commands.
#[derive(Debug)]
pub(crate) enum Tool {
    /// What no tool can undercut: a loop around the standard library's `Command`, that is, around
    /// `posix_spawn` and `wait`.
    Floor,
    /// A program with its words, to which the words of the command are added.
    Program { name: &'static str, program: PathBuf, words: &'static [&'static str], is: String },
}

impl Tool {
    /// All that are here, the floor and xargs first; `map` is the command under test, and what has
    /// to be fetched lies in `folder`.
    pub(crate) fn all(map: PathBuf, folder: &Path) -> Outcome<Vec<Self>> {
        let program = |name, program: PathBuf, words| {
            let is = said(&program.to_string_lossy(), &["--version"]);
            Self::Program { name, program, words, is }
        };
        let mut tools = vec![
            Self::Floor,
            program("xargs", "xargs".into(), &["-P2", "-n1"]),
            program("piecework map", map, &["map", "-j2"]),
        ];
        let mut question = command("parallel");
        question.arg("--version");
        if answers(question) {
            // Without anybody's settings, and without the plea for citation.
            let words = &["--plain", "--will-cite", "-j2"];
            tools.push(program("GNU parallel", "parallel".into(), words));
        }
        let fetched = Packages::find(folder, &[packages::HYPERQUEUE])?;
        if fetched.there().next().is_some() {
            let (_, is) = fetched.versions().next().expect("one was asked for");
            let program = fetched.python().to_owned();
            tools.push(Self::Program { name: "HyperQueue", program, words: &[HYPERQUEUE], is });
        }
        Ok(tools)
    }

    /// What tables call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Floor => "the floor",
            Self::Program { name, .. } => name,
        }
    }

    /// The command line, and the version of that.
    pub(crate) fn version(&self) -> Option<(String, String)> {
        let Self::Program { program, words, is, .. } = self else { return None };
        let file = program.file_name().unwrap_or_default().to_string_lossy();
        Some((format!("{file} {}", words.join(" ")), is.clone()))
    }

    /// How long it takes to run a program once for each line of a file.
    pub(crate) fn time(&self, program: &str, input: &Path) -> Outcome<Duration> {
        let begin = Instant::now();
        match self {
            Self::Floor => floor(program, input)?,
            Self::Program { .. } => drop(self.run(&[program], input, Stdio::null())?),
        }
        Ok(begin.elapsed())
    }

    /// How long it takes from the start of the tool to that of its first command.
    pub(crate) fn start_up(&self, folder: &Path) -> Outcome<Duration> {
        let (clock, word) = CLOCK;
        let input = folder.join("clock");
        std::fs::write(&input, word).map_err(|error| failed(&input, &error))?;
        let began = now();
        let told = match self {
            Self::Floor => {
                let told = Command::new(clock).arg(word).output();
                told.map_err(|error| failed(clock.as_ref(), &error))?.stdout
            }
            Self::Program { .. } => self.run(&[clock], &input, Stdio::piped())?,
        };
        let told = String::from_utf8_lossy(&told);
        let nanos: u64 = told.trim().parse().map_err(|_| {
            format!("`{clock} {word}` under {} said {told:?}, no number: is it GNU's?", self.name())
        })?;
        Ok(Duration::from_nanos(nanos).saturating_sub(began))
    }

    /// Runs the tool to its end, and returns what it wrote.
    fn run(&self, words: &[&str], input: &Path, stdout: Stdio) -> Outcome<Vec<u8>> {
        let Self::Program { program, words: own, .. } = self else { return Ok(Vec::new()) };
        let mut tool = command(program);
        tool.args(*own).args(words).env("PIECEWORK_CONFIG", ""); // nobody's settings here, either
        tool.stdin(File::open(input).map_err(|error| failed(input, &error))?);
        // Not the terminal, where some would show their progress.
        tool.stdout(stdout).stderr(Stdio::piped());
        let told = tool.spawn().and_then(|running| running.wait_with_output());
        let told = told.map_err(|error| failed(program, &error))?;
        if told.status.success() {
            return Ok(told.stdout);
        }
        let talk = String::from_utf8_lossy(&told.stderr);
        Err(format!("{} {} ({}): {talk}", program.display(), own.join(" "), told.status))
    }
}

/// Runs a program once for each line of a file, with the standard library and nothing else.
fn floor(program: &str, input: &Path) -> Outcome {
    let lines = BufReader::new(File::open(input).map_err(|error| failed(input, &error))?).lines();
    let lines = Mutex::new(lines);
    let next = || lines.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(line) = next() {
            let line = line.map_err(|error| failed(input, &error))?;
            let status = Command::new(program).arg(line).status();
            let status = status.map_err(|error| failed(program.as_ref(), &error))?;
            if !status.success() {
                return Err(format!("{program}: {status}"));
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let working: Vec<_> = (0..JOBS).map(|_| scope.spawn(work)).collect();
        working.into_iter().try_for_each(|work| work.join().expect("the loop does not panic"))
    })
}

/// The time of day, which is all that a command can tell us.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn failed(what: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", what.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_runs_each_line_and_tells_what_fails() {
        let folder = std::env::temp_dir().join(format!("piecework-floor-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let input = folder.join("lines");
        for (lines, ends_well) in [("0\n0\n0\n", true), ("0\n0\nno-number\n", false), ("", true)] {
            std::fs::write(&input, lines).unwrap();
            assert_eq!(floor("sleep", &input).is_ok(), ends_well, "{lines:?}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
