//! `Barrier`: nobody goes on before all are there.
//!
//! A session that ends while it waits has never come: CPython would let the others go on without
//! it. Whoever waits too long breaks the barrier for all, as there.

use crate::Time;
use crate::patience::Wait;
use crate::waiters::Line;
use std::time::Duration;

/// How many have to come, and who is there.
#[derive(Debug)]
pub(crate) struct Barrier {
    pub(super) parties: u64,
    pub(super) is_broken: bool,
    patience: Option<Duration>,
    pub(super) line: Line,
}

impl Barrier {
    pub(super) fn new(parties: u64, patience: Option<Duration>) -> Self {
        Self { parties, is_broken: false, patience, line: Line::default() }
    }

    /// Until when somebody waits who does not say.
    pub(super) fn patience(&self, now: Time) -> Wait {
        match self.patience {
            None => Wait::Forever,
            Some(Duration::ZERO) => Wait::No,
            Some(patience) => Wait::Until(now + patience),
        }
    }
}
