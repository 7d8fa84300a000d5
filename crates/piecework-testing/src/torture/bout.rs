//! A bout: everybody is started, hit, and started again; then the blows end and all must drain.

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::cast::Stage;
use super::census;
use super::member::Member;
use super::proxy::Proxy;
use super::schedule::{Blow, Fault, Schedule, Step, Target};
use super::tally::{Strike, Tally};

/// How often everybody is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// How often a bout says how it goes.
const NEWS: Duration = Duration::from_secs(30);
/// How long a manager may take until it answers; it takes some milliseconds.
const START_MAX: Duration = Duration::from_secs(20);
/// How often the queues are asked whether they are empty.
const COUNT: Duration = Duration::from_millis(500);
/// How long the rest may take to drain. The pause before the next attempt at a task that was hit
/// again and again grows up to 75 seconds.
const DRAIN_MAX: Duration = Duration::from_secs(180);
/// How long a process may take to end in order.
const END_MAX: Duration = Duration::from_secs(10);

/// A bout that goes on.
pub(crate) struct Bout<'a> {
    stage: &'a Stage,
    proxy: Proxy,
    manager: Member,
    clients: Vec<Member>,
    /// The stopped processes, and when each goes on.
    stopped: Vec<(Instant, Pid)>,
    tally: Tally,
    out: &'a mut dyn Write,
}

/// How a bout ended, apart from its books.
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) restarts: Vec<(Target, usize)>,
    /// What the queues held in the end: name, ready, delayed, leased, dead.
    pub(crate) counts: Vec<(String, [u64; 4])>,
    /// The processes that were left over.
    pub(crate) leftover: Vec<String>,
}

impl<'a> Bout<'a> {
    /// Starts everybody.
    pub(crate) fn start(
        stage: &'a Stage,
        proxy: Proxy,
        out: &'a mut dyn Write,
    ) -> io::Result<Self> {
        let tally = Tally::new(&stage.folder.join("diary"))?;
        let (manager, clients) = (stage.manager(), stage.clients());
        let mut bout = Self { stage, proxy, manager, clients, stopped: Vec::new(), tally, out };
        bout.manager.start_when_rested()?;
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
        Ok(bout)
    }

    /// Strikes by the schedule for so long.
    pub(crate) fn strike_for(&mut self, lasts: Duration, schedule: Schedule) -> io::Result<()> {
        let mut due = Instant::now();
        let mut news = due + NEWS;
        for step in schedule {
            due += step.pause;
            while Instant::now() < due {
                self.look_after_all()?;
                sleep(LOOK);
            }
            if self.tally.elapsed() > lasts {
                break;
            }
            self.strike(step)?;
            if Instant::now() > news {
                news += NEWS;
                let (seconds, kills) = (self.tally.elapsed().as_secs(), self.tally.kills());
                writeln!(self.out, "{seconds:>6} s: {kills} kills")?;
            }
        }
        Ok(())
    }

    /// Lets everybody end what they began, and end; then looks what is left.
    pub(crate) fn drain(mut self) -> io::Result<Outcome> {
        self.tally.note("no more blows")?;
        std::fs::write(self.stage.stop_file(), "")?;
        for (_, pid) in std::mem::take(&mut self.stopped) {
            let _ = kill_process(pid, Signal::CONT);
        }
        let begin = Instant::now();
        let mut counts = Vec::new();
        let mut next_count = begin;
        while begin.elapsed() < DRAIN_MAX {
            self.look_after_all()?;
            let mut masters = self.clients.iter().filter(|member| member.role == Target::Master);
            if masters.all(Member::is_done) && Instant::now() > next_count {
                counts = self.counts()?;
                if counts.iter().all(|(_, states)| *states == [0; 4]) {
                    break;
                }
                next_count = Instant::now() + COUNT;
            }
            sleep(LOOK);
        }
        let restarts = self.restarts();
        self.end_all()?;
        let leftover = self.leftover()?;
        Ok(Outcome { tally: self.tally, restarts, counts, leftover })
    }

    /// Notices ends, starts again who has rested, and lets stopped ones go on.
    fn look_after_all(&mut self) -> io::Result<()> {
        let stopping = self.stage.stop_file().exists();
        for member in std::iter::once(&mut self.manager).chain(&mut self.clients) {
            if let Some(end) = member.look()? {
                self.tally.note(format_args!("{} ended {end}", member.name))?;
                self.tally.end(member.role, &end);
                if stopping && member.role == Target::Master && end.status.success() {
                    member.retire();
                }
            }
            if member.start_when_rested()? {
                let pid = member.pid().map(Pid::as_raw_nonzero);
                self.tally.note(format_args!("{} starts, {pid:?}", member.name))?;
            }
        }
        let now = Instant::now();
        self.stopped.retain(|(until, pid)| {
            let goes_on = *until <= now;
            if goes_on {
                // It may have been killed meanwhile.
                let _ = kill_process(*pid, Signal::CONT);
            }
            !goes_on
        });
        Ok(())
    }

