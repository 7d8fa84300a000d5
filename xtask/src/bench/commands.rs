//! `cargo xtask bench commands`: what one command costs under `piecework map`, beside xargs, GNU
//! parallel, HyperQueue and the least that it can cost.
//!
//! The tools take turns within each round, so that whatever else the machine does meets them all.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::figures::{Measurement, Series, Unit, median, thousands};
use super::plan::Plan;
use super::report::{self, Report};
use super::surroundings::{self, Surroundings};
use super::tool::Tool;
use crate::interop::{Profile, build};
use crate::step::{Outcome, say};

/// The command that is run: there is none that does less.
const NOTHING: &str = "/bin/true";

/// How many tasks: a run of everyday, and one in which nothing of the start is left.
const SIZES: [usize; 2] = [2_000, 20_000];

/// With `--quick`: enough to see that everything runs.
const QUICK_SIZES: [usize; 1] = [50];

/// Each round starts each tool so many times, for one start takes little and varies much.
const STARTS: usize = 11;

pub(crate) fn run(words: &[&str]) -> Outcome {
    let plan = Plan::parse("commands", words)?;
    let (sizes, starts) = if plan.is_quick { (&QUICK_SIZES[..], 1) } else { (&SIZES[..], STARTS) };
    let folder = report::folder()?;
    let tools = Tool::all(build(Profile::Release)?, &folder)?;
    let surroundings = Surroundings::look(&known(&tools));

    let mut measurements = vec![blank("start to first task".to_owned(), &tools)];
    let inputs = sizes.iter().map(|tasks| input(&folder, *tasks)).collect::<Outcome<Vec<_>>>()?;
    measurements.extend(sizes.iter().map(|tasks| blank(time_per_task(*tasks), &tools)));
    for round in 0..plan.rounds {
        say(&format!("==> round {} of {}", round + 1, plan.rounds));
        // Nobody is always the first.
        for at in (0..tools.len()).map(|at| (at + round) % tools.len()) {
            let Some(tool) = tools.get(at) else { continue };
            let mut taken = vec![start_up(tool, &folder, starts)?];
            for (input, tasks) in inputs.iter().zip(sizes) {
                taken.push(tool.time(NOTHING, input)?.as_secs_f64() * 1e6 / *tasks as f64);
            }
            for (measurement, micros) in measurements.iter_mut().zip(taken) {
                measurement.series.get_mut(at).expect("one for each tool").rounds.push(micros);
            }
        }
    }
    let (surroundings, measurements) = (&surroundings, &measurements[..]);
    Report { name: "commands", plan, surroundings, measurements, chart: None }.publish()
}

/// The tools' command lines and versions.
fn known(tools: &[Tool]) -> Vec<(String, String)> {
    let rustc = surroundings::said("rustc", &["-V"]);
    let mut known = vec![("the floor".to_owned(), format!("two threads around Command, {rustc}"))];
    let versions = tools.iter().filter_map(Tool::version);
    known.extend(versions.map(|(line, version)| (format!("`{line}`"), version)));
    known
}

fn blank(what: String, tools: &[Tool]) -> Measurement {
    let series = tools.iter().map(|tool| Series { tool: tool.name().to_owned(), rounds: vec![] });
    // The first two are the floor and xargs.
    Measurement {
        what,
        unit: Unit::Micros,
        series: series.collect(),
        against: vec![0, 1],
        own: None,
    }
}

fn time_per_task(tasks: usize) -> String {
    format!("each of {} tasks", thousands(tasks))
}

/// A file with a line for each task.
fn input(folder: &Path, tasks: usize) -> Outcome<PathBuf> {
    let lines: String = (1..=tasks).fold(String::new(), |mut lines, task| {
        let _ = writeln!(lines, "{task}"); // to a string: it cannot fail
        lines
    });
    let file = folder.join(format!("tasks-{tasks}"));
    report::write(&file, &lines)?;
    Ok(file)
}

fn start_up(tool: &Tool, folder: &Path, starts: usize) -> Outcome<f64> {
    let taken = (0..starts).map(|_| Ok(tool.start_up(folder)?.as_secs_f64() * 1e6));
    Ok(median(taken.collect::<Outcome<_>>()?))
}
