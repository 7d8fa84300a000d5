//! The one clock of the manager.

use piecework_state::Time;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Unix time that never goes back: read from the wall once, then carried on by the monotonic
/// clock (which tests can pause).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Time,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started: Instant::now(), started_at: Time::default() + since_epoch }
    }

    pub(crate) fn now(&self) -> Time {
        self.started_at + self.started.elapsed()
    }

    /// When the monotonic clock will say `time`.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.started + time.since(self.started_at)
    }
}
