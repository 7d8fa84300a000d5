//! The tables, as those who fold have them: all that changes them goes through here.

use super::checkpoint::Checkpointer;
use super::journal::{self, Entry, Name};
use super::{net, schema, write};
use crate::EngineError;
use piecework_state::Record;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};

const FOLDED: &str = "UPDATE journal SET folded = ?1";
const BEGUN: &str = "UPDATE journal SET name = ?1, folded = 0";

/// Where the tables stand.
#[derive(Clone, Copy, Debug)]
enum Note {
    /// They have all of their journal up to this number.
    Folded(u64),
    /// They belong to this journal from here on, and have nothing of it.
    Begun(Name),
}

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Tables {
    connection: Connection,
    /// What `write.rs` remembers from batch to batch.
    books: write::Books,
    checkpointer: Checkpointer,
}

impl Tables {
    /// Opens the database, whose tables are made or brought up to date.
    pub(super) fn open(path: &Path) -> Result<Self, EngineError> {
        let mut connection = schema::open(path)?;
        let books = write::Books::read(&connection)?;
        let checkpointer = Checkpointer::start(&mut connection, path)?;
        Ok(Self { connection, books, checkpointer })
    }

    /// The journal that belongs to the tables, and how far it is folded into them.
    pub(super) fn journal(&self) -> Result<(Name, u64), EngineError> {
        Ok(schema::journal(&self.connection)?)
    }

    /// The write-ahead log of the tables.
    pub(super) fn log(&self) -> PathBuf {
        schema::log_of(&self.connection)
    }

    /// Does what these entries say, all of it or nothing; with `sync`, that outlives a loss of
    /// power when this returns.
    pub(super) fn fold(&mut self, entries: &[Entry], sync: bool) -> Result<(), EngineError> {
        let Some(last) = entries.last() else { return Ok(()) };
        schema::sync_commits(&self.connection, sync)?;
        self.apply(entries, Note::Folded(last.number))
    }

    /// The same for what an earlier run has left; from here on the tables belong to another
    /// journal, of which nothing is folded.
    pub(super) fn begin(&mut self, entries: &[Entry], name: Name) -> Result<(), EngineError> {
        // The files of the earlier journal are about to be written over.
        schema::sync_commits(&self.connection, true)?;
        self.apply(entries, Note::Begun(name))
    }

    fn apply(&mut self, entries: &[Entry], note: Note) -> Result<(), EngineError> {
        let applied = apply(&mut self.connection, &mut self.books, entries, note);
        if applied.is_err()
            && let Ok(books) = write::Books::read(&self.connection)
        {
            // The others speak of what was rolled back.
            self.books = books;
        }
        applied
    }
}

/// Does in a copy of the tables what these entries say. It belongs to no journal from here on.
pub(super) fn complete(copy: &mut Connection, entries: &[Entry]) -> Result<(), EngineError> {
    let mut books = write::Books::read(copy)?;
    apply(copy, &mut books, entries, Note::Begun(Name::NONE))
}

/// Does what the entries say, and notes where the tables stand, at once.
fn apply(
    connection: &mut Connection,
    books: &mut write::Books,
    entries: &[Entry],
    note: Note,
) -> Result<(), EngineError> {
    let records = journal::records(entries)?;
    let passing = net::passing(&records);
    let behavior = TransactionBehavior::Immediate;
    let mut transaction = connection.transaction_with_behavior(behavior)?;
    for record in records {
        books.count(&record);
        let Some(record) = net::without(&passing, record) else { continue };
        match note {
            Note::Folded(_) => books.write(&transaction, &record)?,
            Note::Begun(_) => write_or_leave(&mut transaction, books, record)?,
        }
    }
    books.reserve_numbers(&transaction)?;
    match note {
        Note::Folded(number) => {
            transaction.prepare_cached(FOLDED)?.execute([number.cast_signed()])?
        }
        Note::Begun(name) => transaction.prepare_cached(BEGUN)?.execute([name.0.cast_signed()])?,
    };
    Ok(transaction.commit()?)
}

/// Does what a record says, or nothing and tells of it, where it does not fit the tables: a defect,
/// of which the manager that wrote it has told as well. But one that cannot start for it would keep
/// all else from those who wait for it.
fn write_or_leave(
    transaction: &mut Transaction<'_>,
    books: &mut write::Books,
    record: Record,
) -> Result<(), EngineError> {
    for part in net::parts(record) {
        let savepoint = transaction.savepoint()?;
        match books.write(&savepoint, &part) {
            Ok(()) => savepoint.commit()?,
            Err(error) if does_not_fit(&error) => {
                tracing::error!("a record of the journal is left out: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn does_not_fit(error: &EngineError) -> bool {
    match error {
        EngineError::UnknownItem(_) => true,
        EngineError::Database(error) => {
            error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
        }
        _ => false,
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        // Before the database is closed: the last to close it writes the log back.
        self.checkpointer.stop(&mut self.connection);
    }
}
