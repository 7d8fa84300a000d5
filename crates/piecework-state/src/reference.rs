//! References: handles given out, counted, resolved and forgotten.

use crate::call::Outcome;
use crate::error::StateError;
use crate::objects::{Handle, ident, parse_ident};
use crate::queue::Queue;
use crate::state::State;
use crate::{ObjectId, QueueId, QueueOptions, SessionId, Time};

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
