//! References: handles given out, counted, resolved and forgotten.

use crate::call::{Outcome, Reply};
use crate::deadline::Due;
use crate::error::StateError;
use crate::objects::{Handle, Target, ident, parse_ident};
use crate::queue::{Life, Queue};
use crate::session::Resolved;
use crate::state::State;
use crate::{HandleId, QueueId, QueueOptions, SessionId, Time};
use std::borrow::Cow;

impl State {
    /// Gives out a handle on a named queue; its ident is what a client repeats in each call.
    pub fn create(&mut self, queue: QueueId) -> Option<String> {
        let name = &self.queues.get(&queue)?.name;
        let handle = self.handles.create(Target::Queue(queue), self.limits.unused);
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
            self.handles.by_id.get(&id).is_some_and(|handle| handle.of == Target::Queue(queue))
        };
        if let Some(&(id, _)) = used.into_iter().find(leads_there) {
            return Ok(ident(&self.name_of(queue), id));
        }
        // Remembered from its first use on, which is now.
        let ident = ident(&self.name_of(queue), self.handles.create(Target::Queue(queue), 0));
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
        Ok(ident(name, self.handles.create(Target::Queue(id), usize::MAX)))
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
        self.queue(name).or_else(|| self.look_up(name).ok().and_then(|(_, of)| of.queue()))
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

    /// A proxy is put into a queue or a container: whoever gets it there is to find what it is a
    /// proxy of, though whoever put it may have released his own. CPython's server keeps it for
    /// ever, too: it makes a proxy of its own of what it unpickles (`RebuildProxy`).
    pub fn pin(&mut self, ident: &str) {
        let found = self.look_up(ident).ok().and_then(|(id, _)| self.handles.by_id.get_mut(&id));
        if let Some(handle) = found.filter(|handle| !handle.is_pinned) {
            handle.is_pinned = true;
            handle.refs += 1;
        }
    }