    fn strike(&mut self, step: Step) -> io::Result<()> {
        let (strike, target, signal) = match step.blow {
            Blow::Kill(target) => (Strike::Kill, target, Signal::KILL),
            Blow::Terminate(target) => (Strike::Terminate, target, Signal::TERM),
            Blow::Stop(target, _) => (Strike::Stop, target, Signal::STOP),
            Blow::Connection(fault, lasts) => return self.hurt_connection(fault, lasts, step.nth),
        };
        let hit = match target {
            Target::Child => self.strike_child(signal, step.nth)?,
            _ => self.strike_member(target, signal, step.nth)?,
        };
        let Some(pid) = hit else {
            self.tally.missed += 1;
            return Ok(());
        };
        self.tally.strike(strike, target);
        if let Blow::Stop(_, rest) = step.blow {
            self.stopped.push((Instant::now() + rest, pid));
        }
        Ok(())
    }

    /// Hits the `nth` of those members of a role that run.
    fn strike_member(
        &mut self,
        target: Target,
        signal: Signal,
        nth: usize,
    ) -> io::Result<Option<Pid>> {
        let all = std::iter::once(&mut self.manager).chain(&mut self.clients);
        let mut running: Vec<_> =
            all.filter(|member| member.role == target && member.pid().is_some()).collect();
        let Some(at) = nth.checked_rem(running.len()) else { return Ok(None) };
        let Some(member) = running.get_mut(at) else { return Ok(None) };
        member.signal(signal);
        self.tally.note(format_args!("{} is hit by {signal:?}", member.name))?;
        Ok(member.pid())
    }

    /// Hits the `nth` of the processes that workers have started.
    fn strike_child(&mut self, signal: Signal, nth: usize) -> io::Result<Option<Pid>> {
        let works = |member: &&Member| {
            matches!(member.role, Target::PythonWorker | Target::PieceworkWorker)
        };
        let parents = self
            .clients
            .iter()
            .filter(works)
            .filter_map(|member| Some((member.name.clone(), member.pid()?)));
        let children: Vec<_> = parents
            .flat_map(|(name, pid)| {
                census::children(pid).into_iter().map(move |c| (name.clone(), c))
            })
            .collect();
        let Some(at) = nth.checked_rem(children.len()) else { return Ok(None) };
        let Some((parent, child)) = children.get(at) else { return Ok(None) };
        if kill_process(*child, signal).is_err() {
            return Ok(None); // it has just ended
        }
        self.tally.note(format_args!("{child:?}, a child of {parent}, is hit by {signal:?}"))?;
        Ok(Some(*child))
    }

    fn hurt_connection(&mut self, fault: Fault, lasts: Duration, nth: usize) -> io::Result<()> {
        if self.proxy.strike(fault, lasts, nth) {
            self.tally.fault(fault);
            self.tally.note(format_args!("a connection is {fault}"))
        } else {
            self.tally.missed += 1;
            Ok(())
        }
    }

    /// What the queues hold, as a stock client is told.
    fn counts(&self) -> io::Result<Vec<(String, [u64; 4])>> {
        let mut command = self.stage.counts();
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let counts: Option<Vec<_>> = text.lines().map(read_counts).collect();
        counts.filter(|counts| !counts.is_empty()).ok_or_else(|| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("{command:?} says {text:?} and {stderr}"))
        })
    }

    fn restarts(&self) -> Vec<(Target, usize)> {
        let mut restarts = std::collections::BTreeMap::new();
        for member in std::iter::once(&self.manager).chain(&self.clients) {
            *restarts.entry(member.role).or_default() += member.starts().saturating_sub(1);
        }
        restarts.into_iter().collect()
    }

    /// Asks everybody to end: the clients, then the manager.
    fn end_all(&mut self) -> io::Result<()> {
        let Self { clients, manager, tally, .. } = self;
        for group in [clients.as_mut_slice(), std::slice::from_mut(manager)] {
            let begin = Instant::now();
            group.iter_mut().for_each(|member| member.signal(Signal::TERM));
            while group.iter().any(|member| member.pid().is_some()) {
                for member in &mut *group {
                    if let Some(end) = member.look()? {
                        tally.note(format_args!("{} ended {end}", member.name))?;
                        tally.end(member.role, &end);
                    }
                    if begin.elapsed() > END_MAX {
                        *tally
                            .unexpected
                            .entry(format!("{} does not end", member.name))
                            .or_default() += 1;
                        member.signal(Signal::KILL);
                    }
                }
                sleep(LOOK);
            }
        }
        Ok(())
    }

    /// The processes that have outlived everybody, which are killed.
    fn leftover(&mut self) -> io::Result<Vec<String>> {
        let begin = Instant::now();
        let mut left = census::marked(&self.stage.mark);
        while !left.is_empty() && begin.elapsed() < END_MAX {
            sleep(LOOK);
            left = census::marked(&self.stage.mark);
        }
        for (pid, line) in &left {
            self.tally.note(format_args!("{pid:?} is left over: {line}"))?;
            let _ = kill_process(*pid, Signal::KILL);
        }
        Ok(left.into_iter().map(|(_, line)| line).collect())
    }
}

/// `NAME READY DELAYED LEASED DEAD`
fn read_counts(line: &str) -> Option<(String, [u64; 4])> {
    let mut words = line.split(' ');
    let name = words.next()?.to_owned();
    let numbers: Vec<_> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    Some((name, numbers.try_into().ok()?))
}
