//! `Semaphore` and `BoundedSemaphore`. Permits have no holder: whoever crashes takes his along, as
//! in CPython.

use crate::error::StateError;
use crate::waiters::Line;

/// Permits, and who waits for one.
#[derive(Debug)]
pub(crate) struct Semaphore {
    permits: u64,
    max: Option<u64>,
    pub(super) line: Line,
}

impl Semaphore {
    pub(super) fn new(permits: u64, bounded: bool) -> Self {
        Self { permits, max: bounded.then_some(permits), line: Line::default() }
    }

    /// Takes one; false if there is none. Nobody waits while there is.
    pub(super) fn take(&mut self) -> bool {
        let taken = self.permits.checked_sub(1);
        self.permits = taken.unwrap_or(0);
        taken.is_some()
    }

    pub(super) fn give(&mut self, permits: u64) -> Result<(), StateError> {
        let permits = self.permits.saturating_add(permits);
        if self.max.is_some_and(|max| permits > max) {
            return Err(StateError::ReleasedTooOften);
        }
        self.permits = permits;
        Ok(())
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.permits == 0
    }
}
