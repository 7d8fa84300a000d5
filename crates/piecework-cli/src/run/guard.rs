//! A second process that ends the commands of a run if the run itself is killed.
//!
//! Both share a table with a cell for each slot: the process group that runs there, or 0. The run
//! holds the writing end of a pipe and says `end` on it when all is well. If the pipe closes
//! without, the run was killed, and the guard kills what the table names. On Linux it also finds
//! commands that are not in the table yet: all of them carry the id of the run in their
//! environment. (The pipe cannot close before they do: a child that is not yet its command still
//! holds the pipe open.)

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use piecework::command::Group;
use rustix::process::{Pid, Signal, kill_process};

/// The hidden command that makes this program the guard.
pub(crate) const GUARD_COMMAND: &str = "__guard";

/// The variable by which a command shows whose guard it has.
pub(crate) const GUARD_VARIABLE: &str = "PIECEWORK_GUARD";

/// What is said on the pipe when every command has ended.
const END: &[u8] = b"end";

/// The bytes of a cell: the number of a process group, in the order of this machine.
const CELL_BYTES: usize = size_of::<i32>();

/// How often the guard looks for commands that it missed: a shell that is killed may just have
/// started one more. Each look finds what was started before it, so a few are enough.
const LOOKS_MAX: usize = 100;

/// After so many looks in a row that have found nobody, nobody is left. One is not enough: of a
/// process that is just becoming another program, a shell's last command say, the system shows no
/// environment for a moment, and for a longer one where the machine is busy.
const LOOKS_IN_VAIN: usize = 10;

/// The pause between two looks, in which what was killed vanishes.
const LOOKS_PERIOD: Duration = Duration::from_millis(10);

/// The run's side of the guard.
#[derive(Debug)]
pub(crate) struct Guard {
    run_id: String,
    /// Started with the first command: a run without tasks needs none.
    process: OnceLock<Process>,
    /// Held by whoever starts it: one that is not needed any more would take the run for killed.
    starting: Mutex<()>,
}

#[derive(Debug)]
struct Process {
    table: File,
    pipe: ChildStdin,
}

impl Guard {
    /// Prepares a guard; its process is started when the first command is.
    pub(crate) fn new() -> Arc<Self> {
        let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let run_id = format!("{}-{started:x}", std::process::id());
        Arc::new(Self { run_id, process: OnceLock::new(), starting: Mutex::default() })
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
        if self.process.get().is_some() {
            return Ok(());
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.process.get().is_none() {
            let process = spawn(&self.run_id).context("cannot start the guard process")?;
            self.process.get_or_init(|| process);
        }
        Ok(())
    }

    /// Puts the command of a slot under guard until the answer is dropped.
    pub(crate) fn watch(self: &Arc<Self>, slot: usize, group: Group) -> Watched {
        self.write(slot, group.id());
        Watched { guard: self.clone(), slot }
    }

    /// Lets the guard go: every command has ended.
    pub(crate) fn end(&self) {
        if let Some(process) = self.process.get() {
            // Somebody may have killed the guard; the run went on without it.
            let _ = (&process.pipe).write_all(END);
        }
    }

    fn write(&self, slot: usize, id: i32) {
        if let Some(process) = self.process.get() {
            // The table is memory; without it there is the mark in the environment.
            let _ = process.table.write_at(&id.to_ne_bytes(), (slot * CELL_BYTES) as u64);
        }
    }
}

/// A command under guard.
#[derive(Debug)]
pub(crate) struct Watched {
    guard: Arc<Guard>,
    slot: usize,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.guard.write(self.slot, 0);
    }
}

/// Starts this same program as a guard: the pipe is its standard input, the table its standard
/// output. It has its own process group, out of reach of Ctrl-C, and none of our own outputs, so
/// that nobody who reads them waits for it.
fn spawn(run_id: &str) -> io::Result<Process> {
    let table = shared_memory()?;
    let mut guard = Command::new(own_program()?)
        .args([GUARD_COMMAND, run_id])
        .env_remove(GUARD_VARIABLE) // a run within a run: the outer guard must not end this one
        .stdin(Stdio::piped())
        .stdout(table.try_clone()?)
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let pipe = guard.stdin.take().ok_or_else(|| io::Error::other("it has no standard input"))?;
    Ok(Process { table, pipe })
}

/// A file that is in no folder, to be shared with a child.
fn shared_memory() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{MemfdFlags, memfd_create};
        Ok(memfd_create("piecework-guard", MemfdFlags::CLOEXEC)?.into())
    }
    #[cfg(not(target_os = "linux"))]
    tempfile::tempfile()
}

/// The file of this program; on Linux even if it was replaced meanwhile.
pub(crate) fn own_program() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Is the guard: waits until standard input ends, then kills what is left.
pub(crate) fn run(run_id: &OsStr) {
    let mut said = Vec::new();
    let _ = io::stdin().read_to_end(&mut said);
    if said == END {
        return;
    }
    for group in table_groups() {
        group.kill();
    }
    let mut in_vain = 0;
    for _ in 0..LOOKS_MAX {
        let missed = marked(run_id);
        in_vain = if missed.is_empty() { in_vain + 1 } else { 0 };
        if in_vain == LOOKS_IN_VAIN {
            break;
        }
        for process in missed {
            // The only expected failure is that it is gone already.
            let _ = kill_process(process, Signal::KILL);
        }
        std::thread::sleep(LOOKS_PERIOD);
    }
}

/// The groups in the table, which is our standard output.
fn table_groups() -> Vec<Group> {
    let mut cells = Vec::new();
    if let Ok(table) = rustix::io::dup(io::stdout()) {
        let table = File::from(table);
        let length = table.metadata().map_or(0, |known| known.len());
        cells.resize(usize::try_from(length).unwrap_or(0), 0);
        let _ = table.read_exact_at(&mut cells, 0);
    }
    let (cells, _) = cells.as_chunks();
    cells.iter().filter_map(|cell| Group::from_id(i32::from_ne_bytes(*cell))).collect()
}

/// The processes that carry the id of the run, on systems that tell (those with `/proc`).
fn marked(run_id: &OsStr) -> Vec<Pid> {
    let mark = [GUARD_VARIABLE.as_bytes(), b"=", run_id.as_bytes()].concat();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let carries = |directory: &std::fs::DirEntry| {
        let environment = std::fs::read(directory.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    let id = |directory: std::fs::DirEntry| directory.file_name().to_str()?.parse().ok();
    processes.flatten().filter(carries).filter_map(id).filter_map(Pid::from_raw).collect()
}
