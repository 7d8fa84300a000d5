//! References: handles given out, counted, resolved and forgotten.

use crate::call::{Outcome, Reply};
use crate::deadline::Due;
use crate::error::StateError;
use crate::objects::{Handle, ident, parse_ident};
use crate::queue::{Life, Queue};
use crate::session::Resolved;
use crate::state::State;
use crate::{HandleId, QueueId, QueueOptions, SessionId, Time};

impl State {
    /// Gives out a handle on a named queue; its ident is what a client repeats in each call.
    pub fn create(&mut self, queue: QueueId) -> Option<String> {
        let name = &self.queues.get(&queue)?.name;
        let handle = self.handles.create(queue, self.limits.unused);
        Some(ident(name, handle))
    }

    /// A handle on a named queue that this session uses from now on, always the same one; it is
    /// forgotten when the session ends.
    ///
    /// # Errors
    ///
    /// When the session uses too many handles.
    pub fn create_for(
        &mut self,
        now: Time,
        session: SessionId,
        queue: QueueId,
    ) -> Result<String, StateError> {
        let used = self.sessions.get(&session).into_iter().flat_map(|user| &user.handles);
        let leads_there = |&&(id, _): &&(HandleId, u64)| {
            self.handles.by_id.get(&id).is_some_and(|handle| handle.queue == queue)
        };
        if let Some(&(id, _)) = used.into_iter().find(leads_there) {
            return Ok(ident(&self.name_of(queue), id));
        }
        // Remembered from its first use on, which is now.
        let ident = ident(&self.name_of(queue), self.handles.create(queue, 0));
        self.resolve(now, session, &ident, &mut Outcome::default())?;
        Ok(ident)
    }

    /// Makes an anonymous queue of the typeid `name` and gives out its handle.
    ///
    /// # Errors
    ///
    /// When there are too many already.
    pub fn create_anonymous(
        &mut self,
        name: &str,
        options: QueueOptions,
    ) -> Result<String, StateError> {
        let max = self.limits.anonymous;
        if self.queues.len() >= self.names.len().saturating_add(max) {
            return Err(StateError::TooMany { what: "anonymous queues", max });
        }
        let id = QueueId(self.fresh_number());
        self.queues.insert(id, Queue::new(name, Life::Anonymous, options));
        Ok(ident(name, self.handles.create(id, usize::MAX)))
    }

    /// Makes a queue that ends with the session, whoever else refers to it, and gives out its
    /// handle: the results of a run, which nobody but its master wants.
    ///
    /// # Errors
    ///
    /// When there are too many anonymous queues already.
    pub fn own(
        &mut self,
        session: SessionId,
        name: &str,
        options: QueueOptions,
    ) -> Result<String, StateError> {
        let ident = self.create_anonymous(name, options)?;
        if let Some((_, handle)) = parse_ident(&ident)
            && let Some(session) = self.sessions.get_mut(&session)
        {
            session.owns.push(handle);
        }
        Ok(ident)
    }

    /// The queue of this name, or behind this ident.
    pub fn find(&self, name: &str) -> Option<QueueId> {
        self.queue(name).or_else(|| self.look_up(name).ok().map(|(_, queue)| queue))
    }

    /// One reference more. An ident of a named queue that nobody knows (any more) is as good as
    /// new: an error here would end the client's proxy, and the queue is there.
    ///
    /// # Errors
    ///
    /// When the ident is of no queue.
    pub fn incref(&mut self, ident: &str) -> Result<(), StateError> {
        self.calls += 1;
        let (id, _) = self.look_up(ident)?;
        if let Some(handle) = self.handles.by_id.get_mut(&id) {
            handle.incref(self.calls);
        }
        Ok(())
    }

    /// One reference less; an anonymous queue goes with its last one.
    ///
    /// # Errors
    ///
    /// When the ident is of no queue.
    pub fn decref(&mut self, now: Time, ident: &str) -> Result<Outcome, StateError> {
        let mut out = Outcome::default();
        self.calls += 1;
        let (id, _) = self.look_up(ident)?;
        let Some(handle) = self.handles.by_id.get_mut(&id) else { return Ok(out) };
        handle.decref(self.calls, now);
        let released = handle.refs == 0;
        let ended = std::mem::take(&mut handle.undecided);
        self.decide_all(now, ended, false, &mut out);
        if released {
            self.release_handle(now, id, &mut out);
        }
        Ok(out)
    }

