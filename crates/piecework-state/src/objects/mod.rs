//! Handles: what `create` gives out, and who refers to it.
//!
//! Every `create` gets a handle of its own, so that the end of a session can be told from the
//! release of what it used. Its ident describes itself (`task.17`): the name of the queue and a
//! number. A named queue never dies with its handles, and an ident from an earlier run of the
//! manager still says which queue it means.

use crate::call::Outcome;
use crate::error::StateError;
use crate::id::IdMap;
use crate::queue::Queue;
use crate::state::State;
use crate::{ObjectId, Peer, QueueId, QueueOptions, SessionId, Time};
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

impl State {
    /// Gives out a handle on a named queue; its ident is what a client repeats in each call.
    pub fn create(&mut self, queue: QueueId) -> Option<String> {
        let name = &self.queues.get(&queue)?.name;
        let handle = self.handles.create(queue);
        Some(ident(name, handle))
    }

    /// Makes an anonymous queue of the typeid `name` and gives out its first handle.
    pub fn create_anonymous(&mut self, name: &str, options: QueueOptions) -> String {
        let id = QueueId(self.fresh_number());
        self.queues.insert(id, Queue::new(id, name, true, options));
        ident(name, self.handles.create(id))
    }

    /// One reference more. An ident of a named queue that nobody knows (any more) is as good as
    /// new: an error here would end the client's proxy, and the queue is there.
    pub fn incref(&mut self, ident: &str) -> Result<(), StateError> {
        let id = self.handle(ident)?;
        if let Some(handle) = self.handles.by_id.get_mut(&id) {
            handle.refs += 1;
        }
        Ok(())
    }

    /// One reference less; an anonymous queue goes with its last one.
    pub fn decref(&mut self, now: Time, ident: &str) -> Result<Outcome, StateError> {
        let id = self.handle(ident)?;
        let mut out = Outcome::default();
        self.calls += 1;
        if let Some(handle) = self.handles.by_id.get_mut(&id) {
            handle.decref(self.calls);
            let ended = std::mem::take(&mut handle.undecided);
            self.decide_all(now, ended, false, &mut out);
            self.forget_handle(id);
        }
        Ok(out)
    }

    /// Which queue a session's call means by `ident`; remembers that the session used it.
    pub fn resolve(
        &mut self,
        now: Time,
        session: SessionId,
        ident: &str,
        out: &mut Outcome,
    ) -> Result<QueueId, StateError> {
        let id = self.handle(ident)?;
        self.calls += 1;
        let calls = self.calls;
        let user = self.sessions.get_mut(&session).expect("a session that calls is open");
        let Some(handle) = self.handles.by_id.get_mut(&id) else { return Err(no_object(ident)) };
        let queue = handle.queue;
        match user.handles.iter_mut().find(|(used, _)| *used == id) {
            Some((_, last_use)) => *last_use = calls,
            None => {
                user.handles.push((id, calls));
                handle.sessions += 1;
            }
        }
        if !handle.undecided.is_empty() {
            let ended = std::mem::take(&mut handle.undecided);
            self.decide_all(now, ended, false, out);
        }
        Ok(queue)
    }

    /// Handles that somebody refers to: CPython's `number_of_objects`.
    pub fn handles(&self) -> usize {
        self.handles.by_id.values().filter(|handle| handle.refs > 0).count()
    }

    /// Every handle with its references: CPython's `debug_info`.
    pub fn handle_list(&self) -> Vec<(String, u64)> {
        let described = |(&id, handle): (&_, &Handle)| {
            let queue = self.queues.get(&handle.queue)?;
            Some((ident(&queue.name, id), handle.refs))
        };
        let mut all: Vec<_> = self.handles.by_id.iter().filter_map(described).collect();
        all.sort();
        all
    }

    /// Finds the handle that an ident means; one of a named queue that is not known is made anew.
    fn handle(&mut self, ident: &str) -> Result<ObjectId, StateError> {
        let (name, id) = parse_ident(ident).ok_or_else(|| no_object(ident))?;
        let named = |handle: &Handle| self.queues.get(&handle.queue).map(|queue| &queue.name);
        match self.handles.by_id.get(&id) {
            Some(handle) if named(handle).is_some_and(|known| known == name) => Ok(id),
            Some(_) => Err(no_object(ident)),
            None => {
                let &queue = self.names.get(name).ok_or_else(|| no_object(ident))?;
                self.handles.by_id.insert(id, Handle::new(queue));
                Ok(id)
            }
        }
    }

    /// Forgets a handle that nothing is left to know about, and an anonymous queue with it.
    pub(crate) fn forget_handle(&mut self, id: ObjectId) {
        let Some(handle) = self.handles.by_id.get(&id) else { return };
        if !handle.is_forgettable() {
            return;
        }
        let queue = handle.queue;
        self.handles.by_id.remove(&id);
        let anonymous = self.queues.get(&queue).is_some_and(|queue| queue.anonymous);
        let referred = || self.handles.by_id.values().any(|handle| handle.queue == queue);
        if anonymous
            && !referred()
            && let Some(gone) = self.queues.remove(&queue)
        {
            self.bytes -= gone.bytes;
        }
    }
}

fn no_object(ident: &str) -> StateError {
    StateError::NoObject { ident: ident.to_owned() }
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
