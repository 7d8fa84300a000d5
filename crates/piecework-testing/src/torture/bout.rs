//! A bout: everybody is started, hit, and started again; then the blows end and all must drain.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::cast::Stage;
use super::proxy::Proxy;
use super::schedule::{Blow, Fault, Schedule, Step, Target};
use super::tally::{Strike, Tally};
use super::troupe::{LOOK, Troupe, leftover};

/// How often a bout says how it goes.
const NEWS: Duration = Duration::from_secs(30);
/// How often the queues are asked whether they are empty.
const COUNT: Duration = Duration::from_millis(500);
/// How long the rest may take to drain. The pause before the next attempt at a task that was hit
/// again and again grows up to 75 seconds.
const DRAIN_MAX: Duration = Duration::from_secs(180);

/// A bout that goes on.
pub(crate) struct Bout<'a> {
    stage: &'a Stage,
    proxy: Proxy,
    troupe: Troupe,
    /// The stopped processes, and when each goes on.
    stopped: Vec<(Instant, Pid)>,
    tally: Tally,
    out: &'a mut dyn Write,
}

/// How a bout ended, apart from its books.
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) restarts: BTreeMap<Target, usize>,
    /// What the queues held in the end; nothing is known if the masters did not get that far.
    pub(crate) counts: Option<Vec<Counts>>,
    /// The processes that were left over.
    pub(crate) leftover: Vec<String>,
}

/// What a queue holds.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) queue: String,
    /// Ready, delayed, leased, dead.
    pub(crate) items: [u64; 4],
}

impl Counts {
    /// Whether it holds nothing.
    pub(crate) fn are_zero(&self) -> bool {
        self.items == [0; 4]
    }

    /// `QUEUE READY DELAYED LEASED DEAD`
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let queue = words.next()?.to_owned();
        let items: Vec<_> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { queue, items: items.try_into().ok()? })
    }
}

impl<'a> Bout<'a> {
    /// Starts everybody.
    pub(crate) fn start(
        stage: &'a Stage,
        proxy: Proxy,
        out: &'a mut dyn Write,
    ) -> io::Result<Self> {
        let tally = Tally::new(&stage.folder.join("diary"))?;
        let troupe = Troupe::start(stage)?;
        Ok(Self { stage, proxy, troupe, stopped: Vec::new(), tally, out })
    }

    /// Strikes by the schedule for so long.
    pub(crate) fn strike_for(&mut self, lasts: Duration, schedule: Schedule) -> io::Result<()> {
        let mut due = Instant::now();
        let mut news = due + NEWS;
        for step in schedule {
            due += step.pause;
            while Instant::now() < due {
                self.troupe.look_after(false, &mut self.tally)?;
                self.wake();
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
        let begin = Instant::now();
        let mut counts = None;
        let mut next_count = begin;
        while begin.elapsed() < DRAIN_MAX {
            self.troupe.look_after(true, &mut self.tally)?;
            self.wake();
            if self.troupe.masters_are_done() && Instant::now() > next_count {
                counts = self.counts()?;
                if counts.iter().flatten().all(Counts::are_zero) && counts.is_some() {
                    break;
                }
                next_count = Instant::now() + COUNT;
            }
            sleep(LOOK);
        }
        let restarts = self.troupe.restarts();
        self.troupe.end(&mut self.tally)?;
        let leftover = leftover(&self.stage.mark);
        Ok(Outcome { tally: self.tally, restarts, counts, leftover })
    }

    /// Lets the stopped processes go on whose time has come.
    fn wake(&mut self) {
        let now = Instant::now();
        let due = self.stopped.extract_if(.., |(until, _)| *until <= now);
        for (_, pid) in due {
            // It fails if the process was killed meanwhile.
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    fn strike(&mut self, step: Step) -> io::Result<()> {
        let (strike, target, signal) = match step.blow {
            Blow::Kill(target) | Blow::KillTwice(target, _) => (Strike::Kill, target, Signal::KILL),
            Blow::Terminate(target) => (Strike::Terminate, target, Signal::TERM),
            Blow::Stop(target, _) => (Strike::Stop, target, Signal::STOP),
            Blow::Connection(fault, lasts) => return self.hurt_connection(fault, lasts, step.nth),
        };
        let doom = match step.blow {
            Blow::KillTwice(_, after) => Some(after),
            _ => None,
        };
        let Some((name, pid)) = self.troupe.hit(target, signal, step.nth, doom) else {
            self.tally.missed += 1;
            return Ok(());
        };
        if let Blow::Stop(_, rest) = step.blow {
            self.stopped.push((Instant::now() + rest, pid));
        }
        self.tally.strike(strike, target);
        self.tally.note(format_args!("{name} is hit by {strike}"))
    }

    fn hurt_connection(&mut self, fault: Fault, lasts: Duration, nth: usize) -> io::Result<()> {
        if !self.proxy.strike(fault, lasts, nth) {
            self.tally.missed += 1;
            return Ok(());
        }
        self.tally.fault(fault);
        self.tally.note(format_args!("a connection is {fault}"))
    }

    /// What the queues hold, as a stock client is told; none if it finds no manager, which may have
    /// been killed last and be on its way back.
    fn counts(&self) -> io::Result<Option<Vec<Counts>>> {
        let output = self.stage.counts().output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let counts: Option<Vec<_>> = text.lines().map(Counts::read).collect();
        Ok(counts.filter(|_| output.status.success()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_their_line() {
        let counts = Counts::read("task 1 2 3 4").unwrap();
        assert_eq!(counts, Counts { queue: "task".to_owned(), items: [1, 2, 3, 4] });
        assert!(!Counts::read("task 0 0 1 0").unwrap().are_zero());
        assert!(Counts::read("task 0 0 0 0").unwrap().are_zero());
        assert_eq!(Counts::read("Traceback (most recent call last):"), None);
    }
}
