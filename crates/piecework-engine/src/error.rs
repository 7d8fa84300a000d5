//! What an engine can fail with, and whose fault it is.

use piecework_state::DecodeError;
use std::io;
use std::path::PathBuf;

/// Why something was not kept, or cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A file or folder could not be made, read or synced.
    #[error("storage in {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There can be no more threads.
    #[error("storage: cannot start a thread: {0}")]
    Thread(io::Error),
    /// There is no database.
    #[error(
        "there is no database at {}; hint: name the folder that `piecework serve` keeps its items \
         in, with --data-dir", path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another manager uses the folder.
    #[error(
        "data directory {} is in use by {holder}; hint: stop it, or choose another --data-dir",
        folder.display()
    )]
    InUse {
        /// Which folder.
        folder: PathBuf,
        /// The process, as it named itself.
        holder: String,
    },
    /// The tables were made by a later piecework.
    #[error(
        "the tables in {} are of version {found}, and this piecework knows up to {known}; \
         hint: run the piecework that wrote them, or a later one", path.display()
    )]
    Later {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version known here.
        known: i64,
    },
    /// The file is no database of piecework, or was damaged.
    #[error(
        "{} cannot be read: {what}; hint: restore it from a back-up, or look into it with \
         `sqlite3 {} '.recover'`", path.display(), path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A batch of the journal is whole, and yet cannot be read: a later piecework wrote it.
    #[error("batch {number} of the journal: {error}")]
    Batch {
        /// Its number.
        number: u64,
        /// What cannot be read.
        error: DecodeError,
    },
    /// The database did not do what it was asked.
    #[error("storage: {0}")]
    Database(#[from] rusqlite::Error),
    /// A record speaks of an item that is not there: a defect of piecework.
    #[error("a record speaks of item {0}, which is not kept")]
    UnknownItem(u64),
    /// A record or a reply needs the payload of an item that is neither in memory nor kept: a
    /// defect of piecework.
    #[error("the payload of item {0} is nowhere to be found")]
    NoPayload(u64),
    /// An earlier commit or sync failed, so that nothing more may be promised.
    #[error("an earlier commit failed ({0}), and nothing is kept since")]
    Poisoned(String),
}
