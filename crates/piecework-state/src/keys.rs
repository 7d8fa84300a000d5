//! The keys that a queue remembers, each until its time.

use crate::Time;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// The keys that a queue remembers. Clients choose them, so the set is one in which they cannot be
/// chosen to collide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    known: HashSet<Arc<str>>,
    /// Each with the time until which it is remembered, soonest first.
    until: BTreeSet<(Time, Arc<str>)>,
}

impl Keys {
    /// Whether something was put under this key, if it is one.
    pub(crate) fn knows(&self, key: Option<&str>) -> bool {
        key.is_some_and(|key| self.known.contains(key))
    }

    pub(crate) fn remember(&mut self, key: Arc<str>, until: Time) {
        self.known.insert(Arc::clone(&key));
        self.until.insert((until, key));
    }

    /// Forgets what was remembered until this time or an earlier one.
    pub(crate) fn forget(&mut self, until: Time) {
        while self.first().is_some_and(|first| first <= until) {
            let Some((_, key)) = self.until.pop_first() else { return };
            self.known.remove(&key);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.until.len()
    }

    /// When the first of them is forgotten.
    pub(crate) fn first(&self) -> Option<Time> {
        self.until.first().map(|(until, _)| *until)
    }

    /// All of them, in the order in which they are forgotten.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Time, Arc<str>)> {
        self.until.iter().cloned()
    }

    /// Whether the two views of them agree.
    pub(crate) fn agree(&self) -> bool {
        self.known.len() == self.until.len()
            && self.until.iter().all(|(_, key)| self.known.contains(key))
    }
}
