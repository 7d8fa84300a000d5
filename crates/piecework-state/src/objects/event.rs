//! `Event`: set or not, and who waits until it is.

use crate::waiters::Line;

/// A flag, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(super) is_set: bool,
    pub(super) line: Line,
}
