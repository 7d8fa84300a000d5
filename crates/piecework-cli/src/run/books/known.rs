//! What the books know of the tasks in the input: asked once for each, in order.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use bytes::Bytes;
use piecework_wire::Payload;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::identity::{Identity, TaskId};
use super::outputs;
use crate::run::held::Held;
use crate::run::order::Report;
use crate::run::piece::{Finished, Piece};
use crate::run::print::Streams;

/// How often each identity has come up. SQLite keeps what is temporary in a file that nobody sees
/// once it is large: an input of any length takes the same memory.
const SEEN: &str = "
    PRAGMA temp.journal_mode = OFF;
    CREATE TEMP TABLE seen (
        identity   BLOB PRIMARY KEY,
        times      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID";

const SEE: &str = "INSERT INTO seen VALUES (?1, 1) \
    ON CONFLICT (identity) DO UPDATE SET times = times + 1 RETURNING times";

const FIND: &str =
    "SELECT failed, report, stdout, stderr FROM tasks WHERE identity = ?1 AND occurrence = ?2";

/// Which tasks need not run.
#[derive(Debug)]
pub(crate) struct Known {
    tables: Connection,
    outputs: PathBuf,
    /// Whether those that failed must run again.
    retries_failed: bool,
}

/// What the books keep of a task.
#[derive(Debug)]
pub(crate) struct Kept {
    /// How it ended, as if it had just now; its output is apart.
    pub(crate) finished: Finished,
    /// What it wrote.
    pub(crate) streams: Streams,
}

/// A row of the table of tasks.
struct Found {
    failed: bool,
    report: Vec<u8>,
    stdout: Option<i64>,
    stderr: Option<i64>,
}

impl Known {
    /// Opens what `tables.rs` has made.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn open(
        tables: &Path,
        outputs: PathBuf,
        retries_failed: bool,
    ) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let tables = Connection::open_with_flags(tables, flags)?;
        tables.execute_batch(SEEN)?;
        Ok(Self { tables, outputs, retries_failed })
    }

    /// Tells which task the next piece of the input is, and how it ended if it need not run.
    ///
    /// # Errors
    /// If the books cannot be read.
    pub(super) fn look_up(&mut self, piece: &Piece) -> anyhow::Result<(TaskId, Option<Kept>)> {
        let identity = Identity::of(piece);
        let mut see = self.tables.prepare_cached(SEE)?;
        let occurrence = see.query_row(params![identity], |row| row.get(0))?;
        let task = TaskId { identity, occurrence };
        let mut find = self.tables.prepare_cached(FIND)?;
        let found = find.query_row(params![identity, occurrence], Found::read).optional()?;
        let kept = match found {
            Some(found) if !(found.failed && self.retries_failed) => self.kept(found, piece)?,
            _ => None,
        };
        Ok((task, kept))
    }

    /// What was found, as it is printed; nothing if its output has been removed since.
    fn kept(&self, found: Found, piece: &Piece) -> anyhow::Result<Option<Kept>> {
        let Found { report, stdout, stderr, .. } = found;
        let report = Report::from_payload(&Payload::from_bytes(Bytes::from(report))?)?;
        let Report::Finished { mut finished, .. } = report else {
            bail!("a task has a row and has not ended");
        };
        finished.seq = piece.seq;
        finished.args.clone_from(&piece.args);
        let (mut short_out, mut short_err) = (Vec::new(), Vec::new());
        if let Ok(output) = &mut finished.result {
            short_out = std::mem::take(&mut output.stdout);
            short_err = std::mem::take(&mut output.stderr);
        }
        let streams = (self.held(stdout, short_out)?, self.held(stderr, short_err)?);
        let (Some(stdout), Some(stderr)) = streams else { return Ok(None) };
        Ok(Some(Kept { finished, streams: Streams::of(stdout, stderr) }))
    }

    fn held(&self, long: Option<i64>, short: Vec<u8>) -> io::Result<Option<Held>> {
        let Some(number) = long else { return Ok(Some(Held::short(short))) };
        match File::open(outputs::path(&self.outputs, number)) {
            Ok(file) => Ok(Some(Held::long(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Found {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            failed: row.get(0)?,
            report: row.get(1)?,
            stdout: row.get(2)?,
            stderr: row.get(3)?,
        })
    }
}
