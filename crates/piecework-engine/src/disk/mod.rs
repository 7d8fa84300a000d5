//! The engine of managers that lose nothing: SQLite tables in a folder of their own.
//!
//! A batch is one transaction, whole or not at all. What its tables are is in `schema.rs`, what a
//! record does to them in `write.rs`, and how they become records again in `read.rs`. A row is an
//! item that lives, so the file and the time to open it grow with those, and not with what has
//! passed through.

mod backup;
mod check;
mod checkpoint;
mod lock;
mod look;
mod read;
mod schema;
mod space;
mod sync;
mod write;

pub use backup::backup;
pub use check::{Checked, QueueCount, check};
pub use sync::{SyncPolicy, Syncer};

use crate::{Engine, EngineError};
use bytes::Bytes;
use checkpoint::Checkpointer;
use lock::Lock;
use piecework_state::{ItemId, Record};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use space::{Space, Within};
use std::path::{Path, PathBuf};

/// The database's file within the data directory.
pub const DATABASE: &str = "piecework.db";

/// Its write-ahead log, as SQLite names it.
const LOG: &str = "piecework.db-wal";

/// Keeps records in a folder on disk.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    connection: Connection,
    /// What `write.rs` remembers from batch to batch.
    books: write::Books,
    syncer: Option<Syncer>,
    checkpointer: Checkpointer,
    space: Space,
    /// Bytes of payload that are loaded.
    resident_max: u64,
    /// Why an earlier commit failed, if one did.
    poisoned: Option<String>,
    /// Let go last: nobody else may open the folder before the database is closed.
    _lock: Lock,
}

impl Disk {
    /// Opens the folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When another manager uses the folder, or what is in it cannot be read.
    pub fn open(folder: &Path, sync: SyncPolicy) -> Result<Self, EngineError> {
        lock::make_folder(folder)?;
        let lock = Lock::take(folder)?;
        let path = folder.join(DATABASE);
        let mut connection = schema::open(&path, sync)?;
        let books = write::Books::read(&connection)?;
        let syncer = match sync {
            SyncPolicy::Interval(interval) => Some(Syncer::start(folder.join(LOG), interval)?),
            SyncPolicy::Always | SyncPolicy::Never => None,
        };
        let checkpointer = Checkpointer::start(&mut connection, &path)?;
        let space = Space::of(folder)
            .map_err(|error| EngineError::File { path: folder.to_owned(), error })?;
        let (folder, poisoned) = (folder.to_owned(), None);
        Ok(Self {
            folder,
            connection,
            books,
            syncer,
            checkpointer,
            space,
            resident_max: u64::MAX,
            poisoned,
            _lock: lock,
        })
    }

    /// The same, but for loading payloads only up to so many bytes: of later items there is their
    /// length alone, and the payload is fetched when it is wanted.
    #[must_use]
    pub fn loading_at_most(mut self, resident_max: u64) -> Self {
        self.resident_max = resident_max;
        self
    }

    fn transact(&mut self, batch: &[Record]) -> Result<(), EngineError> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        for record in batch {
            self.books.write(&transaction, record)?;
        }
        self.books.reserve_numbers(&transaction)?;
        transaction.commit()?;
        match &self.syncer {
            Some(syncer) => syncer.written(),
            None => Ok(()),
        }
    }
}

impl Engine for Disk {
    fn commit(&mut self, batch: &[Record]) -> Result<(), EngineError> {
        if let Some(why) = &self.poisoned {
            return Err(EngineError::Poisoned(why.clone()));
        }
        self.space.spend(batch.iter().map(Record::bytes).sum());
        let mut committed = self.transact(batch);
        // None of it is kept, and what is kept back may do.
        if committed.as_ref().is_err_and(is_full) && self.space.give_up() {
            self.books = write::Books::read(&self.connection)?;
            committed = self.transact(batch);
        }
        if let Err(error) = &committed {
            self.poisoned = Some(error.to_string());
        }
        committed
    }

    fn room(&mut self) -> Option<u64> {
        let (connection, folder) = (&self.connection, &self.folder);
        self.space.room(|| {
            // All of the log goes into the database, so that what is known of both is true. What
            // stands in the way of that will stand in the way of the next commit, which says so.
            let _ = schema::write_back(connection);
            let log = std::fs::metadata(folder.join(LOG)).map_or(0, |log| log.len());
            Within { database: schema::unused(connection).unwrap_or(0), log }
        })
    }

    fn payload(&mut self, item: ItemId) -> Result<Bytes, EngineError> {
        read::payload(&self.connection, item)
    }

    fn load(&mut self, take: &mut dyn FnMut(Record)) -> Result<(), EngineError> {
        read::each(&self.connection, self.resident_max, take)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Before the database is closed: the last to close it writes the log back.
        self.checkpointer.stop(&mut self.connection);
    }
}

fn is_full(error: &EngineError) -> bool {
    let EngineError::Database(error) = error else { return false };
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}
