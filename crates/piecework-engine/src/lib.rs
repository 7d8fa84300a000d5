//! Where decisions are kept, batch by batch.
//!
//! An engine knows what a record says of queues, items and objects, and nothing of sessions, leases
//! or sockets: it keeps what it is given, and gives back what is left of it when the manager starts
//! again.
//!
//! ```
//! use piecework_engine::{Disk, Engine, SyncPolicy};
//! use piecework_state::{QueueId, QueueOptions, Record};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let options = QueueOptions::default();
//! let made = Record::Queue { queue: QueueId(1), name: "task".into(), options };
//! let mut engine = Disk::open(folder, SyncPolicy::Always)?;
//! engine.commit(std::slice::from_ref(&made))?;
//! drop(engine);
//!
//! let mut again = Disk::open(folder, SyncPolicy::Always)?;
//! let mut kept = Vec::new();
//! again.load(&mut |record| kept.push(record))?;
//! assert!(kept.contains(&made));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod conformance;
mod disk;
mod error;

pub use disk::{
    Checked, DATABASE, Disk, ObjectCount, QueueCount, SyncPolicy, Syncer, backup, check,
};
pub use error::EngineError;

use bytes::Bytes;
use piecework_state::{ItemId, Record};

/// Keeps records.
///
/// Every engine keeps the same promises, which [`conformance::exercise`] tries; what differs is
/// which accidents they survive.
pub trait Engine: Send {
    /// Keeps a batch: when this returns `Ok`, all of it is kept as safely as this engine keeps
    /// anything, and after an error none of it is.
    ///
    /// # Errors
    ///
    /// What stood in the way. The engine is of no use from then on: whoever promised something
    /// that was in the batch must not keep running as if it were kept.
    fn commit(&mut self, batch: &[Record]) -> Result<(), EngineError>;

    /// Whether a batch of so many bytes ([`Record::size`]) would be kept at once, without waiting
    /// for a disk: then whoever has other things to do may do that, too.
    fn is_quick(&mut self, bytes: u64) -> bool {
        let _ = bytes;
        false
    }

    /// How many bytes of payload there is room for, where that is news. Besides, an engine keeps
    /// back what settling what it has may take.
    fn room(&mut self) -> Option<u64> {
        None
    }

    /// The payload of an item that was committed and lives: for those that are not held in memory.
    ///
    /// # Errors
    ///
    /// When it is not there, or cannot be read.
    fn payload(&mut self, item: ItemId) -> Result<Bytes, EngineError> {
        Err(EngineError::NoPayload(item.0))
    }

    /// Gives back what is left of what earlier runs have kept, record by record: queues, items in
    /// the order of their ids, keys, objects and their rows. It replays to the same.
    ///
    /// # Errors
    ///
    /// When what was kept cannot be read.
    fn load(&mut self, take: &mut dyn FnMut(Record)) -> Result<(), EngineError>;
}
