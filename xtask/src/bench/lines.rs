//! The lines of a load, each a figure, and the measurements that they are sorted into.

use std::io::{self, BufRead, BufReader, Read};

use super::figures::{Measurement, Series, Unit, median};
use crate::step::{Outcome, say};

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
pub(super) struct Figure {
    /// What was measured.
    what: String,
    unit: Unit,
    role: Role,
    name: String,
    figure: f64,
}

/// Reads what a load tells, and shows it as it comes.
pub(super) fn read(told: impl Read) -> Outcome<Vec<Figure>> {
    let line_read = |line: io::Result<String>| {
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
pub(super) fn sort(figures: Vec<Figure>) -> Vec<Measurement> {
    let mut measurements: Vec<(Measurement, Vec<Role>)> = Vec::new();
    for Figure { what, unit, role, name, figure } in figures {
        let at = measurements.iter().position(|(measurement, _)| measurement.what == what);
        let at = at.unwrap_or_else(|| {
            let (series, against) = (Vec::new(), Vec::new());
            let own = None;
            measurements.push((Measurement { what, unit, series, against, own }, Vec::new()));
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
        measurement.own = roles.iter().position(|role| *role == Role::Own);
        if roles.contains(&Role::Base) {
            measurement.own = None; // all are
        }
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
            Unit::PerSecond | Unit::Count => a.total_cmp(b),
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
