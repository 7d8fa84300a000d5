//! The books of a run that has a name: how each of its tasks ended, and what it wrote. Whoever runs
//! the same line again is given all that is in them, and the rest is run.
//!
//! ```text
//!  input ─▶ known? ──yes──────────────────────────────────────▶ collect ─▶ print
//!             └─no─▶ begin ─▶ orders ─▶ slot ─▶ ended ─▶ report ──▲
//!                      └────────── books ─────────┘
//! ```
//!
//! A task is known by what it works on (`identity.rs`). Its row is with the system before its slot
//! takes the next one and before anything of it is printed, so whoever kills this process has at
//! most the tasks run again that were under way; it is on the disk a moment later.

mod identity;
mod known;
mod outputs;
mod shelf;
mod tables;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use piecework_server::{SyncPolicy, Syncer};
use rusqlite::{Connection, params};
use tokio::task::spawn_blocking;

use self::identity::TaskId;
pub(crate) use self::known::{Kept, Known};
use self::outputs::{Long, Outputs, Spool};
pub(crate) use self::shelf::RunName;
use self::shelf::Shelf;
use super::order::Report;
use super::piece::{Finished, Piece};
use crate::record::went_well;
use crate::template::Template;

const ENDED: &str = "INSERT OR REPLACE INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Which books are to be opened, and how.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The run.
    pub(crate) name: RunName,
    /// Whether what is in them is thrown away.
    pub(crate) restart: bool,
    /// Whether tasks that failed are run again.
    pub(crate) retries_failed: bool,
}

/// The books of a run, to be written.
#[derive(Debug)]
pub(crate) struct Books {
    shelf: Shelf,
    outputs: Arc<Outputs>,
    syncer: Syncer,
    writing: Mutex<Writing>,
}

#[derive(Debug)]
struct Writing {
    tables: Connection,
    /// The tasks that have begun and not ended, by their numbers in the input.
    under_way: HashMap<u64, UnderWay>,
}

/// A task that has begun.
#[derive(Debug)]
struct UnderWay {
    task: TaskId,
    /// The attempt that has written what is here: one that was lost has left parts behind.
    lease: u64,
    stdout: Spool,
    stderr: Spool,
    /// What could not be kept of it.
    failed: Option<io::Error>,
}

impl Books {
    /// Opens the books of a run among those of all `runs`, both to be written and to be read.
    ///
    /// # Errors
    /// If the run is under way elsewhere, its books cannot be opened, or they are those of another
    /// command.
    pub(crate) fn open(
        runs: &Path,
        wanted: &Wanted,
        template: &Template,
    ) -> anyhow::Result<(Arc<Self>, Known)> {
        let shelf = Shelf::take(runs, &wanted.name)?;
        if wanted.restart {
            shelf.clear()?;
        }
        let path = shelf.tables();
        let failed =
            || format!("cannot open the books of run {} in {}", wanted.name, path.display());
        let tables = tables::open(&path, template).with_context(failed)?;
        let long = tables::outputs(&tables).with_context(failed)?;
        let outputs = Outputs::open(shelf.outputs(), &long).with_context(failed)?;
        let known = Known::open(&path, shelf.outputs(), wanted.retries_failed);
        let known = known.with_context(failed)?;
        let syncer = Syncer::start(vec![shelf.log()], SyncPolicy::INTERVAL_DEFAULT)
            .context("cannot start a thread that syncs")?;
        let writing = Mutex::new(Writing { tables, under_way: HashMap::new() });
        Ok((Arc::new(Self { shelf, outputs: Arc::new(outputs), syncer, writing }), known))
    }

    /// How the task ended that the next piece of the input is; `None` if it has yet to run, and
    /// begins now.
    ///
    /// # Errors
    /// If the books cannot be read.
    pub(crate) fn begin(&self, piece: &Piece, known: &mut Known) -> anyhow::Result<Option<Kept>> {
        let (task, kept) = known.look_up(piece).with_context(|| self.failed("read", piece.seq))?;
        if kept.is_none() {
            let (stdout, stderr) = (Spool::default(), Spool::default());
            let begun = UnderWay { task, lease: 0, stdout, stderr, failed: None };
            self.lock().under_way.insert(piece.seq, begun);
        }
        Ok(kept)
    }

