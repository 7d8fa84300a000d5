//! A connection that only reads: how others look into a database that a manager may be using.

use super::journal::{self, Entry, Name};
use super::schema;
use crate::EngineError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long to wait for a lock. A reader waits for nobody but whoever recovers the log of a manager
/// that was killed, or changes the tables of an earlier version.
const LOCKED_MAX: Duration = Duration::from_secs(5);

/// What is in a database at one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) tables: Connection,
    /// The version of the tables.
    pub(super) version: i64,
    /// What is in the journal beside it, and not in the tables yet.
    pub(super) late: Vec<Entry>,
    /// How many batches are in the journal that come after a gap.
    pub(super) after_gap: usize,
}

/// How often a journal is read anew that is written over while it is read.
const LOOKS_MAX: usize = 5;

/// Opens a database and holds on to what is in it now: what a manager commits from here on is not
/// seen.
///
/// The manager waits for no reader. But its log is not used anew while a reader holds on to it, and
/// so grows for that long.
pub(super) fn open(path: &Path) -> Result<Look, EngineError> {
    if !path.try_exists().map_err(|error| EngineError::File { path: path.to_owned(), error })? {
        return Err(EngineError::Missing { path: path.to_owned() });
    }
    look(path).map_err(|error| schema::of_file(path, error))
}

fn look(path: &Path) -> Result<Look, EngineError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let tables = Connection::open_with_flags(path, flags)?;
    tables.busy_timeout(LOCKED_MAX)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut looked = look_once(tables, folder, path)?;
    for _ in 1..LOOKS_MAX {
        if looked.after_gap == 0 {
            break;
        }
        looked.tables.execute_batch("COMMIT")?;
        looked = look_once(looked.tables, folder, path)?;
    }
    Ok(looked)
}

fn look_once(tables: Connection, folder: &Path, path: &Path) -> Result<Look, EngineError> {
    // The journal first: whatever goes out of it from here on is in the tables when they are read.
    let (name, _) = journal_of(&tables, schema::version(&tables, path)?)?;
    let late = journal::read(folder, name)?;
    tables.execute_batch("BEGIN")?;
    // The first read is what fixes the moment.
    let version = schema::version(&tables, path)?;
    let (now, folded) = journal_of(&tables, version)?;
    // A manager that has started meanwhile has begun with what was in the journal.
    let late = if now == name { late } else { Vec::new() };
    let (late, after_gap) = journal::behind(late, folded);
    Ok(Look { tables, version, late, after_gap: after_gap.len() })
}

/// The journal of the tables; those of earlier versions have none.
fn journal_of(tables: &Connection, version: i64) -> Result<(Name, u64), EngineError> {
    match version {
        schema::JOURNAL_SINCE.. => Ok(schema::journal(tables)?),
        _ => Ok((Name::NONE, 0)),
    }
}
