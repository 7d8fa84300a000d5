//! `cargo xtask bench core`, `durable` and others: piecework and its peers under the same load.
//!
//! The load is a program of its own, `side_by_side` in `piecework-testing`: it starts the servers,
//! and tells each figure in a line.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};

use super::chart;
use super::figures::{Measurement, Series, Unit, median};
use super::peers::Peers;
use super::plan::Plan;
use super::report::{self, Report};
use super::surroundings::{Surroundings, said};
use crate::interop::{Profile, build};
use crate::python;
use crate::step::{Outcome, cargo, run as step, say, target_dir};

/// One of these benchmarks.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) name: &'static str,
    /// The title of its chart.
    title: &'static str,
    /// How long each load is counted, where it is counted by time.
    millis: u32,
    /// Names that the chart does not show: what they tell is told by the table.
    hidden: &'static [&'static str],
}

/// All of them.
pub(super) const ALL: [Bench; 5] = [
    Bench {
        name: "core",
        title: "Items per second, each put, got and acknowledged in memory",
        millis: 1_000,
        hidden: &[],
    },
    Bench {
        name: "durable",
        title: "Items per second, each put, got and acknowledged on disk",
        // Hundreds of syncs even where one takes milliseconds.
        millis: 2_000,
        hidden: &["piecework --sync interval", "piecework in memory"],
    },
    Bench {
        name: "latency",
        title: "Microseconds from a put to the getter that waited for it",
        // Thousands of samples, so that the slowest hundredth is more than a few.
        millis: 2_000,
        hidden: &[],
    },
    Bench {
        name: "memory",
        title: "Resident bytes of a server for each item and each idle connection",
        millis: 1, // nothing is counted by time
        hidden: &[],
    },
    Bench {
        name: "growth",
        title: "Items per second of piecework in memory, as there is more of something",
        millis: 2_000,
        hidden: &[],
    },
];

/// With `--quick`: enough to see that everything runs.
const QUICK_MILLIS: u32 = 100;

/// Who it is that a figure is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    Floor,
    Peer,
    /// Piecework, as it is offered.
    Own,
    /// Piecework without a disk, to see what the disk costs.
    Memory,
    /// Piecework with the least to do, where all are piecework.
    Base,
}

/// What a line of the load says.
#[derive(Debug, PartialEq)]
struct Figure {
    /// What was measured.
    what: String,
    unit: Unit,
    role: Role,
    name: String,
    figure: f64,
}

pub(super) fn run(bench: &Bench, words: &[&str]) -> Outcome {
    let plan = Plan::parse(bench.name, words)?;
    let folder = report::folder()?;
    let peers = Peers::find(&folder);
    let piecework = build(Profile::Release)?;
    let load = build_load()?;
    let surroundings = Surroundings::look(&known(&folder, &peers, &piecework));
    let figures = measure(bench, plan, &load, &peers, &piecework, &folder)?;
    let measurements = sort(figures);
    let shown = |name: &str| !bench.hidden.contains(&name);
    let chart = Some(chart::svg(bench.title, &measurements, shown));
    let (surroundings, measurements) = (&surroundings, &measurements[..]);
    Report { name: bench.name, plan, surroundings, measurements, chart }.publish()
}

/// Builds the load and says where it lies.
fn build_load() -> Outcome<PathBuf> {
    let words = ["build", "--release", "--package=piecework-testing", "--example=side_by_side"];
    step("build the load", cargo(&words))?;
    let file = format!("side_by_side{}", std::env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join("release/examples").join(file))
}

/// Versions, and what the files lie on.
fn known(folder: &Path, peers: &Peers, piecework: &Path) -> Vec<(String, String)> {
    let system = said("stat", &["--file-system", "--format=%T", &folder.to_string_lossy()]);
    let own = said(&piecework.to_string_lossy(), &["--version"]);
    let mut known = vec![("file system".to_owned(), system)];
    known.extend(peers.versions());
    known.push(("piecework".to_owned(), own));
    known
}

/// Runs the load and takes its figures as they come.
fn measure(
    bench: &Bench,
    plan: Plan,
    load: &Path,
    peers: &Peers,
    piecework: &Path,
    folder: &Path,
) -> Outcome<Vec<Figure>> {
    let millis = if plan.is_quick { QUICK_MILLIS } else { bench.millis };
    let (rounds, millis) = (plan.rounds.to_string(), millis.to_string());
    let mut command = peers.command(load);
    command.args([bench.name, "--rounds", &rounds, "--millis", &millis, "--folder"]);
    command.arg(folder).stdout(Stdio::piped());
    command.args(plan.is_quick.then_some("--quick"));
    let python = python::environment()?;
    let mut programs = vec![("piecework", piecework), ("python", &python)];
    programs
        .extend(peers.iter().filter_map(|peer| Some((peer.name, peer.program.as_deref().ok()?))));
    for (name, program) in programs {
        command.arg("--program").arg(format!("{name}={}", program.display()));
    }
    say(&format!("==> rounds: {rounds}, with {millis} ms for each figure"));
    let failed = |error| format!("{}: {error}", load.display());
    let mut running = command.spawn().map_err(failed)?;
    // If a line makes no sense its pipe is closed, at which the load ends by itself.
    let figures = running.stdout.take().map_or_else(|| Ok(Vec::new()), read);
    let status = running.wait().map_err(failed)?;
    let figures = figures?;
    if status.success() { Ok(figures) } else { Err(format!("{}: {status}", load.display())) }
}

