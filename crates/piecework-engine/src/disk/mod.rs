//! The engine of managers that lose nothing: SQLite tables in a folder of their own.
//!
//! A batch is one transaction, whole or not at all. What its tables are is in `schema.rs`, what a
//! record does to them in `write.rs`, and how they become records again in `read.rs`. A row is an
//! item that lives, so the file and the time to open it grow with those, and not with what has
//! passed through.

mod lock;
mod read;
mod schema;
mod sync;
mod write;

pub use sync::SyncPolicy;

use crate::{Engine, EngineError};
use lock::Lock;
use piecework_state::Record;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use sync::Syncer;

/// The database's file within the data directory.
const DATABASE: &str = "piecework.db";

/// Its write-ahead log, as SQLite names it.
const LOG: &str = "piecework.db-wal";

/// Keeps records in a folder on disk.
#[derive(Debug)]
pub struct Disk {
    connection: Connection,
    /// What `write.rs` remembers from batch to batch.
    books: write::Books,
    syncer: Option<Syncer>,
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
        let connection = schema::open(&path, sync)?;
        let books = write::Books::read(&connection)?;
        let syncer = match sync {
            SyncPolicy::Interval(interval) => Some(Syncer::start(folder.join(LOG), interval)?),
            SyncPolicy::Always | SyncPolicy::Never => None,
        };
        Ok(Self { connection, books, syncer, poisoned: None, _lock: lock })
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
        let committed = self.transact(batch);
        if let Err(error) = &committed {
            self.poisoned = Some(error.to_string());
        }
        committed
    }

    fn load(&mut self) -> Result<Vec<Record>, EngineError> {
        read::load(&self.connection)
    }
}