    /// Which queue a session's call means by `ident`; remembers that the session used it.
    ///
    /// # Errors
    ///
    /// When the ident is of no queue, or the session uses too many handles.
    pub fn resolve(
        &mut self,
        now: Time,
        session: SessionId,
        ident: &str,
        out: &mut Outcome,
    ) -> Result<QueueId, StateError> {
        let user = self.sessions.get_mut(&session).expect("a session that calls is open");
        let last = user.resolved.as_ref().filter(|last| *last.ident == *ident);
        if let Some((handle, queue)) = last.map(|last| (last.handle, last.queue)) {
            self.calls += 1;
            user.uses(handle, self.calls);
            return Ok(queue);
        }
        let (id, queue) = self.look_up(ident)?;
        self.calls += 1;
        let calls = self.calls;
        let user = self.sessions.get_mut(&session).expect("a session that calls is open");
        if !user.uses(id, calls) {
            let max = self.limits.handles;
            if user.handles.len() >= max {
                return Err(StateError::TooMany { what: "proxies in one thread", max });
            }
            user.handles.push((id, calls));
        }
        user.resolved = Some(Resolved { ident: ident.into(), handle: id, queue });
        let handle = self.handles.by_id.entry(id);
        let handle = handle.or_insert_with(|| Box::new(Handle::new(queue)));
        if !handle.users.contains(&session) {
            handle.users.push(session);
        }
        if !handle.undecided.is_empty() {
            let ended = std::mem::take(&mut handle.undecided);
            self.decide_all(now, ended, false, out);
        }
        Ok(queue)
    }

    /// Handles that somebody refers to: CPython's `number_of_objects`.
    pub fn handles(&self) -> usize {
        self.handles.by_id.len()
    }

    /// Every handle with its references: CPython's `debug_info`.
    pub fn handle_list(&self) -> Vec<(String, u64)> {
        let described = |(id, handle): (&HandleId, &Handle)| {
            let queue = self.queues.get(&handle.queue)?;
            Some((ident(&queue.name, *id), handle.refs))
        };
        let handles = self.handles.by_id.iter();
        let mut all: Vec<_> = handles.filter_map(|(id, handle)| described((id, handle))).collect();
        all.sort();
        all
    }

    /// Which handle and queue an ident means. One of a named queue need not be known.
    fn look_up(&self, ident: &str) -> Result<(HandleId, QueueId), StateError> {
        let unknown = || StateError::NoObject { ident: ident.to_owned() };
        let (name, id) = parse_ident(ident).ok_or_else(unknown)?;
        let queue = match self.handles.by_id.get(&id) {
            Some(handle) => handle.queue,
            None => self.names.get(name).copied().ok_or_else(unknown)?,
        };
        let right = self.queues.get(&queue).is_some_and(|queue| queue.name == name);
        right.then_some((id, queue)).ok_or_else(unknown)
    }

    /// The last reference has gone: whoever used the handle has nothing more to release.
    pub(crate) fn release_handle(&mut self, now: Time, id: HandleId, out: &mut Outcome) {
        let Some(handle) = self.handles.by_id.remove(&id) else { return };
        for user in handle.users {
            if let Some(user) = self.sessions.get_mut(&user) {
                user.handles.retain(|(used, _)| *used != id);
                user.resolved = None;
                user.released = true;
            }
        }
        if self.queues.get(&handle.queue).is_some_and(Queue::is_anonymous) {
            self.end_queue(now, handle.queue, out);
        }
    }

    /// Forgets a handle of a named queue that no session uses any more. Should it be used again,
    /// it is as good as new.
    pub(crate) fn forget_handle(&mut self, id: HandleId) {
        let Some(handle) = self.handles.by_id.get(&id) else { return };
        let used = !handle.users.is_empty() || !handle.undecided.is_empty();
        let anonymous = self.queues.get(&handle.queue).is_some_and(Queue::is_anonymous);
        if !used && !anonymous {
            self.handles.by_id.remove(&id);
        }
    }

    /// Ends an anonymous queue with all that is in it, and with what waits elsewhere to be answered
    /// there.
    fn end_queue(&mut self, now: Time, id: QueueId, out: &mut Outcome) {
        self.drop_waiting_items(id, out);
        while let Some(waiter) = self.queues.get(&id).and_then(Queue::first_waiter) {
            self.unpark(waiter);
            let error = StateError::NoObject { ident: self.name_of(id) };
            out.woken.push((waiter, Reply::Error(error)));
        }
        let Some(queue) = self.queues.remove(&id) else { return };
        self.bytes -= queue.bytes;
        self.resident -= queue.items().map(|item| item.payload.resident()).sum::<u64>();
        self.items -= queue.items().count();
        self.disarm_keys(id, &queue.keys);
        queue.expiry.into_iter().for_each(|at| self.deadlines.remove(at, Due::Expiry(id)));
        for (item, lease) in queue.leased {
            if let Some(at) = lease.deadline {
                self.deadlines.remove(at, Due::Lease(id, item));
            }
            if let Some(holder) = self.session_mut(lease.session) {
                holder.held.forget(id);
            }
        }
        self.withdraw_all(now, &queue.asked, id, out);
    }
}