fn read(told: ChildStdout) -> Outcome<Vec<Figure>> {
    let line_read = |line: std::io::Result<String>| {
        let figure = parse(&line.map_err(|error| format!("reading figures: {error}"))?)?;
        let shown = figure.unit.show(figure.figure);
        say(&format!("    {}, {}: {shown}", figure.what, figure.name));
        Ok(figure)
    };
    BufReader::new(told).lines().map(line_read).collect()
}

fn parse(line: &str) -> Outcome<Figure> {
    let words: Vec<_> = line.split('\t').collect();
    let figure = || {
        let [what, unit, role, name, figure] = words.as_slice() else { return None };
        let role = match *role {
            "floor" => Role::Floor,
            "peer" => Role::Peer,
            "own" => Role::Own,
            "memory" => Role::Memory,
            "base" => Role::Base,
            _ => return None,
        };
        let (unit, figure) = (Unit::named(unit)?, figure.parse().ok()?);
        Some(Figure { what: (*what).to_owned(), unit, role, name: (*name).to_owned(), figure })
    };
    figure().ok_or_else(|| format!("the load said {line:?}, which is no figure"))
}

/// A measurement for all that was measured, in which each is compared with the better floor, with
/// the peer that was best in it, with what there would be without a disk, and with what there is
/// where piecework has the least to do.
fn sort(figures: Vec<Figure>) -> Vec<Measurement> {
    let mut measurements: Vec<(Measurement, Vec<Role>)> = Vec::new();
    for Figure { what, unit, role, name, figure } in figures {
        let at = measurements.iter().position(|(measurement, _)| measurement.what == what);
        let at = at.unwrap_or_else(|| {
            let (series, against) = (Vec::new(), Vec::new());
            measurements.push((Measurement { what, unit, series, against }, Vec::new()));
            measurements.len() - 1
        });
        let (measurement, roles) = measurements.get_mut(at).expect("it was found or made");
        let of_same = measurement.series.iter_mut().find(|series| series.tool == name);
        match of_same {
            Some(series) => series.rounds.push(figure),
            None => {
                measurement.series.push(Series { tool: name, rounds: vec![figure] });
                roles.push(role);
            }
        }
    }
    let compare = |(mut measurement, roles): (Measurement, Vec<Role>)| {
        measurement.against = against(&measurement, &roles);
        measurement
    };
    measurements.into_iter().map(compare).collect()
}

fn against(measurement: &Measurement, roles: &[Role]) -> Vec<usize> {
    let best = |role: Role| {
        let of_role = measurement.series.iter().zip(roles).enumerate();
        let of_role = of_role.filter(|(_, (_, own))| **own == role);
        let medians = of_role.map(|(at, (series, _))| (at, median(series.rounds.clone())));
        let best = medians.max_by(|(_, a), (_, b)| match measurement.unit {
            Unit::PerSecond => a.total_cmp(b),
            Unit::Micros | Unit::Bytes => b.total_cmp(a),
        });
        best.map(|(at, _)| at)
    };
    let roles = [Role::Floor, Role::Peer, Role::Memory, Role::Base];
    roles.into_iter().filter_map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_figure() {
        let figure = parse("16 clients\tper second\tpeer\tbeanstalkd\t1234.5").unwrap();
        let (what, name) = ("16 clients".to_owned(), "beanstalkd".to_owned());
        let unit = Unit::PerSecond;
        assert_eq!(figure, Figure { what, unit, role: Role::Peer, name, figure: 1234.5 });
        for wrong in [
            "",
            "a\tus\tpeer\tx",
            "a\tparsec\tpeer\tx\t1",
            "a\tus\tfriend\tx\t1",
            "a\tus\tpeer\tx\tfast",
        ] {
            assert!(parse(wrong).unwrap_err().contains("no figure"), "{wrong}");
        }
    }

    #[test]
    fn all_are_compared_with_the_best_peer() {
        let mut lines = Vec::new();
        for round in 0..3 {
            for (what, unit) in [("rate", "per second"), ("wait", "us")] {
                for (role, name, figure) in
                    [("floor", "f", 9), ("peer", "a", 5), ("peer", "b", 6), ("own", "p", 12)]
                {
                    let figure = figure * (round + 1);
                    lines.push(format!("{what}\t{unit}\t{role}\t{name}\t{figure}"));
                }
            }
        }
        let measurements = sort(lines.iter().map(|line| parse(line).unwrap()).collect());
        let whats: Vec<_> = measurements.iter().map(|each| each.what.as_str()).collect();
        assert_eq!(whats, ["rate", "wait"]);
        for (measurement, (best, of_best)) in measurements.iter().zip([(2, 2.0), (1, 2.4)]) {
            assert_eq!(measurement.against, [0, best]);
            let own = measurement.sum(&measurement.series[3]);
            assert_eq!((own.median, own.min, own.max), (24.0, 12.0, 36.0));
            assert_eq!(own.of, [12.0 / 9.0, of_best]);
        }
    }

    #[test]
    fn where_all_are_piecework_they_are_compared_with_the_one_that_has_the_least_to_do() {
        let lines = [("own", "1,000 queued", 60), ("base", "10 queued", 80), ("own", "9", 90)];
        let lines =
            lines.map(|(role, name, figure)| format!("rate\tper second\t{role}\t{name}\t{figure}"));
        let measurements = sort(lines.iter().map(|line| parse(line).unwrap()).collect());
        assert_eq!(measurements[0].against, [1]);
        assert_eq!(measurements[0].sum(&measurements[0].series[0]).of, [0.75]);
    }
}
