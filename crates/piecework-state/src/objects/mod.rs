//! Handles: what `create` gives out, and who refers to it.
//!
//! Every `create` gets a handle of its own, so that the end of a session can be told from the
//! release of what it used. Its ident describes itself (`task.17`): the name of the queue and a
//! number. A named queue never dies with its handles, and an ident from an earlier run of the
//! manager still says which queue it means.

use crate::id::IdMap;
use crate::{ObjectId, Peer, QueueId, SessionId, Time};
use std::collections::VecDeque;

/// What is known of one handle.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) queue: QueueId,
    /// References as the clients count them: `create` and `incref` less `decref`.
    pub(crate) refs: u64,
    /// When each `decref` came that no end of a session has claimed, in calls of the manager.
    decrefs: VecDeque<u64>,
    /// Live sessions that have used it.
    pub(crate) sessions: usize,
    /// Ended sessions of threads whose end is undecided and who used it.
    pub(crate) undecided: Vec<SessionId>,
    /// The last crash of a process that used it.
    pub(crate) crashed: Option<(Time, Peer)>,
}

/// Unclaimed `decref`s that a handle remembers. Only forked children share a handle, and each of
/// them claims its own within moments; a process with more children than this that end at the
/// same time is told apart less well, and nothing else.
const DECREFS_MAX: usize = 64;

impl Handle {
    pub(crate) fn new(queue: QueueId) -> Self {
        Self {
            queue,
            refs: 1,
            decrefs: VecDeque::new(),
            sessions: 0,
            undecided: Vec::new(),
            crashed: None,
        }
    }

    /// One reference less, at call number `call`.
    pub(crate) fn decref(&mut self, call: u64) {
        self.refs = self.refs.saturating_sub(1);
        if self.decrefs.len() == DECREFS_MAX {
            self.decrefs.pop_front();
        }
        self.decrefs.push_back(call);
    }

    /// Whether somebody released this handle after call number `last_use`. A process that exits in
    /// good order releases each proxy between its last request and its end of stream; each such
    /// release speaks for one process only, so it is claimed.
    pub(crate) fn claim_release(&mut self, last_use: u64) -> bool {
        match self.decrefs.iter().position(|&call| call > last_use) {
            Some(at) => self.decrefs.remove(at).is_some(),
            None => self.refs == 0,
        }
    }

    /// Whether nothing is left to know about it.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.sessions == 0
            && self.undecided.is_empty()
            && (self.refs == 0 || self.crashed.is_some())
    }
}

/// All handles.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) by_id: IdMap<ObjectId, Handle>,
    next: u64,
}

impl Handles {
    pub(crate) fn new(first: u64) -> Self {
        Self { by_id: IdMap::default(), next: first }
    }

    pub(crate) fn create(&mut self, queue: QueueId) -> ObjectId {
        let id = ObjectId(self.next);
        self.next += 1;
        self.by_id.insert(id, Handle::new(queue));
        id
    }
}

/// The ident of a handle on the queue `name`: `task.17`.
pub(crate) fn ident(name: &str, id: ObjectId) -> String {
    format!("{name}.{id}")
}

/// Reads an ident: the queue's name and the handle's number.
pub(crate) fn parse_ident(ident: &str) -> Option<(&str, ObjectId)> {
    let (name, number) = ident.rsplit_once('.')?;
    Some((name, ObjectId(number.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idents_describe_themselves() {
        assert_eq!(ident("a.b", ObjectId(17)), "a.b.17");
        assert_eq!(parse_ident("a.b.17"), Some(("a.b", ObjectId(17))));
        assert_eq!(parse_ident("7f00aa"), None);
        assert_eq!(parse_ident("task.x"), None);
    }

    #[test]
    fn a_release_speaks_for_one_process() {
        let mut shared = Handle { refs: 3, ..Handle::new(QueueId(1)) };
        shared.decref(10);
        assert!(!shared.claim_release(11), "a release before the last use says nothing");
        assert!(shared.claim_release(9));
        assert!(!shared.claim_release(9), "claimed twice");
    }
}