    /// One reference less; an anonymous queue goes with its last one. Where all who use the handle
    /// may be of one process, its threads whose end is undecided ended in good order.
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
        if released || self.one_process_uses(id) {
            let ended = self.handles.by_id.get(&id).map(|handle| handle.undecided.clone());
            self.decide_all(now, ended.unwrap_or_default(), false, &mut out);
        }
        if released {
            self.release_handle(now, id, &mut out);
        }
        Ok(out)
    }

    /// What a session's call means by `ident`; remembers that the session used it.
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
    ) -> Result<Target, StateError> {
        let user = self.sessions.get_mut(&session).expect("a session that calls is open");
        let last = user.resolved.as_ref().filter(|last| *last.ident == *ident);
        if let Some((handle, of)) = last.map(|last| (last.handle, last.of)) {
            self.calls += 1;
            user.uses(handle, self.calls);
            return Ok(of);
        }
        let (id, of) = self.look_up(ident)?;
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
        user.resolved = Some(Resolved { ident: ident.into(), handle: id, of });
        let handle = self.handles.by_id.entry(id);
        let handle = handle.or_insert_with(|| Box::new(Handle::new(of)));
        if !handle.users.contains(&session) {
            handle.users.push(session);
        }
        let group = user.peer.group();
        if self.is_anonymous(of) {
            self.known_to(id, group);
        }
        let handle = self.handles.by_id.get(&id);
        if handle.is_some_and(|handle| !handle.undecided.is_empty()) {
            self.process_lives(now, session, id, out);
        }
        Ok(of)
    }

    /// A session uses this handle: its process lives, and threads of it that used the handle and
    /// ended did not die with it. Of other processes that share the handle this says nothing.
    fn process_lives(
        &mut self,
        now: Time,
        session: SessionId,
        handle: HandleId,
        out: &mut Outcome,
    ) {
        let Some(peer) = self.sessions.get(&session).map(|user| &user.peer) else { return };
        let undecided = self.handles.by_id.get(&handle).map(|handle| &handle.undecided);
        let own = |thread: &SessionId| {
            let ended = self.undecided.get(thread);
            ended.is_some_and(|ended| ended.session.peer.same_process(peer))
        };
        let ended = undecided.into_iter().flatten().copied().filter(own).collect();
        self.decide_all(now, ended, false, out);
        let handle = self.handles.by_id.get(&handle);
        if handle.is_some_and(|handle| !handle.undecided.is_empty())
            && let Some(user) = self.sessions.get_mut(&session)
        {
            user.resolved = None;
        }
    }

    /// Whether all who use this handle, and the threads that did and whose end is undecided, may be
    /// of one process. A release does not say whose it is: only then it speaks for those threads.
    fn one_process_uses(&self, id: HandleId) -> bool {
        let Some(handle) = self.handles.by_id.get(&id) else { return false };
        let open = handle.users.iter().filter_map(|user| self.sessions.get(user));
        let ended = handle.undecided.iter().filter_map(|thread| self.undecided.get(thread));
        let mut peers = open.map(|user| &user.peer).chain(ended.map(|ended| &ended.session.peer));
        let Some(first) = peers.next() else { return true };
        peers.all(|peer| peer.same_process(first))
    }

    /// Handles that somebody refers to: CPython's `number_of_objects`.
    pub fn handles(&self) -> usize {
        self.handles.by_id.len()
    }

    /// Every handle with its references: CPython's `debug_info`.
    pub fn handle_list(&self) -> Vec<(String, u64)> {
        let described = |(id, handle): (&HandleId, &Handle)| {
            Some((ident(&self.stem(handle.of)?, *id), handle.refs))
        };
        let handles = self.handles.by_id.iter();
        let mut all: Vec<_> = handles.filter_map(|(id, handle)| described((id, handle))).collect();
        all.sort();
        all
    }

    /// Which handle an ident means, and what that leads to. One of something with a name need not
    /// be known.
    pub(crate) fn look_up(&self, ident: &str) -> Result<(HandleId, Target), StateError> {
        let unknown = || StateError::NoObject { ident: ident.to_owned() };
        let (name, id) = parse_ident(ident).ok_or_else(unknown)?;
        let named = || match self.names.get(name) {
            Some(&queue) => Some(Target::Queue(queue)),
            None => self.object_called(name).map(Target::Object),
        };
        let known = self.handles.by_id.get(&id).map(|handle| handle.of);
        let of = known.or_else(named).ok_or_else(unknown)?;
        let right = self.stem(of).is_some_and(|stem| stem == name);
        right.then_some((id, of)).ok_or_else(unknown)
    }

    /// What idents begin with that lead there.
    pub(crate) fn stem(&self, of: Target) -> Option<Cow<'_, str>> {
        match of {
            Target::Queue(queue) => Some(Cow::Borrowed(&*self.queues.get(&queue)?.name)),
            Target::Object(id) => Some(Cow::Owned(self.objects.get(&id)?.stem())),
        }
    }

    /// Whether it ends with its last reference.
    pub(crate) fn is_anonymous(&self, of: Target) -> bool {
        match of {
            Target::Queue(queue) => self.queues.get(&queue).is_some_and(Queue::is_anonymous),
            Target::Object(id) => self.objects.get(&id).is_some_and(|object| object.name.is_none()),
        }
    }

    /// The last reference has gone: whoever used the handle has nothing more to release.
    pub(crate) fn release_handle(&mut self, now: Time, id: HandleId, out: &mut Outcome) {
        let Some(handle) = self.handles.by_id.remove(&id) else { return };
        for user in &handle.users {
            if let Some(user) = self.sessions.get_mut(user) {
                user.handles.retain(|(used, _)| *used != id);
                user.resolved = None;
                user.released = true;
            }
        }
        match handle.of {
            of if !self.is_anonymous(of) => {}
            Target::Queue(queue) => self.end_queue(now, queue, out),
            Target::Object(object) => self.end_object(object, out),
        }
    }

    /// Forgets a handle of a named queue that no session uses any more. Should it be used again,
    /// it is as good as new.
    pub(crate) fn forget_handle(&mut self, id: HandleId) {
        let Some(handle) = self.handles.by_id.get(&id) else { return };
        let used = !handle.users.is_empty() || !handle.undecided.is_empty();
        if !used && !self.is_anonymous(handle.of) {
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
