//! What of an object a session waits for.

use crate::call::Reply;
use crate::error::StateError;

/// What of an object a session waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Awaits {
    /// A lock.
    Lock,
    /// The lock of a condition, which it held so often before it waited for notice.
    Again { depth: u64, notified: bool },
    /// Notice at a condition.
    Notice { depth: u64 },
    /// A permit of a semaphore.
    Permit,
    /// That an event is set.
    Set,
    /// The other parties of a barrier.
    Others,
}

impl Awaits {
    /// What the wait ends in when it was too long.
    pub(crate) fn timed_out(self) -> Reply {
        match self {
            Self::Others => Reply::Error(StateError::BrokenBarrier),
            _ => Reply::Bool(false),
        }
    }
}
