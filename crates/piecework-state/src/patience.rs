//! How long a call waits that cannot be served at once.

use crate::Time;

/// What to do when a call cannot be served at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wait {
    /// Fail at once.
    No,
    /// Wait until this moment, then fail.
    Until(Time),
    /// Wait for as long as the session lasts.
    Forever,
}
