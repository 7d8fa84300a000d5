//! One process of a bout, which is started again whenever it ends, as its user would.

use std::fmt::{self, Display};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::schedule::Target;

/// How long a user, or what restarts services for them, takes to start something again.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// Makes the command line of a member's next start; it is told how many there were.
pub(crate) type Line = Box<dyn Fn(usize) -> Command>;

/// One process by its name and role, through all its lives.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) role: Target,
    line: Line,
    log: PathBuf,
    starts: usize,
    /// How long its next life lasts, if that is decided.
    doom: Option<Duration>,
    state: State,
}

enum State {
    Resting {
        until: Instant,
    },
    Running {
        child: Child,
        hit: Hit,
        since: Instant,
        doomed: Option<Instant>,
    },
    /// Ended for good.
    Done,
}

/// What a process was hit with in this life, the worst of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Hit {
    Not,
    Terminated,
    TerminatedAgain,
    Killed,
}

/// How a life ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) lived: Duration,
    pub(crate) hit: Hit,
    pub(crate) status: ExitStatus,
}

impl Member {
    /// A member that starts at the next look.
    pub(crate) fn new(name: &str, role: Target, line: Line, log: PathBuf) -> Self {
        let state = State::Resting { until: Instant::now() };
        Self { name: name.to_owned(), role, line, log, starts: 0, doom: None, state }
    }

    /// How often it was started.
    pub(crate) fn starts(&self) -> usize {
        self.starts
    }

    /// Its process, if there is one.
    pub(crate) fn pid(&self) -> Option<Pid> {
        match &self.state {
            State::Running { child, .. } => Some(Pid::from_child(child)),
            State::Resting { .. } | State::Done => None,
        }
    }

    /// Whether it has ended for good.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Sends a signal to its process, if there is one.
    pub(crate) fn signal(&mut self, signal: Signal) {
        let State::Running { child, hit, .. } = &mut self.state else { return };
        *hit = match (signal, *hit) {
            (Signal::KILL, _) => Hit::Killed,
            (Signal::TERM, Hit::Not) => Hit::Terminated,
            (Signal::TERM, Hit::Terminated) => Hit::TerminatedAgain,
            (_, before) => before,
        };
        // It is not waited for yet, so its id is nobody else's; at worst it has ended by itself.
        let _ = kill_process(Pid::from_child(child), signal);
    }

    /// Decides that its next life is to end so long after its start, or that it is not.
    pub(crate) fn doom(&mut self, after: Option<Duration>) {
        self.doom = after;
    }

    /// Kills it if it was doomed and its time has come; `true` if so.
    pub(crate) fn meet_doom(&mut self) -> bool {
        let State::Running { doomed, .. } = &mut self.state else { return false };
        let met = doomed.take_if(|until| *until <= Instant::now()).is_some();
        if met {
            self.signal(Signal::KILL);
        }
        met
    }

    /// Notices its end.
    pub(crate) fn look(&mut self) -> io::Result<Option<End>> {
        let State::Running { child, hit, since, .. } = &mut self.state else { return Ok(None) };
        let Some(status) = child.try_wait()? else { return Ok(None) };
        let end = End { lived: since.elapsed(), hit: *hit, status };
        self.state = State::Resting { until: Instant::now() + RESTART_PAUSE };
        Ok(Some(end))
    }

    /// Starts it if it has rested; `true` if it did.
    pub(crate) fn start_when_rested(&mut self) -> io::Result<bool> {
        let State::Resting { until } = self.state else { return Ok(false) };
        if Instant::now() < until {
            return Ok(false);
        }
        let mut command = (self.line)(self.starts);
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{command:?} does not start: {error}"))
        })?;
        self.starts += 1;
        let since = Instant::now();
        let doomed = self.doom.take().map(|after| since + after);
        self.state = State::Running { child, hit: Hit::Not, since, doomed };
        Ok(true)
    }

    /// Lets it rest for good, if it rests.
    pub(crate) fn retire(&mut self) {
        if matches!(self.state, State::Resting { .. }) {
            self.state = State::Done;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let State::Running { child, .. } = &mut self.state {
            // Both fail only when it has ended and been waited for, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hit {
            Hit::Not => f.write_str("by itself, ")?,
            Hit::Terminated => f.write_str("after TERM, ")?,
            Hit::TerminatedAgain => f.write_str("after TERM twice, ")?,
            Hit::Killed => f.write_str("after KILL, ")?,
        }
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => write!(f, "{}", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(script: &'static str) -> (tempfile::TempDir, Member) {
        let folder = tempfile::tempdir().unwrap();
        let line = move |_| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script]);
            shell
        };
        let log = folder.path().join("log");
        (folder, Member::new("m", Target::Master, Box::new(line), log))
    }

    fn end_of(member: &mut Member) -> End {
        loop {
            match member.look().unwrap() {
                Some(end) => return end,
                None => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_life_ends_and_the_next_begins_after_a_rest() {
        let (folder, mut member) = member("echo once; exit 3");
        assert!(member.start_when_rested().unwrap());
        assert_eq!(end_of(&mut member).to_string(), "by itself, exit code 3");
        let ended = Instant::now();
        while !member.start_when_rested().unwrap() {
            std::thread::yield_now();
        }
        assert!(ended.elapsed() >= RESTART_PAUSE / 2);
        end_of(&mut member);
        member.retire();
        assert!(member.is_done() && !member.start_when_rested().unwrap());
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "once\nonce\n");
    }

    #[test]
    fn an_end_tells_what_it_came_from() {
        let (_folder, mut member) = member("exec sleep 1000");
        member.start_when_rested().unwrap();
        member.signal(Signal::STOP);
        member.signal(Signal::KILL);
        member.signal(Signal::TERM);
        assert_eq!(end_of(&mut member).to_string(), "after KILL, signal 9");
        assert_eq!(member.pid(), None);
    }

    #[test]
    fn a_second_term_is_told_from_the_first() {
        let (_folder, mut member) = member("exec sleep 1000");
        member.start_when_rested().unwrap();
        member.signal(Signal::TERM);
        member.signal(Signal::TERM);
        assert_eq!(end_of(&mut member).to_string(), "after TERM twice, signal 15");
    }

    #[test]
    fn a_doom_is_met_once_in_the_next_life() {
        let (_folder, mut member) = member("exec sleep 1000");
        member.doom(Some(Duration::ZERO));
        for met in [true, false] {
            while !member.start_when_rested().unwrap() {
                std::thread::yield_now();
            }
            assert_eq!((member.meet_doom(), member.meet_doom()), (met, false));
            member.signal(Signal::KILL);
            assert!(end_of(&mut member).to_string().starts_with("after KILL"));
        }
    }
}