    /// Takes some output of a task that still runs. What goes wrong is told at its end.
    pub(crate) fn part(&self, seq: u64, lease: u64, is_stderr: bool, bytes: &[u8]) {
        let mut writing = self.lock();
        let Some(under_way) = writing.under_way.get_mut(&seq) else { return };
        under_way.turn_to(lease);
        let UnderWay { stdout, stderr, failed, .. } = under_way;
        let spool = if is_stderr { stderr } else { stdout };
        if failed.is_none() {
            *failed = spool.add(bytes, &self.outputs).err();
        }
    }

    /// Writes down how a task ended. One that is in the books already stays as it is.
    ///
    /// # Errors
    /// If it cannot be kept: there is no use in going on.
    pub(crate) async fn ended(&self, lease: u64, finished: &Finished) -> anyhow::Result<()> {
        let under_way = self.lock().under_way.remove(&finished.seq);
        let Some(under_way) = under_way else { return Ok(()) };
        let failed = || self.failed("write down", finished.seq);
        let task = under_way.task;
        let entry = under_way.entry(lease, finished.clone()).with_context(failed)?;
        let (stdout, stderr) = (entry.stdout.as_ref(), entry.stderr.as_ref());
        let (stdout, stderr) = (stdout.map(|long| long.number), stderr.map(|long| long.number));
        let report = entry.report.clone();
        if stdout.is_some() || stderr.is_some() {
            // Before the row that names it: after a loss of power that must not be found alone.
            let outputs = self.outputs.clone();
            let synced = spawn_blocking(move || entry.sync(&outputs)).await;
            synced.context("the thread that syncs panicked")?.with_context(failed)?;
        }
        let row = params![
            task.identity,
            task.occurrence,
            !went_well(finished),
            &report[..],
            stdout,
            stderr
        ];
        let written =
            self.lock().tables.prepare_cached(ENDED).and_then(|mut ended| ended.execute(row));
        written.with_context(failed)?;
        self.syncer.written().with_context(failed)
    }

    /// Sees to it that all that was written is on the disk.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn close(&self) -> anyhow::Result<()> {
        Ok(self.syncer.sync()?)
    }

    /// What went wrong, and what helps.
    fn failed(&self, what: &str, seq: u64) -> String {
        let (name, path) = (self.shelf.name(), self.shelf.tables());
        format!(
            "cannot {what} task {seq} in the books of run {name}, {}; hint: see that there is \
             room, then run the same line again: what is in the books stays",
            path.display()
        )
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What goes into a row.
struct Entry {
    /// How the task ended, in bytes.
    report: Bytes,
    stdout: Option<Long>,
    stderr: Option<Long>,
}

impl UnderWay {
    /// What an earlier attempt has written counts no more.
    fn turn_to(&mut self, lease: u64) {
        if self.lease != lease {
            self.lease = lease;
            (self.stdout, self.stderr, self.failed) = (Spool::default(), Spool::default(), None);
        }
    }

    /// Puts together what came in parts and what came with the end.
    fn entry(mut self, lease: u64, mut finished: Finished) -> io::Result<Entry> {
        self.turn_to(lease);
        let Self { stdout, stderr, failed, .. } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        let (stdout, stderr) = match &mut finished.result {
            Ok(output) => (stdout.end(&mut output.stdout)?, stderr.end(&mut output.stderr)?),
            // It never ran to its end: there is no output to speak of.
            Err(_) => (None, None),
        };
        let report = Report::Finished { lease: 0, finished, files: Vec::new() };
        Ok(Entry { report: report.to_payload().into_bytes(), stdout, stderr })
    }
}

impl Entry {
    fn sync(&self, outputs: &Outputs) -> io::Result<()> {
        for long in self.stdout.iter().chain(&self.stderr) {
            long.file.sync_all()?;
        }
        outputs.sync()
    }
}

#[cfg(test)]
mod tests;
