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
    /// Piecework with the least to do, where the others are piecework with more.
    Base,
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
                Role::Base => "base",
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

/// A number with its thousands apart.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (number, shown) in [(0, "0"), (999, "999"), (10_000, "10,000"), (1 << 20, "1,048,576")]
        {
            assert_eq!(thousands(number), shown);
        }
        assert_eq!((&*clients(1), &*clients(64)), ("1 client", "64 clients"));
    }
}
