//! Handles: what `create` gives out, and who refers to it.
//!
//! Every `create` gets a handle of its own, so that the end of a session can be told from the
//! release of what it used. Its ident describes itself (`task.17`): the name of the queue and a
//! number. A named queue never dies with its handles, and an ident from an earlier run of the
//! manager still says which queue it means. An anonymous queue has one handle, and ends with it.

use super::knowers::{Group, Knowers};
use super::target::Target;
use crate::{HandleId, Peer, SessionId, Time};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// What is known of one handle.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) of: Target,
    /// References as the clients count them: `create` and `incref` less `decref`.
    pub(crate) refs: u64,
    /// When each `incref` came, in calls of the manager.
    increfs: VecDeque<u64>,
    /// When each `decref` came that no end of a session has claimed.
    decrefs: VecDeque<(u64, Time)>,
    /// Open sessions that have used it.
    pub(crate) users: SmallVec<[SessionId; 1]>,
    /// Ended sessions of threads whose end is undecided and who used it.
    pub(crate) undecided: Vec<SessionId>,
    /// Whether a proxy of it was put somewhere, where nobody counts it.
    pub(crate) is_pinned: bool,
    /// Who could know it, where it ends with its last reference.
    pub(crate) knowers: Option<Box<Knowers>>,
    /// The last crash of a process that used it.
    pub(crate) crashed: Option<Box<(Time, Peer)>>,
}

/// `incref`s and unclaimed `decref`s that a handle remembers. Only forked children share a handle,
/// and each of them claims its own within moments; a process with more children than this that
/// begin or end at the same time is told apart less well, and nothing else.
const REMEMBERED_MAX: usize = 64;

/// How long before the end of its connection a process that exits in good order releases its
/// proxies, at the most: they go one by one, each over a connection of its own.
const RELEASE_MAX: Duration = Duration::from_secs(2);

impl Handle {
    pub(crate) fn new(of: Target) -> Self {
        Self {
            of,
            refs: 1,
            increfs: VecDeque::new(),
            decrefs: VecDeque::new(),
            users: SmallVec::new(),
            undecided: Vec::new(),
            is_pinned: false,
            knowers: None,
            crashed: None,
        }
    }

    /// The process groups whose end would be its own.
    pub(crate) fn watched(&self) -> &[Group] {
        let watched = self.knowers.as_deref().map(Knowers::watched);
        watched.filter(|_| !self.is_pinned).unwrap_or_default()
    }

    /// One reference more, at call number `call`.
    pub(crate) fn incref(&mut self, call: u64) {
        self.refs += 1;
        remember(&mut self.increfs, call);
    }

    /// One reference less.
    pub(crate) fn decref(&mut self, call: u64, now: Time) {
        self.refs = self.refs.saturating_sub(1);
        remember(&mut self.decrefs, (call, now));
    }

    /// Whether a session whose last call was number `last_use` and that ends now has released this
    /// handle.
    ///
    /// A process that exits in good order releases each proxy between its last call and the end of
    /// its connection. Where others hold the same handle (forked children), a release since the
    /// last call speaks for it if it came just now and nobody began to hold it meanwhile: a child
    /// that begins and ends says nothing. Each release speaks for one process, so it is claimed.
    pub(crate) fn claim_release(&mut self, last_use: u64, now: Time) -> bool {
        if self.refs == 0 {
            return true;
        }
        let began = self.increfs.iter().filter(|&&call| call > last_use).count();
        let recent = |&(call, at): &(u64, Time)| call > last_use && now.since(at) <= RELEASE_MAX;
        if self.decrefs.iter().filter(|release| recent(release)).count() <= began {
            return false;
        }
        let claimed = self.decrefs.iter().rposition(recent);
        claimed.and_then(|at| self.decrefs.remove(at)).is_some()
    }
}

fn remember<T>(list: &mut VecDeque<T>, entry: T) {
    if list.len() == REMEMBERED_MAX {
        list.pop_front();
    }
    list.push_back(entry);
}

/// All handles. A client may name any number, so the map is one in which numbers cannot be chosen
/// to collide.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) by_id: HashMap<HandleId, Box<Handle>>,
    next: u64,
}

impl Handles {
    pub(crate) fn new(first: u64) -> Self {
        Self { by_id: HashMap::new(), next: first }
    }

    /// Gives out a new handle, and remembers it unless there are so many already.
    pub(crate) fn create(&mut self, of: Target, remembered_max: usize) -> HandleId {
        let mut id = HandleId(self.number());
        // Somebody may have named this number already, from an earlier run or out of the blue.
        while self.by_id.contains_key(&id) {
            id = HandleId(self.number());
        }
        if self.by_id.len() < remembered_max {
            self.by_id.insert(id, Box::new(Handle::new(of)));
        }
        id
    }

    /// A number greater than any before, in earlier runs of the manager too.
    pub(crate) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}

/// The ident of a handle on the queue `name`: `task.17`.
pub(crate) fn ident(name: &str, id: HandleId) -> String {
    format!("{name}.{id}")
}

/// Reads an ident: the queue's name and the handle's number.
pub(crate) fn parse_ident(ident: &str) -> Option<(&str, HandleId)> {
    let (name, number) = ident.rsplit_once('.')?;
    Some((name, HandleId(number.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QueueId;

    const QUEUE: Target = Target::Queue(QueueId(1));

    #[test]
    fn idents_describe_themselves() {
        assert_eq!(ident("a.b", HandleId(17)), "a.b.17");
        assert_eq!(parse_ident("a.b.17"), Some(("a.b", HandleId(17))));
        assert_eq!(parse_ident("7f00aa"), None);
        assert_eq!(parse_ident("task.x"), None);
    }

    #[test]
    fn a_release_speaks_for_one_process_and_not_for_long() {
        let now = Time::from_secs(100);
        let mut shared = Handle { refs: 4, ..Handle::new(QUEUE) };
        shared.decref(10, now);
        assert!(!shared.claim_release(11, now), "a release before the last use says nothing");
        assert!(shared.claim_release(9, now));
        assert!(!shared.claim_release(9, now), "claimed twice");
        shared.decref(12, now);
        assert!(!shared.claim_release(9, now + Duration::from_secs(3)), "long ago");
    }

    #[test]
    fn a_child_that_begins_and_ends_says_nothing() {
        let now = Time::from_secs(100);
        let mut handle = Handle::new(QUEUE);
        handle.incref(10);
        handle.decref(11, now);
        assert!(!handle.claim_release(9, now));
        handle.incref(12);
        handle.decref(13, now);
        handle.decref(14, now);
        assert!(handle.claim_release(9, now));
    }

    #[test]
    fn a_number_that_a_client_has_named_is_not_given_out() {
        let mut handles = Handles::new(5);
        handles.by_id.insert(HandleId(5), Box::new(Handle::new(QUEUE)));
        assert_eq!(handles.create(QUEUE, 10), HandleId(6));
        assert_eq!(handles.create(QUEUE, 2), HandleId(7));
        assert_eq!(handles.by_id.len(), 2, "the last one is not remembered");
    }
}
