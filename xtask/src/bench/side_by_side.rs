//! `cargo xtask bench core`, `durable` and others: piecework and its peers under the same load.
//!
//! The load is a program of its own, in Rust or in Python: it starts the servers, and tells each
//! figure in a line.

use std::path::Path;
use std::process::Stdio;

use super::chart;
use super::lines::{self, Figure};
use super::load::{Load, Ready};
use super::packages;
use super::peers;
use super::plan::Plan;
use super::report::{self, Report};
use super::surroundings::Surroundings;
use crate::interop::{Profile, build};
use crate::step::{Outcome, say};

/// One of these benchmarks.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) name: &'static str,
    /// The title of its chart.
    title: &'static str,
    load: Load,
    /// How long each load is counted, where it is counted by time.
    millis: u32,
    /// Names that the chart does not show: what they tell is told by the table.
    hidden: &'static [&'static str],
}

/// All of them.
pub(super) const ALL: &[Bench] = &[
    Bench {
        name: "core",
        title: "Items per second, each put, got and acknowledged in memory",
        load: Load::Rust { peers: &peers::ALL },
        millis: 1_000,
        hidden: &[],
    },
    Bench {
        name: "durable",
        title: "Items per second, each put, got and acknowledged on disk",
        load: Load::Rust { peers: &peers::ALL },
        // Hundreds of syncs even where one takes milliseconds.
        millis: 2_000,
        hidden: &["piecework --sync interval", "piecework in memory"],
    },
    Bench {
        name: "latency",
        title: "Microseconds from a put to the getter that waited for it",
        load: Load::Rust { peers: &peers::ALL },
        // Thousands of samples, so that the slowest hundredth is more than a few.
        millis: 2_000,
        hidden: &[],
    },
    Bench {
        name: "memory",
        title: "Resident bytes of a server for each item and each idle connection",
        load: Load::Rust { peers: &peers::ALL },
        millis: 1, // nothing is counted by time
        hidden: &[],
    },
    Bench {
        name: "growth",
        title: "Items per second of piecework in memory, as there is more of something",
        load: Load::Rust { peers: &peers::ALL },
        millis: 2_000,
        hidden: &[],
    },
    Bench {
        name: "pool",
        title: "Tasks per second that do nothing, through a pool of two",
        load: Load::Rust { peers: &[] },
        millis: 1, // nothing is counted by time
        // Beside its bar there would be nothing to see of the others.
        hidden: &["rayon"],
    },
    Bench {
        name: "stock",
        title: "What Python's own clients see",
        load: Load::Python { script: "bench_stock.py", peers: &[], packages: &[] },
        millis: 2_000,
        hidden: &[],
    },
    Bench {
        name: "python",
        title: "Tasks per second that do nothing, with two worker processes",
        load: Load::Python {
            script: "bench_python.py",
            peers: &["redis"],
            packages: &packages::SYSTEMS,
        },
        millis: 2_000,
        // Beside its bar there would be nothing to see of the others.
        hidden: &["joblib in batches"],
    },
];

/// What of `core` the README shows, and under which title.
const HEADLINE: &str = "items/s, 64 clients";
const HEADLINE_TITLE: &str =
    "Put, got and acknowledged per second, in memory, by 64 clients at a time";

/// With `--quick`: enough to see that everything runs.
const QUICK_MILLIS: u32 = 100;

pub(super) fn run(bench: &Bench, words: &[&str]) -> Outcome {
    let plan = Plan::parse(bench.name, words)?;
    let folder = report::folder()?;
    let piecework = build(Profile::Release)?;
    let load = bench.load.prepare(bench.name, &folder, &piecework)?;
    let surroundings = Surroundings::look(&load.known);
    let measurements = lines::sort(measure(bench, plan, load, &folder)?);
    let shown = |name: &str| !bench.hidden.contains(&name);
    let all: Vec<_> = measurements.iter().collect();
    let chart = Some(chart::svg(bench.title, &all, shown));
    let (surroundings, measurements) = (&surroundings, &measurements[..]);
    Report { name: bench.name, plan, surroundings, measurements, chart }.publish()?;
    let headline = measurements.iter().find(|measurement| measurement.what == HEADLINE);
    match headline.filter(|_| plan.writes && bench.name == "core") {
        Some(headline) => report::picture("speed", &chart::svg(HEADLINE_TITLE, &[headline], shown)),
        None => Ok(()),
    }
}

/// Runs the load and takes its figures as they come.
fn measure(bench: &Bench, plan: Plan, load: Ready, folder: &Path) -> Outcome<Vec<Figure>> {
    let millis = if plan.is_quick { QUICK_MILLIS } else { bench.millis };
    let (rounds, millis) = (plan.rounds.to_string(), millis.to_string());
    let Ready { mut command, .. } = load;
    command.args(["--rounds", &rounds, "--millis", &millis, "--folder"]).arg(folder);
    command.args(plan.is_quick.then_some("--quick"));
    say(&format!("==> rounds: {rounds}, with {millis} ms for each figure"));
    let failed = |error| format!("the load of `{}`: {error}", bench.name);
    let mut running = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    // If a line makes no sense its pipe is closed, at which the load ends by itself.
    let figures = running.stdout.take().map_or_else(|| Ok(Vec::new()), lines::read);
    let status = running.wait().map_err(failed)?;
    let figures = figures?;
    if status.success() {
        Ok(figures)
    } else {
        Err(format!("the load of `{}`: {status}", bench.name))
    }
}
