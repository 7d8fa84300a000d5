//! What happened in a bout, counted by kind, and written down as it happens.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

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
    /// What processes did that they must not, with how often.
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

    /// How a process ended: one that was not killed ends well, or something is wrong.
    pub(crate) fn end(&mut self, name: &str, role: Target, end: &End) -> io::Result<()> {
        if !is_expected(role, end) {
            self.unexpected(format!("{name} ended {end}"));
        }
        self.note(format_args!("{name} ended {end}"))
    }

    /// What a process did that it must not.
    pub(crate) fn unexpected(&mut self, what: String) {
        *self.unexpected.entry(what).or_default() += 1;
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

/// The exit code of a command that finds no manager.
const UNREACHABLE: i32 = 69;
/// A command that is told to end before it has lived so long may not know yet how to: it dies.
const BEGIN_MAX: Duration = Duration::from_secs(1);

/// A manager ends when it is told to, in order. Its clients end with it, or with their connection:
/// stock programs with exit code 0, which is how ours are written, commands with 0 or 69. Who is
/// told twice, or killed, ends as it may.
fn is_expected(role: Target, end: &End) -> bool {
    let code = end.status.code();
    let by_term = end.hit == Hit::Terminated && end.status.signal() == Some(Signal::TERM.as_raw());
    let too_young = by_term && end.lived < BEGIN_MAX;
    match (end.hit, role) {
        (Hit::Killed | Hit::TerminatedAgain, _) => true,
        (Hit::Not, Target::Manager) => false,
        (_, Target::Manager) => code == Some(0) || too_young,
        (_, Target::PieceworkWorker) => matches!(code, Some(0 | UNREACHABLE)) || too_young,
        _ => code == Some(0) || by_term,
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::ExitStatus;

    const LONG: Duration = Duration::from_secs(60);
    /// As `wait` has it: an exit code in the second byte, a signal in the first.
    const EXIT_1: i32 = 1 << 8;
    const EXIT_69: i32 = UNREACHABLE << 8;
    const SIGTERM: i32 = 15;

    fn expected(role: Target, hit: Hit, lived: Duration, status: i32) -> bool {
        is_expected(role, &End { lived, hit, status: ExitStatus::from_raw(status) })
    }

    #[test]
    fn a_manager_ends_only_if_it_is_hit_and_after_term_in_order() {
        let manager = |hit, status| expected(Target::Manager, hit, LONG, status);
        assert!(!manager(Hit::Not, 0) && !manager(Hit::Terminated, EXIT_1));
        assert!(!manager(Hit::Terminated, SIGTERM) && manager(Hit::Terminated, 0));
        assert!(manager(Hit::Killed, EXIT_1) && manager(Hit::TerminatedAgain, EXIT_1));
        assert!(expected(Target::Manager, Hit::Terminated, Duration::ZERO, SIGTERM));
    }

    #[test]
    fn a_client_ends_well_or_by_a_signal() {
        let program = |hit, status| expected(Target::PythonWorker, hit, LONG, status);
        assert!(program(Hit::Not, 0) && program(Hit::Terminated, SIGTERM));
        assert!(!program(Hit::Not, EXIT_1) && !program(Hit::Not, SIGTERM));
        let command = |hit, status| expected(Target::PieceworkWorker, hit, LONG, status);
        assert!(command(Hit::Not, 0) && command(Hit::Not, EXIT_69));
        assert!(!command(Hit::Not, EXIT_1) && !command(Hit::Terminated, SIGTERM));
    }
}
