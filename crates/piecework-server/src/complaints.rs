//! The log's lines about peers that are turned away. They may come as fast as such a peer can
//! connect, and the disk is not theirs to fill: a few are written at once, then one a second, with
//! the number of those that were not.

use crate::allowance::Allowance;
use crate::limits::{COMPLAINTS_AT_ONCE, COMPLAINTS_PER_SECOND};
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// Whether the next line may be written, and how many were not.
#[derive(Debug)]
pub(crate) struct Complaints(Mutex<Lines>);

#[derive(Debug)]
struct Lines {
    allowance: Allowance,
    unwritten: u64,
}

impl Complaints {
    pub(crate) fn new() -> Self {
        let allowance = Allowance::new(COMPLAINTS_AT_ONCE, COMPLAINTS_PER_SECOND);
        Self(Mutex::new(Lines { allowance, unwritten: 0 }))
    }

    /// Writes a line about `peer`, or counts it.
    pub(crate) fn say(&self, peer: &impl Display, what: impl Display) {
        match self.next() {
            None => {}
            Some(0) => tracing::warn!(%peer, "{what}"),
            Some(unwritten) => {
                tracing::warn!(%peer, "{what} ({unwritten} such lines before this one were left out)");
            }
        }
    }

    /// `None` if a line is too many; else how many were left out since the last one.
    fn next(&self) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if !lines.allowance.wait(now).is_zero() {
            lines.unwritten += 1;
            return None;
        }
        lines.allowance.spend(now);
        Some(std::mem::take(&mut lines.unwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_few_lines_and_a_number() {
        let complaints = Complaints::new();
        let written = (0..1_000).filter(|_| complaints.next() == Some(0)).count();
        assert_eq!(written, COMPLAINTS_AT_ONCE as usize);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(complaints.next(), Some(1_000 - u64::from(COMPLAINTS_AT_ONCE)));
        assert_eq!(complaints.next(), None);
    }
}
