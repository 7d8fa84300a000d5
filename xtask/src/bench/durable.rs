//! `cargo xtask bench durable`: items that are kept on the disk before the answer, by piecework and
//! by its peers, under the same load.
//!
//! The load is a program of its own, `side_by_side` in `piecework-testing`: it starts the servers,
//! and tells each figure in a line.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};

use super::chart;
use super::figures::{Measurement, Series, Unit, median, thousands};
use super::peers::Peers;
use super::plan::Plan;
use super::report::{self, Report};
use super::surroundings::{Surroundings, said};
use crate::interop::{Profile, build};
use crate::step::{Outcome, cargo, run as step, say, target_dir};

/// How long each load is counted: hundreds of syncs even where one takes milliseconds.
const MILLIS: u32 = 2_000;
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
}

/// What a line of the load says.
#[derive(Debug, PartialEq)]
struct Figure {
    clients: usize,
    role: Role,
    name: String,
    per_second: f64,
}

pub(crate) fn run(words: &[&str]) -> Outcome {
    let plan = Plan::parse("durable", words)?;
    let folder = report::folder()?;
    let peers = Peers::find(&folder);
    let piecework = build(Profile::Release)?;
    let load = build_load()?;
    let surroundings = Surroundings::look(&known(&folder, &peers, &piecework));
    let figures = measure(plan, &load, &peers, &piecework, &folder)?;
    let measurements = sort(&figures);
    let synced = |name: &str| {
        let own = figures.iter().find(|figure| figure.name == name);
        own.is_some_and(|own| own.role != Role::Memory && !name.ends_with("interval"))
    };
    let title = "Items per second, each put, got and acknowledged on disk";
    let chart = Some(chart::svg(title, &measurements, synced));
    let (surroundings, measurements) = (&surroundings, &measurements[..]);
    Report { name: "durable", plan, surroundings, measurements, chart }.publish()
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
    plan: Plan,
    load: &Path,
    peers: &Peers,
    piecework: &Path,
    folder: &Path,
) -> Outcome<Vec<Figure>> {
    let millis = if plan.is_quick { QUICK_MILLIS } else { MILLIS };
    let (rounds, millis) = (plan.rounds.to_string(), millis.to_string());
    let mut command = peers.command(load);
    command.args(["durable", "--rounds", &rounds, "--millis", &millis, "--folder"]);
    command.arg(folder).stdout(Stdio::piped());
    let mut programs = vec![("piecework", piecework)];
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
        let (name, clients) = (&figure.name, figure.clients);
        let rate = thousands(figure.per_second as usize);
        say(&format!("    clients: {clients:>2}, {name}: {rate}"));
        Ok(figure)
    };
    BufReader::new(told).lines().map(line_read).collect()
}

fn parse(line: &str) -> Outcome<Figure> {
    let words: Vec<_> = line.split('\t').collect();
    let figure = || {
        let [clients, role, name, per_second] = words.as_slice() else { return None };
        let role = match *role {
            "floor" => Role::Floor,
            "peer" => Role::Peer,
            "own" => Role::Own,
            "memory" => Role::Memory,
            _ => return None,
        };
        let (clients, per_second) = (clients.parse().ok()?, per_second.parse().ok()?);
        Some(Figure { clients, role, name: (*name).to_owned(), per_second })
    };
    figure().ok_or_else(|| format!("the load said {line:?}, which is no figure"))
}

/// A measurement for each number of clients, in which each is compared with the faster floor, with
/// the peer that was fastest in it, and with what there would be without a disk.
fn sort(figures: &[Figure]) -> Vec<Measurement> {
    let mut measurements: Vec<(usize, Measurement, Vec<Role>)> = Vec::new();
    for figure in figures {
        let at = measurements.iter().position(|(clients, ..)| *clients == figure.clients);
        let at = at.unwrap_or_else(|| {
            measurements.push((figure.clients, blank(figure.clients), Vec::new()));
            measurements.len() - 1
        });
        let (_, measurement, roles) = measurements.get_mut(at).expect("it was found or made");
        let of_same = measurement.series.iter_mut().find(|series| series.tool == figure.name);
        match of_same {
            Some(series) => series.rounds.push(figure.per_second),
            None => {
                let (tool, rounds) = (figure.name.clone(), vec![figure.per_second]);
                measurement.series.push(Series { tool, rounds });
                roles.push(figure.role);
            }
        }
    }
    let compare = |(_, mut measurement, roles): (usize, Measurement, Vec<Role>)| {
        measurement.against = against(&measurement.series, &roles);
        measurement
    };
    measurements.into_iter().map(compare).collect()
}

fn blank(clients: usize) -> Measurement {
    let mut what = format!("items/s, {clients} client");
    if clients != 1 {
        let _ = what.write_char('s'); // to a string: it cannot fail
    }
    Measurement { what, unit: Unit::PerSecond, series: Vec::new(), against: Vec::new() }
}

fn against(series: &[Series], roles: &[Role]) -> Vec<usize> {
    let fastest = |role: Role| {
        let of_role = series.iter().zip(roles).enumerate().filter(|(_, (_, own))| **own == role);
        let medians = of_role.map(|(at, (series, _))| (at, median(series.rounds.clone())));
        medians.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at)
    };
    [Role::Floor, Role::Peer, Role::Memory].into_iter().filter_map(fastest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_figure() {
        let figure = parse("16\tpeer\tbeanstalkd\t1234.5").unwrap();
        let name = "beanstalkd".to_owned();
        assert_eq!(figure, Figure { clients: 16, role: Role::Peer, name, per_second: 1234.5 });
        for wrong in ["", "16\tpeer\tx", "x\tpeer\tx\t1", "1\tfriend\tx\t1", "1\tpeer\tx\tfast"] {
            assert!(parse(wrong).unwrap_err().contains("no figure"), "{wrong}");
        }
    }

    #[test]
    fn all_are_compared_with_the_fastest_peer() {
        let mut lines = Vec::new();
        for round in 0..3 {
            for clients in [1, 8] {
                for (role, name, rate) in
                    [("floor", "f", 9), ("peer", "a", 5), ("peer", "b", 6), ("own", "p", 12)]
                {
                    lines.push(format!("{clients}\t{role}\t{name}\t{}", rate * (round + 1)));
                }
            }
        }
        let figures: Vec<_> = lines.iter().map(|line| parse(line).unwrap()).collect();
        let measurements = sort(&figures);
        let whats: Vec<_> = measurements.iter().map(|each| each.what.as_str()).collect();
        assert_eq!(whats, ["items/s, 1 client", "items/s, 8 clients"]);
        for measurement in &measurements {
            assert_eq!(measurement.against, [0, 2]);
            let own = measurement.sum(&measurement.series[3]);
            assert_eq!((own.median, own.min, own.max), (24.0, 12.0, 36.0));
            assert_eq!(own.of, [12.0 / 9.0, 2.0]);
        }
    }
}
