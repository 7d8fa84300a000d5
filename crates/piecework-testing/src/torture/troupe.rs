//! Everybody who takes part in a bout: looked after, hit, and in the end asked to end.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::cast::Stage;
use super::census;
use super::member::Member;
use super::schedule::Target;
use super::tally::{Strike, Tally};

/// How often everybody is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(5);
/// How long a manager may take until it answers; it takes some milliseconds.
const START_MAX: Duration = Duration::from_secs(20);
/// How long a process may take to end in order.
const END_MAX: Duration = Duration::from_secs(10);

/// The manager, and its clients.
pub(crate) struct Troupe {
    manager: Member,
    clients: Vec<Member>,
}

impl Troupe {
    /// Starts the manager, and has the clients start at the next look.
    pub(crate) fn start(stage: &Stage) -> io::Result<Self> {
        let mut troupe = Self { manager: stage.manager(), clients: stage.clients() };
        troupe.manager.start_when_rested()?;
        let begin = Instant::now();
        while TcpStream::connect(stage.manager).is_err() {
            if begin.elapsed() > START_MAX {
                let log = stage.logs().join("manager.log");
                return Err(io::Error::other(format!(
                    "the manager does not listen on {}\nhint: see {}",
                    stage.manager,
                    log.display()
                )));
            }
            sleep(LOOK);
        }
        Ok(troupe)
    }

    /// Notices ends, starts again who has rested, and kills whose time has come. A master that ends
    /// well when it is asked to stop has done its part.
    pub(crate) fn look_after(&mut self, stopping: bool, tally: &mut Tally) -> io::Result<()> {
        for member in self.all() {
            if member.meet_doom() {
                tally.strike(Strike::Kill, member.role);
                tally.note(format_args!("{} is killed at its start", member.name))?;
            }
            if let Some(end) = member.look()? {
                tally.end(&member.name, member.role, &end)?;
                if stopping && member.role == Target::Master && end.status.success() {
                    member.retire();
                }
            }
            if member.start_when_rested()? {
                let pid = member.pid().map(Pid::as_raw_nonzero);
                tally.note(format_args!("{} starts, {pid:?}", member.name))?;
            }
        }
        Ok(())
    }

    /// Hits the `nth` of those of a kind that run; the process that was hit, if there was one.
    /// With `doom`, its next life ends so long after its start.
    pub(crate) fn hit(
        &mut self,
        target: Target,
        signal: Signal,
        nth: usize,
        doom: Option<Duration>,
    ) -> Option<(String, Pid)> {
        if target == Target::Child {
            return self.hit_child(signal, nth);
        }
        let of_kind = |member: &&mut Member| member.role == target && member.pid().is_some();
        let mut running: Vec<_> = self.all().filter(of_kind).collect();
        let at = nth.checked_rem(running.len())?;
        let member = running.get_mut(at)?;
        member.signal(signal);
        member.doom(doom);
        Some((member.name.clone(), member.pid()?))
    }

    /// Hits the `nth` of the processes that workers have started.
    fn hit_child(&mut self, signal: Signal, nth: usize) -> Option<(String, Pid)> {
        let mut children = Vec::new();
        for member in &self.clients {
            if matches!(member.role, Target::PythonWorker | Target::PieceworkWorker) {
                let of_this = member.pid().map(census::children).unwrap_or_default();
                children.extend(of_this.into_iter().map(|child| (&member.name, child)));
            }
        }
        let (parent, child) = children.get(nth.checked_rem(children.len())?)?;
        kill_process(*child, signal).ok()?; // or it has just ended
        Some((format!("{}, a child of {parent}", child.as_raw_nonzero()), *child))
    }

    /// Whether all masters have done their part.
    pub(crate) fn masters_are_done(&self) -> bool {
        let mut masters = self.clients.iter().filter(|member| member.role == Target::Master);
        masters.all(Member::is_done)
    }

    /// How often those of each role were started again.
    pub(crate) fn restarts(&mut self) -> BTreeMap<Target, usize> {
        let mut restarts = BTreeMap::new();
        for member in self.all() {
            *restarts.entry(member.role).or_default() += member.starts().saturating_sub(1);
        }
        restarts
    }

    /// Asks everybody to end: the clients, then the manager.
    pub(crate) fn end(&mut self, tally: &mut Tally) -> io::Result<()> {
        end_each(&mut self.clients, tally)?;
        end_each(std::slice::from_mut(&mut self.manager), tally)
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Member> {
        std::iter::once(&mut self.manager).chain(&mut self.clients)
    }
}

fn end_each(members: &mut [Member], tally: &mut Tally) -> io::Result<()> {
    members.iter_mut().for_each(|member| member.signal(Signal::TERM));
    let begin = Instant::now();
    while members.iter().any(|member| member.pid().is_some()) {
        let patient = begin.elapsed() < END_MAX;
        for member in &mut *members {
            if let Some(end) = member.look()? {
                tally.end(&member.name, member.role, &end)?;
            } else if !patient && member.pid().is_some() {
                tally.unexpected(format!("{} does not end within {END_MAX:?}", member.name));
                member.signal(Signal::KILL);
            }
        }
        sleep(LOOK);
    }
    Ok(())
}

/// Waits until nobody with this mark is left; those that are after all, which are killed.
pub(crate) fn leftover(mark: &str) -> Vec<String> {
    let begin = Instant::now();
    let mut left = census::marked(mark);
    while !left.is_empty() && begin.elapsed() < END_MAX {
        sleep(LOOK);
        left = census::marked(mark);
    }
    for (pid, _) in &left {
        // It fails only if it has ended after all.
        let _ = kill_process(*pid, Signal::KILL);
    }
    left.into_iter().map(|(pid, line)| format!("{}: {line}", pid.as_raw_nonzero())).collect()
}
