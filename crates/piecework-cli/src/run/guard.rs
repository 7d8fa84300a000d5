//! A second process that ends the commands of a run if the run itself is killed.
//!
//! The run holds the writing end of a pipe and says on it which process groups there are: `+ID`
//! when a command starts, `-ID` when it has ended, `end` when all is well. If the pipe closes
//! without `end`, the run was killed, and the guard kills what is left. On Linux it also finds
//! commands whose `+ID` was never written: all of them carry the id of the run in their
//! environment. (The pipe cannot close before they do: a child that is not yet its command still
//! holds the pipe open.)

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufRead, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use piecework::command::Group;
use rustix::process::{Pid, Signal, kill_process};

/// The hidden command that makes this program the guard.
pub(crate) const GUARD_COMMAND: &str = "__guard";

/// The variable by which a command shows to which run it belongs.
pub(crate) const RUN_ID_VARIABLE: &str = "PIECEWORK_RUN_ID";

/// How often the guard looks for commands that it missed: a shell that is killed may just have
/// started one more. Each look finds what was started before it, so a few are enough.
const LOOKS_MAX: usize = 100;

/// The pause between two looks, in which what was killed vanishes.
const LOOKS_PERIOD: Duration = Duration::from_millis(10);

/// The run's side of the guard.
#[derive(Debug)]
pub(crate) struct Guard {
    run_id: String,
    /// Started with the first command: a run without tasks needs none.
    pipe: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Prepares a guard; its process is started when the first command is.
    pub(crate) fn new() -> Arc<Self> {
        let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let run_id = format!("{}-{started:x}", std::process::id());
        Arc::new(Self { run_id, pipe: Mutex::new(None) })
    }

    /// Returns what tells this run from all others.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Makes sure that the guard runs.
    ///
    /// # Errors
    /// If its process cannot be started.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        let mut pipe = self.lock();
        if pipe.is_none() {
            *pipe = Some(spawn(&self.run_id).context("cannot start the guard process")?);
        }
        Ok(())
    }

    /// Puts a command under guard until the answer is dropped.
    pub(crate) fn watch(self: &Arc<Self>, group: Group) -> Watched {
        self.say(&format!("+{}\n", group.id()));
        Watched { guard: self.clone(), group }
    }

    /// Lets the guard go: every command has ended.
    pub(crate) fn end(&self) {
        self.say("end\n");
        *self.lock() = None;
    }

    fn say(&self, line: &str) {
        if let Some(pipe) = self.lock().as_mut() {
            // Somebody may have killed the guard; the run goes on without it.
            let _ = pipe.write_all(line.as_bytes());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<ChildStdin>> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command under guard.
#[derive(Debug)]
pub(crate) struct Watched {
    guard: Arc<Guard>,
    group: Group,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.guard.say(&format!("-{}\n", self.group.id()));
    }
}

/// Starts this same program as a guard. It has its own process group, out of reach of Ctrl-C, and
/// none of our outputs, so that nobody who reads them waits for it.
fn spawn(run_id: &str) -> io::Result<ChildStdin> {
    let mut guard = Command::new(own_program()?)
        .args([GUARD_COMMAND, run_id])
        .env_remove(RUN_ID_VARIABLE) // a run within a run: the outer guard must not end this one
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    guard.stdin.take().ok_or_else(|| io::Error::other("the guard has no standard input"))
}

/// The file of this program; on Linux even if it was replaced meanwhile.
fn own_program() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Is the guard: follows standard input to its end, then kills what is left.
pub(crate) fn run(run_id: &OsStr) {
    let mut groups = HashSet::new();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if line == "end" {
            return;
        }
        follow(&mut groups, &line);
    }
    for group in groups.drain() {
        group.kill();
    }
    for _ in 0..LOOKS_MAX {
        let missed = marked(run_id);
        if missed.is_empty() {
            break;
        }
        for process in missed {
            // The only expected failure is that it is gone already.
            let _ = kill_process(process, Signal::KILL);
        }
        std::thread::sleep(LOOKS_PERIOD);
    }
}

/// The processes that carry the id of the run, on systems that tell (those with `/proc`).
fn marked(run_id: &OsStr) -> Vec<Pid> {
    let mark = [RUN_ID_VARIABLE.as_bytes(), b"=", run_id.as_bytes()].concat();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let carries = |directory: &std::fs::DirEntry| {
        let environment = std::fs::read(directory.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    processes
        .flatten()
        .filter(carries)
        .filter_map(|directory| {
            directory.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)
        })
        .collect()
}

/// Applies one line of the run.
fn follow(groups: &mut HashSet<Group>, line: &str) {
    let Some((sign, id)) = line.split_at_checked(1) else { return };
    let Some(group) = id.parse().ok().and_then(Group::from_id) else { return };
    match sign {
        "+" => groups.insert(group),
        _ => groups.remove(&group),
    };
}
