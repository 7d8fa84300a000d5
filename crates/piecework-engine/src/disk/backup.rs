//! Back-up: a copy of the database as it is at one moment, while a manager goes on working with it.

use super::look::{self, Look};
use super::{DATABASE, schema, tables};
use crate::EngineError;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Pages copied in one go: 1 MiB, some milliseconds of a disk's time.
const PAGES_AT_ONCE: i32 = 256;

/// The pause after each of those, in which the disk is all the manager's.
const PAUSE: Duration = Duration::from_millis(5);

/// Copies the database in `folder` to the file `to`, which is made or, if it is empty, filled. It
/// holds what was committed when this was called, and nothing of what came later; it is one file
/// without a log, safe on the disk when this returns.
///
/// `go_on` is asked again and again; once it says no, the copy is left as it is, of no use to
/// anybody. Tells whether it was finished.
///
/// # Errors
///
/// When there is no database, or it cannot be read, or `to` cannot be written.
pub fn backup(folder: &Path, to: &Path, go_on: impl Fn() -> bool) -> Result<bool, EngineError> {
    let Look { tables: from, version, late, .. } = look::open(&folder.join(DATABASE))?;
    let mut copy = Connection::open(to)?;
    // If this fails half way nobody wants what is there, so no journal need bring anything back.
    // And nobody else has the file, so its log, for the moment that it has one, needs no index.
    copy.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    copy.pragma_update(None, "journal_mode", "OFF")?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    if !copy_pages(&from, &mut copy, go_on)? {
        return Ok(false);
    }
    if version == schema::KNOWN {
        tables::complete(&mut copy, &late)?;
    }
    // The pages say that there is a log, as there is beside the original.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.close().map_err(|(_, error)| error)?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| EngineError::File { path: to.to_owned(), error })?;
    Ok(true)
}

/// Copies all pages; false if it was told to stop before the last.
fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    go_on: impl Fn() -> bool,
) -> Result<bool, EngineError> {
    let copying = Backup::new(from, to)?;
    while go_on() {
        match copying.step(PAGES_AT_ONCE)? {
            StepResult::Done => return Ok(true),
            _ => thread::sleep(PAUSE),
        }
    }
    Ok(false)
}
