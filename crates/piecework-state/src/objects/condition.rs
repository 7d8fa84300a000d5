//! `Condition`: a lock, and a line in which sessions wait without it until they are notified.
//!
//! A session that was notified, or has waited long enough, has to have the lock again before it is
//! answered. One that crashed while it waited takes nothing: CPython's ghost would take the lock.

use super::lock::Lock;
use crate::waiters::Line;

/// A lock, and who waits to be notified.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(super) lock: Lock,
    pub(super) line: Line,
}

impl Default for Condition {
    fn default() -> Self {
        Self { lock: Lock::new(true), line: Line::default() }
    }
}
