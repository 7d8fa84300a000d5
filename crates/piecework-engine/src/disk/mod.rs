//! The engine of managers that lose nothing: a journal and SQLite tables, in a folder of their own.
//!
//! A batch is one entry of the journal (`journal.rs`), whole or not at all; a while later it is in
//! the tables (`fold.rs`), where `sqlite3` can read it. What the tables are is in `schema.rs`, what
//! a record does to them in `write.rs`, and how they become records again in `read.rs`. A row is an
//! item that lives, so the file and the time to open it grow with those, and not with what has
//! passed through; and most items pass through the journal alone.

mod backup;
mod check;
mod checkpoint;
mod columns;
mod fold;
mod journal;
mod late;
mod lock;
mod look;
mod net;
mod objects;
mod read;
mod schema;
mod space;
mod sync;
mod tables;
mod write;

pub use backup::backup;
pub use check::{Checked, ObjectCount, QueueCount, check};
pub use sync::{SyncPolicy, Syncer};

use crate::{Engine, EngineError};
use bytes::Bytes;
use fold::Folder;
use journal::{Entry, Journal, Name};
use lock::Lock;
use piecework_state::{ItemId, Record};
use rusqlite::Connection;
use space::{Space, Within, or_after};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tables::Tables;

/// The database's file within the data directory.
pub const DATABASE: &str = "piecework.db";

/// Keeps records in a folder on disk.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    name: Name,
    folding: Folder,
    /// To read the tables, beside the thread that writes them.
    tables: Connection,
    /// The write-ahead log of the tables.
    log: PathBuf,
    sync: SyncPolicy,
    syncer: Option<Syncer>,
    space: Arc<Mutex<Space>>,
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
        let failed = |error| EngineError::File { path: folder.to_owned(), error };
        lock::make_folder(folder)?;
        let lock = Lock::take(folder)?;
        let path = folder.join(DATABASE);
        let mut tables = Tables::open(&path)?;
        let mut space = Space::of(folder).map_err(failed)?;
        let log = tables.log();
        let (journal, name) = begin(folder, &mut tables, &mut space)?;
        lock::sync_folder(folder).map_err(failed)?;
        let space = Arc::new(Mutex::new(space));
        let syncer = match sync {
            SyncPolicy::Interval(interval) => {
                let [a, b] = journal::FILES.map(|file| folder.join(file));
                Some(Syncer::start(vec![a, b, log.clone()], interval)?)
            }
            SyncPolicy::Always | SyncPolicy::Never => None,
        };
        Ok(Self {
            folder: folder.to_owned(),
            name,
            folding: Folder::start(journal, tables, &space, sync)?,
            tables: schema::open_beside(&path)?,
            log,
            sync,
            syncer,
            space,
            resident_max: u64::MAX,
            poisoned: None,
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

    /// The same, but for how long what is committed may be in the journal alone, where `sqlite3`
    /// does not find it: a second unless told.
    #[must_use]
    pub fn folding_after(self, patience: Duration) -> Self {
        self.folding.set_patience(patience);
        self
    }

    /// Has what was committed so far brought into the tables, and returns when it is there.
    ///
    /// # Errors
    ///
    /// When that fails; an engine that could not do it is of no use any more.
    pub fn fold(&mut self) -> Result<(), EngineError> {
        self.folding.fold(None)
    }

    fn keep(&self, batch: &[Record]) -> Result<(), EngineError> {
        let entry = Entry::new(self.name, self.folding.next(), batch);
        match entry.len() <= journal::ENTRY_BYTES_MAX {
            true => self.folding.append(entry)?,
            false => self.folding.fold(Some(entry))?,
        }
        match &self.syncer {
            Some(syncer) => syncer.written(),
            None => Ok(()),
        }
    }

    /// Room within the files. All goes into the tables, and all of their log into the database, so
    /// that what is known of both is true. What stands in the way of that will stand in the way of
    /// the next commit, which says so.
    fn within(&self) -> Within {
        let _ = self.folding.fold(None);
        let _ = schema::write_back(&self.tables);
        let log = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        Within { database: schema::unused(&self.tables).unwrap_or(0), log }
    }

    fn space(&self) -> MutexGuard<'_, Space> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Folds what an earlier run has left in the journal. From here on the tables belong to another
/// one, which is given back with its name.
fn begin(
    folder: &Path,
    tables: &mut Tables,
    space: &mut Space,
) -> Result<(Journal, Name), EngineError> {
    let (earlier, folded) = tables.journal()?;
    let (left, after_gap) = journal::behind(journal::read(folder, earlier)?, folded);
    if let Some(first) = after_gap.first() {
        tracing::warn!(
            "{} batches from number {} on are left out of the journal in {}: those before them are \
             gone; were they lost with the machine's power, or was the database restored beside a \
             later journal?",
            after_gap.len(),
            first.number,
            folder.display(),
        );
    }
    let name = Name(getrandom::u64().expect("the system has randomness to give"));
    or_after(|| space.give_up(), || tables.begin(&left, name))?;
    let journal = or_after(|| space.give_up(), || Journal::begin(folder, name))?;
    Ok((journal, name))
}

impl Engine for Disk {
    fn commit(&mut self, batch: &[Record]) -> Result<(), EngineError> {
        if let Some(why) = &self.poisoned {
            return Err(EngineError::Poisoned(why.clone()));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.space().spend(batch.iter().map(Record::bytes).sum());
        // Where the journal's files are not written over in their place, that may take room.
        let kept = or_after(|| self.space().give_up(), || self.keep(batch));
        if let Err(error) = &kept {
            self.poisoned = Some(error.to_string());
        }
        kept
    }

    fn is_quick(&mut self, bytes: u64) -> bool {
        self.sync != SyncPolicy::Always
            && bytes <= journal::ENTRY_BYTES_MAX as u64
            && self.folding.has_room(journal::ENTRY_BYTES_MAX)
            && !self.space().is_little()
    }

    fn room(&mut self) -> Option<u64> {
        let little = self.space().look()?;
        let within = if little { self.within() } else { Within::default() };
        let journal = self.folding.bytes();
        self.space().room(journal, within)
    }

    fn payload(&mut self, item: ItemId) -> Result<Bytes, EngineError> {
        // In this order: what is not in the journal any more is in the tables.
        match self.folding.payload(item) {
            Some(payload) => Ok(payload),
            None => read::payload(&self.tables, item),
        }
    }

    fn load(&mut self, take: &mut dyn FnMut(Record)) -> Result<(), EngineError> {
        self.fold()?;
        read::each(&self.tables, self.resident_max, take)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.folding.stop() {
            journal::remove(&self.folder);
        }
    }
}
