//! Tasks that this build has no function for: set aside for a moment, and given back.
//!
//! Given back at once, such a task would come again at once, being the oldest. While it is set
//! aside the worker goes on with what is behind it; when it is given back, whoever waits longest
//! gets it. Each time that a function is missed its tasks are set aside for longer.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::worker::source::Held;

/// How long a task is set aside the first time, and at most.
const WAIT: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

/// Tasks that are set aside; with more, no other is taken until one is given back.
const ASIDE_MAX: usize = 100;

/// Functions that are remembered as missing.
const NAMES_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Aside {
    held: Vec<(Instant, Held)>,
    waits: HashMap<String, Duration>,
}

impl Aside {
    /// Sets a task aside; tells whether its function was not missed before.
    pub(super) fn put(&mut self, task: &str, held: Held) -> bool {
        let [first, max] = WAIT;
        let before = self.waits.get(task).copied();
        if before.is_none() && self.waits.len() >= NAMES_MAX {
            self.waits.clear();
        }
        let wait = before.map_or(first, |wait| (wait * 2).min(max));
        self.waits.insert(task.to_owned(), wait);
        self.held.push((Instant::now() + wait, held));
        before.is_none()
    }

    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= ASIDE_MAX
    }

    /// When the next one is to be given back.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.iter().map(|(due, _)| *due).min()
    }

    /// Takes those that are to be given back by now.
    pub(super) fn take_due(&mut self) -> Vec<Held> {
        let now = Instant::now();
        self.held.extract_if(.., |(due, _)| *due <= now).map(|(_, held)| held).collect()
    }

    pub(super) fn take_all(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.held).into_iter().map(|(_, held)| held).collect()
    }
}
