//! `cargo xtask bench commands`: what one command costs under `piecework map`, beside xargs, GNU
//! parallel and the least that it can cost.
//!
//! The tools take turns within each round, so that whatever else the machine does meets them all.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::figures::{Measurement, Series, median, text};
use super::page;
use super::surroundings::Surroundings;
use super::tool::Tool;
use crate::interop::{Profile, build};
use crate::step::{Outcome, say, target_dir};

/// The command that is run: there is none that does less.
const NOTHING: &str = "/bin/true";

/// How many tasks: a run of everyday, and one in which nothing of the start is left.
const SIZES: [usize; 2] = [2_000, 20_000];

/// With `--quick`: enough to see that everything runs.
const QUICK_SIZES: [usize; 1] = [50];

/// Each round starts each tool so many times, for one start takes little and varies much.
const STARTS: usize = 11;

/// Rounds, if nobody says how many: the fewest whose median passes over two bad ones.
const ROUNDS: usize = 5;

const USAGE: &str = "usage: cargo xtask bench commands [--rounds N] [--write] | --quick";

/// What to do.
#[derive(Debug, PartialEq)]
struct Plan {
    rounds: usize,
    starts: usize,
    sizes: &'static [usize],
    write: bool,
}

pub(crate) fn run(words: &[&str]) -> Outcome {
    let plan = plan(words)?;
    let tools = Tool::all(build(Profile::Release)?);
    let surroundings = Surroundings::look(&tools)?;
    let folder = target_dir()?.join("bench");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;

    let mut measurements = vec![blank("start to first task".to_owned(), &tools)];
    let inputs =
        plan.sizes.iter().map(|tasks| input(&folder, *tasks)).collect::<Outcome<Vec<_>>>()?;
    measurements.extend(plan.sizes.iter().map(|tasks| blank(time_per_task(*tasks), &tools)));
    for round in 0..plan.rounds {
        say(&format!("==> round {} of {}", round + 1, plan.rounds));
        // Nobody is always the first.
        for at in (0..tools.len()).map(|at| (at + round) % tools.len()) {
            let Some(tool) = tools.get(at) else { continue };
            let mut taken = vec![start_up(tool, &folder, plan.starts)?];
            for (input, tasks) in inputs.iter().zip(plan.sizes) {
                taken.push(tool.time(NOTHING, input)?.as_secs_f64() * 1e6 / *tasks as f64);
            }
            for (measurement, micros) in measurements.iter_mut().zip(taken) {
                measurement.series.get_mut(at).expect("one for each tool").micros.push(micros);
            }
        }
    }
    publish(&plan, &surroundings, &measurements, &folder)
}

fn plan(words: &[&str]) -> Outcome<Plan> {
    let mut plan = Plan { rounds: ROUNDS, starts: STARTS, sizes: &SIZES, write: false };
    let mut words = words.iter();
    let mut quick = false;
    while let Some(word) = words.next() {
        match *word {
            "--quick" => quick = true,
            "--write" => plan.write = true,
            "--rounds" => {
                let number = words.next().and_then(|number| number.parse().ok());
                let rounds = number.filter(|rounds| *rounds > 0);
                plan.rounds =
                    rounds.ok_or_else(|| format!("--rounds: a number is due\n{USAGE}"))?;
            }
            unknown => return Err(format!("unknown word `{unknown}`\n{USAGE}")),
        }
    }
    match (quick, plan.write) {
        (true, true) => Err(format!("--quick: no figures to --write come out of that\n{USAGE}")),
        (true, false) => Ok(Plan { rounds: 1, starts: 1, sizes: &QUICK_SIZES, write: false }),
        (false, _) => Ok(plan),
    }
}

fn blank(what: String, tools: &[Tool]) -> Measurement {
    let series = tools.iter().map(|tool| Series { tool: tool.name().to_owned(), micros: vec![] });
    Measurement { what, series: series.collect() }
}

fn time_per_task(tasks: usize) -> String {
    let thousands = if tasks < 1_000 { String::new() } else { format!("{},", tasks / 1_000) };
    let width = if tasks < 1_000 { 0 } else { 3 };
    format!("each of {thousands}{:0width$} tasks", tasks % 1_000)
}

/// A file with a line for each task.
fn input(folder: &Path, tasks: usize) -> Outcome<PathBuf> {
    let lines: String = (1..=tasks).fold(String::new(), |mut lines, task| {
        let _ = writeln!(lines, "{task}"); // to a string: it cannot fail
        lines
    });
    let file = folder.join(format!("tasks-{tasks}"));
    fs::write(&file, lines).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

fn start_up(tool: &Tool, folder: &Path, starts: usize) -> Outcome<f64> {
    let taken = (0..starts).map(|_| Ok(tool.start_up(folder)?.as_secs_f64() * 1e6));
    Ok(median(taken.collect::<Outcome<_>>()?))
}

/// Shows the tables, keeps the figures, and writes the page if that is wanted.
fn publish(
    plan: &Plan,
    surroundings: &Surroundings,
    measurements: &[Measurement],
    folder: &Path,
) -> Outcome {
    let tables: Vec<_> = measurements.iter().map(Measurement::table).collect();
    let section = format!("{}\n{}", surroundings.list(plan.rounds), tables.join("\n"));
    let figures: Vec<_> = measurements.iter().map(Measurement::json).collect();
    let json = format!(
        "{{\"rounds\":{},\"surroundings\":{{{}}},\"measurements\":[{}]}}\n",
        plan.rounds,
        surroundings
            .lines()
            .map(|(name, value)| format!("{}:{}", text(name), text(value)))
            .collect::<Vec<_>>()
            .join(","),
        figures.join(","),
    );
    let file = folder.join("commands.json");
    fs::write(&file, json).map_err(|error| format!("{}: {error}", file.display()))?;
    io::stdout().write_all(section.as_bytes()).map_err(|error| format!("stdout: {error}"))?;
    say(&format!("    the same as JSON, round by round: {}", file.display()));
    if plan.write { page::write("commands", &section) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_made_of_words() {
        let whole = plan(&[]).unwrap();
        assert_eq!((whole.rounds, whole.sizes, whole.write), (ROUNDS, &SIZES[..], false));
        let asked = plan(&["--write", "--rounds", "9"]).unwrap();
        assert_eq!((asked.rounds, asked.write), (9, true));
        assert_eq!(plan(&["--quick"]).unwrap().sizes, QUICK_SIZES);
        for wrong in [&["--rounds"][..], &["--rounds", "0"], &["fast"], &["--quick", "--write"]] {
            let error = plan(wrong).unwrap_err();
            assert!(error.contains("usage") && error.contains(wrong[0]), "{error}");
        }
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(time_per_task(50), "each of 50 tasks");
        assert_eq!(time_per_task(20_000), "each of 20,000 tasks");
        assert_eq!(time_per_task(2_050), "each of 2,050 tasks");
    }
}
