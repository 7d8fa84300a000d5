//! `cargo xtask fuzz`: bytes that a fuzzer makes up, against every reader of a peer's bytes.

mod build;
mod target;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use crate::python;
use crate::step::{Outcome, cargo, command, root, run as step, say, target_dir};
use target::{Figures, Target};

const SEEDS: &str = "fuzz/corpus.py";
const TARGETS: &str = "fuzz/fuzz_targets";
/// How long each target runs unless told otherwise: what continuous integration has time for.
const SECONDS: u64 = 60;

/// What the words after `fuzz` ask for.
#[derive(Debug, Default)]
struct Request {
    target: Option<String>,
    time: Option<Duration>,
    differential: bool,
}

pub(crate) fn run(words: &[&str]) -> Outcome {
    let request = Request::read(words)?;
    let targets = targets(request.target.as_deref())?;
    let place = target_dir()?.join("fuzz");
    let seeds = seeds(&place)?;
    if request.differential {
        return compare_with_python(&place, &seeds, &targets, request.time);
    }
    let programs = build::build(&place)?;
    let targets: Vec<_> = targets
        .into_iter()
        .map(|name| Target::new(name, &programs, &place, &seeds))
        .collect::<Outcome<_>>()?;
    fuzz(&targets, request.time.unwrap_or(Duration::from_secs(SECONDS)))
}

impl Request {
    fn read(words: &[&str]) -> Outcome<Self> {
        let mut request = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--differential" => request.differential = true,
                "--seconds" => {
                    let seconds = words.next().and_then(|seconds| seconds.parse().ok());
                    let seconds = seconds.filter(|seconds| *seconds > 0);
                    let seconds = seconds.ok_or("--seconds needs a whole number from 1 on")?;
                    request.time = Some(Duration::from_secs(seconds));
                }
                name if !name.starts_with('-') && request.target.is_none() => {
                    request.target = Some(name.to_owned());
                }
                other => return Err(format!("fuzz knows no `{other}`: `cargo xtask` lists all")),
            }
        }
        Ok(request)
    }
}

/// The targets by name, or the one that was asked for: a file each.
fn targets(wanted: Option<&str>) -> Outcome<Vec<String>> {
    let entries = fs::read_dir(root().join(TARGETS)).map_err(|why| format!("{TARGETS}: {why}"))?;
    let files = entries.flatten().map(|entry| entry.path());
    let names = files.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let mut names: Vec<_> =
        names.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    if let Some(wanted) = wanted {
        if !names.iter().any(|name| name == wanted) {
            return Err(format!("no fuzz target `{wanted}`: there are {}", names.join(", ")));
        }
        names.retain(|name| name == wanted);
    }
    Ok(names)
}

/// What honest peers say, made anew with each Python found, so that the fuzzer begins from there.
fn seeds(place: &Path) -> Outcome<PathBuf> {
    let folder = place.join("seeds");
    let interpreters = python::interpreters();
    if interpreters.is_empty() {
        return Err("no Python 3.6 or newer found: set PIECEWORK_PYTHONS, a list with `:`".into());
    }
    for python in interpreters {
        let mut script = command(&python);
        script.arg(SEEDS).arg(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
        step(&format!("seeds from {}", python.display()), script)?;
    }
    Ok(folder)
}

/// Runs the targets, as many at a time as there are cores, and shows what each has seen.
fn fuzz(targets: &[Target], time: Duration) -> Outcome {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut rows = vec![Figures::HEADINGS.map(str::to_owned)];
    let mut findings = Vec::new();
    for group in targets.chunks(cores) {
        let names: Vec<_> = group.iter().map(|target| target.name.as_str()).collect();
        say(&format!("==> fuzz {} for {} s", names.join(" and "), time.as_secs()));
        let ended: Vec<_> = thread::scope(|scope| {
            let runs: Vec<_> =
                group.iter().map(|target| scope.spawn(move || target.run(time))).collect();
            runs.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
        });
        for (target, figures) in group.iter().zip(ended) {
            let figures = figures?;
            findings.extend(figures.finding.clone());
            rows.push(figures.row(&target.name));
        }
    }
    say(&table(&rows));
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Has each Python read what the fuzzer found: a test of piecework-wire, with more to compare.
fn compare_with_python(
    place: &Path,
    seeds: &Path,
    targets: &[String],
    time: Option<Duration>,
) -> Outcome {
    let corpus = place.join("corpus");
    let folders = targets.iter().flat_map(|name| [corpus.join(name), seeds.join(name)]);
    let folders = std::env::join_paths(folders).map_err(|why| format!("{corpus:?}: {why}"))?;
    let mut test = cargo(&["test", "--package=piecework-wire", "--test=differential"]);
    test.args(["--", "--nocapture"]).env("PIECEWORK_FUZZED", folders);
    if let Some(time) = time {
        test.env("PIECEWORK_FUZZED_SECONDS", time.as_secs().to_string());
    }
    step("what Python makes of the same bytes", test)
}
