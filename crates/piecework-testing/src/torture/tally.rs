//! What happened in a bout, counted by kind, and written down as it happens.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::member::{End, Hit};
use super::schedule::{Fault, Target};

/// A signal of the killer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Strike {
    Kill,
    Terminate,
    Stop,
}

/// The counts of a bout, and its diary.
#[derive(Debug)]
pub(crate) struct Tally {
    begin: Instant,
    diary: File,
    strikes: BTreeMap<(Strike, Target), usize>,
    faults: BTreeMap<Fault, usize>,
    /// Blows that found nobody.
    pub(crate) missed: usize,
    /// The ends of processes that nobody wanted, with how often there was one.
    pub(crate) unexpected: BTreeMap<String, usize>,
}

impl Tally {
    /// Counts from now on, with a diary in this file.
    pub(crate) fn new(diary: &Path) -> io::Result<Self> {
        Ok(Self {
            begin: Instant::now(),
            diary: File::create(diary)?,
            strikes: BTreeMap::new(),
            faults: BTreeMap::new(),
            missed: 0,
            unexpected: BTreeMap::new(),
        })
    }

    /// The time since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Writes a line into the diary, behind the time.
    pub(crate) fn note(&mut self, what: impl Display) -> io::Result<()> {
        writeln!(self.diary, "{:10.3} {what}", self.begin.elapsed().as_secs_f64())
    }

    /// A signal that was sent.
    pub(crate) fn strike(&mut self, strike: Strike, target: Target) {
        *self.strikes.entry((strike, target)).or_default() += 1;
    }

    /// A fault that happened to a connection.
    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// How a process ended: one that was not killed ends well, or says something is wrong.
    pub(crate) fn end(&mut self, role: Target, end: &End) {
        if !is_expected(role, end) {
            *self.unexpected.entry(format!("{role}: {end}")).or_default() += 1;
        }
    }

    /// The processes killed, by KILL or TERM.
    pub(crate) fn kills(&self) -> usize {
        self.sum(Strike::Kill) + self.sum(Strike::Terminate)
    }

    fn sum(&self, wanted: Strike) -> usize {
        self.of(wanted).map(|(_, count)| count).sum()
    }

    fn of(&self, wanted: Strike) -> impl Iterator<Item = (Target, usize)> {
        let of = self.strikes.iter().filter(move |((strike, _), _)| *strike == wanted);
        of.map(|((_, target), count)| (*target, *count))
    }
}

/// A manager ends when it is told to, in order. Its clients end with it, or with their connection:
/// stock programs with exit code 0, which is how ours are written, commands with 0 or 69.
fn is_expected(role: Target, end: &End) -> bool {
    const UNREACHABLE: i32 = 69;
    const SIGTERM: i32 = 15;
    use std::os::unix::process::ExitStatusExt;
    let (code, signal) = (end.status.code(), end.status.signal());
    match (end.hit, role) {
        (Hit::Killed, _) => true,
        (Hit::Terminated, Target::Manager) => code == Some(0),
        (Hit::Not, Target::Manager) => false,
        (_, Target::PieceworkWorker) => matches!(code, Some(0 | UNREACHABLE)),
        (Hit::Terminated, _) => code == Some(0) || signal == Some(SIGTERM),
        (Hit::Not, _) => code == Some(0),
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for strike in [Strike::Kill, Strike::Terminate, Strike::Stop] {
            let by_target: Vec<_> =
                self.of(strike).map(|(target, count)| format!("{target} {count}")).collect();
            writeln!(
                f,
                "{:<12}{:>6}  {}",
                strike.to_string(),
                self.sum(strike),
                by_target.join(", ")
            )?;
        }
        let faults: usize = self.faults.values().sum();
        let by_kind: Vec<_> =
            self.faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        writeln!(f, "{:<12}{:>6}  {}", "connections", faults, by_kind.join(", "))?;
        write!(f, "{:<12}{:>6}  blows that found nobody", "missed", self.missed)
    }
}

impl Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "KILL",
            Self::Terminate => "TERM",
            Self::Stop => "STOP, CONT",
        })
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manager => "manager",
            Self::Master => "masters",
            Self::Collector => "collectors",
            Self::PythonWorker => "Python workers",
            Self::PieceworkWorker => "piecework workers",
            Self::Child => "children of workers",
        })
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::ManagerHearsNoMore => "half closed to the manager",
            Self::ClientHearsNoMore => "half closed to the client",
            Self::Stall => "stalled",
            Self::StallAndReset => "stalled and reset",
        })
    }
}
