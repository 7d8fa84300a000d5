//! Where decisions are kept, batch by batch.
//!
//! An engine knows nothing of queues or sessions. It keeps records of whatever type its owner
//! decides in, in the order they come, and gives them back when the manager starts again.
//!
//! ```
//! use piecework_engine::{Engine, Memory};
//!
//! let mut engine = Memory;
//! engine.commit(&["put 1", "ack 1"])?;
//! let left: Vec<&str> = engine.load()?;
//! assert!(left.is_empty(), "memory keeps nothing");
//! # Ok::<(), piecework_engine::EngineError>(())
//! ```

mod error;
mod memory;

pub use error::EngineError;
pub use memory::Memory;

/// Keeps records of type `R`.
///
/// Every engine keeps the same promises; what differs is which accidents they survive.
pub trait Engine<R>: Send {
    /// Keeps a batch: when this returns `Ok`, all of it is kept as safely as this engine keeps
    /// anything, and after an error none of it is.
    ///
    /// # Errors
    ///
    /// What stood in the way. The engine is of no use from then on: whoever promised something
    /// that was in the batch must not keep running as if it were kept.
    fn commit(&mut self, batch: &[R]) -> Result<(), EngineError>;

    /// Gives back what was kept by earlier runs, in the order it was committed.
    ///
    /// # Errors
    ///
    /// When what was kept cannot be read.
    fn load(&mut self) -> Result<Vec<R>, EngineError>;
}
