//! The commands that run in this process, for its end: `exit` drops nothing.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::Group;

/// The groups whose first process was not seen to end.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Remembers a group, until it is dropped.
#[derive(Debug)]
pub(super) struct Entry(Group);

impl Entry {
    pub(super) fn new(group: Group) -> Self {
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).insert(group.id());
        Self(group)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0.id());
    }
}

/// Kills them all. A process that ends does this before; the lock is kept, so that none is begun.
pub(crate) fn kill_all() {
    let groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    groups.iter().filter_map(|id| Group::from_id(*id)).for_each(Group::kill);
    std::mem::forget(groups);
}
