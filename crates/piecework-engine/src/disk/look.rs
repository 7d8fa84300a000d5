//! A connection that only reads: how others look into a database that a manager may be using.

use super::schema;
use crate::EngineError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long to wait for a lock. A reader waits for nobody but whoever recovers the log of a manager
/// that was killed, or changes the tables of an earlier version.
const LOCKED_MAX: Duration = Duration::from_secs(5);

/// Opens a database and holds on to what is in it now: what a manager commits from here on is not
/// seen. Gives back the version of its tables too.
///
/// The manager waits for no reader. But its log is not used anew while a reader holds on to it, and
/// so grows for that long.
pub(super) fn open(path: &Path) -> Result<(Connection, i64), EngineError> {
    if !path.try_exists().map_err(|error| EngineError::File { path: path.to_owned(), error })? {
        return Err(EngineError::Missing { path: path.to_owned() });
    }
    let looked = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(LOCKED_MAX)?;
        connection.execute_batch("BEGIN")?;
        // The first read is what fixes the moment.
        let version = schema::version(&connection, path)?;
        Ok((connection, version))
    };
    looked().map_err(|error| schema::of_file(path, error))
}
