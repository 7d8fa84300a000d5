//! The tables, and the rule by which they may change.
//!
//! **The version rule.** `user_version` says how many of the steps below have been taken. A step
//! that was released is never changed; tables change by one more step, which turns what the last
//! one left into what is needed now, within one transaction. So a database of any release opens
//! for ever, and one of a later release is refused.
//!
//! Numbers are those of the records; times are microseconds since 1970, UTC.

use super::journal::Name;
use super::lock::sync_folder;
use crate::EngineError;
use rusqlite::{Connection, ErrorCode};
use std::ffi::{OsString, c_int};
use std::path::{Path, PathBuf};

/// "PwDB": tells `file` and us that a database is one of piecework.
const APPLICATION: i64 = 0x5077_4442;

/// Each step takes the tables from one version to the next.
const STEPS: [&str; 4] = [
    "
    CREATE TABLE queues (
        id       INTEGER PRIMARY KEY,
        name     TEXT NOT NULL UNIQUE,
        ack      TEXT NOT NULL CHECK (ack IN ('auto', 'answered', 'explicit', 'none')),
        answers  INTEGER,             -- the answer queue, where ack is answered
        maxsize  INTEGER NOT NULL,    -- 0: no bound
        attempts INTEGER NOT NULL,    -- 0: no end
        lease    INTEGER              -- microseconds; NULL: as long as its session
    ) STRICT;

    -- Every item that lives. There is no index by queue and place: reading all is how a manager
    -- starts, and each index would be written with each item.
    CREATE TABLE items (
        id       INTEGER PRIMARY KEY,
        queue    INTEGER NOT NULL,
        place    INTEGER NOT NULL,    -- the lower, the sooner it is got
        state    TEXT NOT NULL CHECK (state IN ('ready', 'delayed', 'dead')),
        due      INTEGER,             -- when a delayed item becomes ready
        stop     INTEGER NOT NULL,    -- whether it is a stop mark
        put_at   INTEGER NOT NULL,
        attempts INTEGER NOT NULL,    -- those that failed and counted
        payload  BLOB                 -- NULL: a long one, in `payloads`
    ) STRICT;

    -- Payloads that are longer than their item's row should be, which is written anew whenever
    -- the item moves.
    CREATE TABLE payloads (
        item     INTEGER PRIMARY KEY,
        payload  BLOB NOT NULL
    ) STRICT;

    -- How the attempts of items ended that did not end well, oldest first by number.
    CREATE TABLE attempts (
        item     INTEGER NOT NULL,
        number   INTEGER NOT NULL,
        session  INTEGER NOT NULL,
        began    INTEGER NOT NULL,
        ended    INTEGER NOT NULL,
        how      TEXT NOT NULL CHECK
                 (how IN ('nacked', 'released', 'lost', 'unanswered', 'run out', 'unsent')),
        counted  INTEGER NOT NULL,
        PRIMARY KEY (item, number)
    ) STRICT, WITHOUT ROWID;

    -- One row: numbers of items, places and queues below `next` may have been given.
    CREATE TABLE numbers (next INTEGER NOT NULL) STRICT;
    INSERT INTO numbers VALUES (1);
",
    "
    -- To whom the item was delivered: what that client called itself, and where it came from.
    ALTER TABLE attempts ADD COLUMN name TEXT NOT NULL DEFAULT '';
    ALTER TABLE attempts ADD COLUMN address TEXT NOT NULL DEFAULT '';

    -- Keys of `put_once()`, remembered until a time.
    CREATE TABLE keys (
        queue    INTEGER NOT NULL,
        key      TEXT NOT NULL,
        until    INTEGER NOT NULL,
        PRIMARY KEY (queue, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keys_by_time ON keys (queue, until);
    ALTER TABLE queues ADD COLUMN maxbytes INTEGER NOT NULL DEFAULT 0; -- of ready items; 0: none
    ALTER TABLE queues ADD COLUMN ordering TEXT NOT NULL DEFAULT 'fifo'
        CHECK (ordering IN ('fifo', 'priority', 'lifo'));
    -- Microseconds; NULL: its items never expire.
    ALTER TABLE queues ADD COLUMN expire INTEGER;
    ALTER TABLE items ADD COLUMN ready_at INTEGER;   -- NULL: since it was put
    -- Where its value orders it among those of its queue; NULL: its place alone does.
    ALTER TABLE items ADD COLUMN rank BLOB;
    ALTER TABLE queues ADD COLUMN once INTEGER NOT NULL DEFAULT 3600000000; -- microseconds
    ALTER TABLE queues ADD COLUMN more TEXT NOT NULL DEFAULT ''; -- options of the server alone
",
    "
    -- One row: the journal that belongs to these tables, and the number of its last entry that is
    -- in them.
    CREATE TABLE journal (name INTEGER NOT NULL, folded INTEGER NOT NULL) STRICT;
    INSERT INTO journal VALUES (0, 0);
",
    "
    -- Objects with a name that are kept, beside the queues.
    CREATE TABLE objects (
        id       INTEGER PRIMARY KEY,
        name     TEXT NOT NULL UNIQUE,
        kind     TEXT NOT NULL CHECK (kind IN ('Value', 'Namespace', 'list', 'dict', 'set'))
    ) STRICT;

    -- What is in them.
    CREATE TABLE entries (
        object   INTEGER NOT NULL,
        place    INTEGER NOT NULL,    -- in the order of these
        key      BLOB,                -- as it was put; NULL: what it is in has none
        same     BLOB,                -- keys with the same bytes here are equal; NULL: to none
        value    BLOB NOT NULL,
        PRIMARY KEY (object, place)
    ) STRICT;
",
];

/// Since which version there is a journal.
pub(super) const JOURNAL_SINCE: i64 = 3;

/// The version of the tables that this piecework makes.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// The log is cut back to this after a batch that made it longer.
const LOG_BYTES_MAX: i64 = 32 << 20;

/// Memory for pages, in KiB: the tables of a hundred thousand small items.
const CACHE_KIB: i64 = 32 << 10;

/// Opens the database, makes or migrates its tables, and sets how it keeps what it is given.
pub(super) fn open(path: &Path) -> Result<Connection, EngineError> {
    let opened = Connection::open(path).map_err(EngineError::from);
    opened.and_then(|connection| prepare(connection, path)).map_err(|error| of_file(path, error))
}

fn prepare(mut connection: Connection, path: &Path) -> Result<Connection, EngineError> {
    let found = version(&connection, path)?;
    // Before the first table: it cannot be changed within a transaction.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // `checkpoint.rs` sees to that.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    if found < KNOWN
        && let Some(folder) = path.parent()
    {
        sync_folder(folder)
            .map_err(|error| EngineError::File { path: folder.to_owned(), error })?;
    }
    Ok(connection)
}

/// The version of the tables of a database, which may be empty yet. One of another program, or of a
/// later version, is refused.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, EngineError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (found, application) = (pragma("user_version")?, pragma("application_id")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |r| r.get(0))?;
    if application != APPLICATION && tables > 0 {
        let what = "it is a database of another program".to_owned();
        return Err(EngineError::Damaged { path: path.to_owned(), what });
    }
    if found > KNOWN {
        return Err(EngineError::Later { path: path.to_owned(), found, known: KNOWN });
    }
    Ok(found)
}

/// The journal that belongs to the tables, and how far it is folded into them.
pub(super) fn journal(connection: &Connection) -> Result<(Name, u64), rusqlite::Error> {
    connection.query_row("SELECT name, folded FROM journal", (), |row| {
        let number = |at| row.get(at).map(i64::cast_unsigned);
        Ok((Name(number(0)?), number(1)?))
    })
}

/// Has the next commits be safe when they return, or not.
pub(super) fn sync_commits(connection: &Connection, sync: bool) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "synchronous", if sync { "FULL" } else { "NORMAL" })
}

