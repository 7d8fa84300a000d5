//! Taking and releasing locks, and waiting for notice at a condition.
//!
//! A session that was notified, or has waited long enough, has to have the lock again before it is
//! answered. One that crashed while it waited takes nothing: CPython's ghost would take the lock.

use super::awaits::Awaits;
use super::condition::Condition;
use super::lock::Holding;
use super::object::{Object, What};
use crate::call::{Note, Outcome, Reply};
use crate::error::StateError;
use crate::patience::Wait;
use crate::session::Waits;
use crate::state::{Served, State};
use crate::{ObjectId, SessionId};

impl State {
    /// `acquire()`: nobody overtakes those who wait already.
    pub(super) fn acquire(&mut self, session: SessionId, id: ObjectId, wait: Wait) -> Served {
        let Some(lock) = self.objects.get_mut(&id).and_then(Object::lock) else {
            return Ok(Some(Reply::Bool(false)));
        };
        if lock.take_again(session) {
            return Ok(Some(Reply::Granted(id)));
        }
        if self.is_free(id) {
            self.take_lock(session, id, 1);
            return Ok(Some(Reply::Granted(id)));
        }
        self.park_at(session, id, Awaits::Lock, wait)
    }

    /// Whether nobody has the lock or waits for it.
    pub(super) fn is_free(&mut self, id: ObjectId) -> bool {
        let lock = self.objects.get_mut(&id).and_then(Object::lock);
        lock.is_some_and(|lock| !lock.is_held() && lock.line.is_empty())
    }

    /// The session has the lock from now on.
    pub(super) fn take_lock(&mut self, session: SessionId, id: ObjectId, depth: u64) {
        let fence = self.handles.number();
        let Some(lock) = self.objects.get_mut(&id).and_then(Object::lock) else { return };
        lock.holding = Some(Holding { holder: session, depth, fence });
        if let Some(session) = self.sessions.get_mut(&session) {
            session.locks.push(id);
        }
    }

    /// The session does not have the lock any more.
    pub(super) fn forget_lock(&mut self, session: SessionId, id: ObjectId) {
        if let Some(session) = self.session_mut(session) {
            session.locks.retain(|lock| *lock != id);
        }
    }

    /// `release()`.
    pub(super) fn release_lock(
        &mut self,
        session: SessionId,
        id: ObjectId,
        out: &mut Outcome,
    ) -> Served {
        let Some(lock) = self.objects.get_mut(&id).and_then(Object::lock) else {
            return Ok(Some(Reply::None));
        };
        if let Some(holder) = lock.release(session)? {
            self.forget_lock(holder, id);
            self.serve_object(id, out);
        }
        Ok(Some(Reply::None))
    }

    /// A reply that gave the session something of an object cannot be sent: that goes back.
    pub fn ungrant(&mut self, session: SessionId, reply: &Reply) -> Outcome {
        let mut out = Outcome::default();
        match *reply {
            Reply::Granted(id) => self.give_object_back(session, id, &mut out),
            // It has the lock, and lets go of it as whoever was notified does.
            Reply::Notified(id) => self.pass_notice_on(id, &mut out),
            _ => {}
        }
        out
    }

    fn give_object_back(&mut self, session: SessionId, id: ObjectId, out: &mut Outcome) {
        let Some(object) = self.objects.get_mut(&id) else { return };
        if let What::Semaphore(semaphore) = &mut object.what {
            // It was taken a moment ago, so there is room for it.
            let _ = semaphore.give(1);
            self.serve_object(id, out);
        } else if object.holder() == Some(session) {
            // Else it has gone back already, with the end of the session.
            let _ = self.release_lock(session, id, out);
        }
    }

    /// A session has crashed: the locks that it held are free.
    pub(crate) fn free_locks(&mut self, session: SessionId, locks: &[ObjectId], out: &mut Outcome) {
        for &id in locks {
            let Some(object) = self.objects.get_mut(&id) else { continue };
            let name = object.stem();
            if let Some(lock) = object.lock()
                && lock.is_owned_by(session)
            {
                lock.release_wholly();
                out.notes.push(Note::LockFreed { session, lock: name });
                self.serve_object(id, out);
            }
        }
    }
}

impl State {
    /// `wait()`: lets go of the lock until it is notified.
    pub(super) fn wait_for_notice(
        &mut self,
        session: SessionId,
        id: ObjectId,
        wait: Wait,
        out: &mut Outcome,
    ) -> Served {
        let Some(condition) = self.owned_condition(session, id, "wait on")? else {
            return Ok(Some(Reply::Bool(false)));
        };
        let depth = condition.lock.release_wholly();
        self.forget_lock(session, id);
        // First come those who have waited for the lock already.
        self.serve_object(id, out);
        match wait {
            Wait::No => self.await_lock_again(session, id, depth, false),
            wait => self.park_at(session, id, Awaits::Notice { depth }, wait),
        }
    }

    /// `notify(n)`: so many of those who have waited longest.
    pub(super) fn notify(
        &mut self,
        session: SessionId,
        id: ObjectId,
        count: usize,
        out: &mut Outcome,
    ) -> Served {
        self.owned_condition(session, id, "notify on")?;
        for _ in 0..count {
            if !self.notify_first(id, out) {
                break;
            }
        }
        Ok(Some(Reply::None))
    }

    /// Notifies who has waited longest; false if nobody waits.
    fn notify_first(&mut self, id: ObjectId, out: &mut Outcome) -> bool {
        let waiting = self.condition(id).and_then(|condition| condition.line.first());
        let Some(first) = waiting else { return false };
        if let Some((_, Waits::Object(Awaits::Notice { depth }))) = self.unpark(first) {
            self.wait_for_lock_again(first, id, depth, true, out);
        }
        true
    }

    /// A session was notified and is gone before it heard of it: the notice is for the next.
    pub(super) fn pass_notice_on(&mut self, id: ObjectId, out: &mut Outcome) {
        self.notify_first(id, out);
    }

    /// A session that waited for notice has it, or has waited long enough.
    pub(super) fn wait_for_lock_again(
        &mut self,
        session: SessionId,
        id: ObjectId,
        depth: u64,
        notified: bool,
        out: &mut Outcome,
    ) {
        // If the lock is free, it is told at once.
        if let Ok(Some(reply)) = self.await_lock_again(session, id, depth, notified) {
            out.woken.push((session, reply));
        }
    }

    /// Gets in line for the lock behind those who wait for it.
    pub(super) fn await_lock_again(
        &mut self,
        session: SessionId,
        id: ObjectId,
        depth: u64,
        notified: bool,
    ) -> Served {
        if self.is_free(id) {
            self.take_lock(session, id, depth);
            return Ok(Some(if notified { Reply::Notified(id) } else { Reply::Bool(false) }));
        }
        self.park_at(session, id, Awaits::Again { depth, notified }, Wait::Forever)
    }

    fn condition(&mut self, id: ObjectId) -> Option<&mut Condition> {
        match &mut self.objects.get_mut(&id)?.what {
            What::Condition(condition) => Some(condition),
            _ => None,
        }
    }

    /// The condition, if the session has its lock.
    fn owned_condition(
        &mut self,
        session: SessionId,
        id: ObjectId,
        what: &'static str,
    ) -> Result<Option<&mut Condition>, StateError> {
        match self.condition(id) {
            Some(condition) if !condition.lock.is_owned_by(session) => {
                Err(StateError::UnAcquired { what })
            }
            condition => Ok(condition),
        }
    }
}
