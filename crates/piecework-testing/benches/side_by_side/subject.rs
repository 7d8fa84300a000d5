//! What is compared, and how the figures of it are told: in rounds that take turns.

use std::io;

use crate::tell;

/// What a figure is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// What no server can undercut.
    Floor,
    Peer,
    /// Piecework, as it is offered.
    Own,
    /// Piecework without a disk, where the others have one.
    Memory,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    /// So many per second: more is better.
    PerSecond,
    /// Less is better.
    Micros,
    /// Less is better.
    Bytes,
}

/// Takes what was measured, its unit and the figure.
pub(crate) type Tell<'t> = dyn FnMut(&str, Unit, f64) -> io::Result<()> + 't;

/// Measures something once, in all respects.
pub(crate) type Measure<'s> = dyn Fn(&mut Tell<'_>) -> io::Result<()> + 's;

/// Something that is compared with others.
pub(crate) struct Subject<'s> {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) measure: Box<Measure<'s>>,
}

/// Measures all in turn, round by round; in each round another one is the first.
pub(crate) fn in_rounds(rounds: usize, subjects: &[Subject<'_>]) -> io::Result<()> {
    for round in 0..rounds {
        for at in 0..subjects.len() {
            let subject = subjects.get((at + round) % subjects.len()).expect("within the list");
            let role = match subject.role {
                Role::Floor => "floor",
                Role::Peer => "peer",
                Role::Own => "own",
                Role::Memory => "memory",
            };
            let mut told = |what: &str, unit: Unit, figure: f64| {
                let unit = match unit {
                    Unit::PerSecond => "per second",
                    Unit::Micros => "us",
                    Unit::Bytes => "bytes",
                };
                tell(&format!("{what}\t{unit}\t{role}\t{}\t{figure:.1}", subject.name))
            };
            let failed = |error| io::Error::other(format!("{}: {error}", subject.name));
            (subject.measure)(&mut told).map_err(failed)?;
        }
    }
    Ok(())
}

/// How many clients, for people.
pub(crate) fn clients(clients: usize) -> String {
    format!("{clients} client{}", if clients == 1 { "" } else { "s" })
}