/// The write-ahead log of the database, which is where the database is and not where a link to it
/// may be.
pub(super) fn log_of(connection: &Connection) -> PathBuf {
    let mut log = OsString::from(connection.path().unwrap_or_default());
    log.push("-wal");
    log.into()
}

/// One more connection to the open database, to read it and to write its log back.
pub(super) fn open_beside(path: &Path) -> Result<Connection, EngineError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Writes back as much of the log as nobody reads; says how many of its pages are written back.
pub(super) fn write_back(connection: &Connection) -> Result<c_int, rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(2))
}

/// Bytes of pages that hold nothing.
pub(super) fn unused(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let of = |name: &str| {
        let number: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
        Ok::<_, rusqlite::Error>(number.cast_unsigned())
    };
    Ok(of("freelist_count")? * of("page_size")?)
}

/// Says of an error whether it is the file that is at fault.
pub(super) fn of_file(path: &Path, error: EngineError) -> EngineError {
    match error {
        EngineError::Database(error) if is_damage(&error) => {
            EngineError::Damaged { path: path.to_owned(), what: error.to_string() }
        }
        error => error,
    }
}

/// Whether SQLite met what no database can hold.
fn is_damage(error: &rusqlite::Error) -> bool {
    let damage = [ErrorCode::NotADatabase, ErrorCode::DatabaseCorrupt];
    error.sqlite_error_code().is_some_and(|code| damage.contains(&code))
}
