//! What is due, and when; ties are broken by what is due, so a replay is the same.

use crate::{ItemId, QueueId, SessionId, Time};
use std::collections::BTreeSet;

/// Something that happens when its time has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Due {
    /// A delayed item becomes ready.
    Delay(QueueId, ItemId),
    /// A lease runs out.
    Lease(QueueId, ItemId),
    /// A session has waited long enough.
    Wait(SessionId),
    /// A queue's oldest keys of `put_once()` are forgotten.
    Keys(QueueId),
    /// Items of a queue may have expired.
    Expiry(QueueId),
    /// An undecided end of a thread's session is decided.
    Undecided(SessionId),
}

/// All deadlines, soonest first.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BTreeSet<(Time, Due)>);

impl Deadlines {
    pub(crate) fn add(&mut self, at: Time, due: Due) {
        self.0.insert((at, due));
    }

    pub(crate) fn remove(&mut self, at: Time, due: Due) {
        self.0.remove(&(at, due));
    }

    /// Whether this is to happen at that time.
    pub(crate) fn has(&self, at: Time, due: Due) -> bool {
        self.0.contains(&(at, due))
    }

    /// The soonest deadline.
    pub(crate) fn next(&self) -> Option<Time> {
        self.0.first().map(|&(at, _)| at)
    }

    /// Takes the soonest deadline that has come by `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Due> {
        let &(at, due) = self.0.first()?;
        (at <= now).then(|| {
            self.0.pop_first();
            due
        })
    }
}
