//! Objects are made, called and ended.

use super::awaits::Awaits;
use super::call::{Kind, Make, ObjectCall};
use super::handle::{ident, parse_ident};
use super::object::{Object, What};
use super::target::Target;
use crate::call::{Outcome, Reply, Shown};
use crate::error::StateError;
use crate::patience::Wait;
use crate::state::{Served, State};
use crate::{ObjectId, SessionId, Time};

/// A call that this kind of object does not have.
pub(super) fn no_method(kind: Kind) -> StateError {
    StateError::NoMethod { kind: kind.name() }
}

impl State {
    /// Makes an object without a name and gives out its handle.
    ///
    /// # Errors
    ///
    /// When there are too many already.
    pub fn create_object(&mut self, make: Make) -> Result<String, StateError> {
        let id = self.add(None, make.kind(), make.make())?;
        Ok(self.handle_on(id, usize::MAX).expect("it was just made"))
    }

    /// Adds an object with a name, which ends with the manager.
    ///
    /// # Errors
    ///
    /// When there are too many already.
    pub fn register_object(&mut self, name: &str, make: Make) -> Result<ObjectId, StateError> {
        self.add(Some(name.to_owned()), make.kind(), make.make())
    }

    /// Gives out a handle on an object with a name.
    pub fn create_on(&mut self, object: ObjectId) -> Option<String> {
        self.handle_on(object, self.limits.unused)
    }

    /// What an object shows to which somebody has this handle; nothing if it is another manager's.
    pub fn contents(&self, ident: &str) -> Option<Shown> {
        let (stem, handle) = parse_ident(ident)?;
        // By its number alone: of two managers both may have an object of that name.
        let Target::Object(object) = self.handles.by_id.get(&handle)?.of else { return None };
        let object = self.objects.get(&object)?;
        (object.stem() == stem).then(|| object.show())
    }

    /// The object of that name and kind.
    pub(crate) fn object_called(&self, stem: &str) -> Option<ObjectId> {
        self.object_names.get(stem).copied()
    }

    pub(super) fn add(
        &mut self,
        name: Option<String>,
        kind: Kind,
        what: What,
    ) -> Result<ObjectId, StateError> {
        let max = self.limits.anonymous;
        if self.objects.len() >= max {
            return Err(StateError::TooMany { what: "objects", max });
        }
        let object = Object { name, is_kept: false, kind, what };
        let bytes = self.bytes.saturating_add(object.bytes());
        if bytes > self.limits.bytes {
            return Err(self.no_memory());
        }
        self.bytes = bytes;
        let id = ObjectId(self.fresh_number());
        if object.name.is_some() {
            self.object_names.insert(object.stem(), id);
        }
        self.objects.insert(id, object);
        Ok(id)
    }

    fn handle_on(&mut self, object: ObjectId, remembered_max: usize) -> Option<String> {
        let stem = self.objects.get(&object)?.stem();
        Some(ident(&stem, self.handles.create(Target::Object(object), remembered_max)))
    }

    /// Serves a call on an object.
    pub(crate) fn call_object(
        &mut self,
        now: Time,
        session: SessionId,
        id: ObjectId,
        call: ObjectCall,
        out: &mut Outcome,
    ) -> Served {
        let Some(object) = self.objects.get_mut(&id) else {
            return Err(StateError::NoObject { ident: id.to_string() });
        };
        match (&mut object.what, call) {
            (What::Lock(_) | What::Condition(_), ObjectCall::Acquire(wait)) => {
                self.acquire(session, id, wait)
            }
            (What::Lock(_) | What::Condition(_), ObjectCall::Release(_)) => {
                self.release_lock(session, id, out)
            }
            (What::Lock(_) | What::Condition(_), ObjectCall::IsLocked) => {
                Ok(object.lock().map(|lock| Reply::Bool(lock.is_held())))
            }
            (What::Lock(_) | What::Condition(_), ObjectCall::Fence) => {
                let fence = object.lock().and_then(|lock| lock.fence());
                fence.map(|fence| Some(Reply::Count(fence))).ok_or(StateError::NotLocked)
            }
            (What::Condition(_), ObjectCall::Wait(wait)) => {
                self.wait_for_notice(session, id, wait.unwrap_or(Wait::Forever), out)
            }
            (What::Condition(_), ObjectCall::Notify(count)) => self.notify(session, id, count, out),
            (What::Semaphore(semaphore), ObjectCall::Acquire(wait)) => match semaphore.take() {
                true => Ok(Some(Reply::Granted(id))),
                false => self.park_at(session, id, Awaits::Permit, wait),
            },
            (What::Semaphore(semaphore), ObjectCall::Release(permits)) => {
                semaphore.give(permits)?;
                self.serve_object(id, out);
                Ok(Some(Reply::None))
            }
            (What::Semaphore(semaphore), ObjectCall::IsLocked) => {
                Ok(Some(Reply::Bool(semaphore.is_used_up())))
            }
            (What::Event(event), ObjectCall::IsSet) => Ok(Some(Reply::Bool(event.is_set))),
            (What::Event(event), ObjectCall::Set) => {
                event.is_set = true;
                self.serve_object(id, out);
                Ok(Some(Reply::None))
            }
            (What::Event(event), ObjectCall::Clear) => {
                event.is_set = false;
                Ok(Some(Reply::None))
            }
            (What::Event(event), ObjectCall::Wait(wait)) => match event.is_set {
                true => Ok(Some(Reply::Bool(true))),
                false => {
                    let wait = wait.unwrap_or(Wait::Forever);
                    self.park_at(session, id, Awaits::Set, wait)
                }
            },
            (What::Barrier(barrier), ObjectCall::Wait(wait)) => {
                let wait = wait.unwrap_or_else(|| barrier.patience(now));
                self.wait_at_barrier(session, id, wait, out)
            }
            (What::Barrier(_), ObjectCall::Abort) => self.break_barrier(id, true, out),
            (What::Barrier(_), ObjectCall::Reset) => self.break_barrier(id, false, out),
            (What::Barrier(barrier), ObjectCall::Parties) => {
                Ok(Some(Reply::Count(barrier.parties)))
            }
            (What::Barrier(barrier), ObjectCall::Waiting) => {
                Ok(Some(Reply::Count(barrier.line.len() as u64)))
            }
            (What::Barrier(barrier), ObjectCall::IsBroken) => {
                Ok(Some(Reply::Bool(barrier.is_broken)))
            }
            (_, call) => self.call_container(id, call, out),
        }
    }

    /// Ends an object that nobody refers to any more.
    pub(crate) fn end_object(&mut self, id: ObjectId, out: &mut Outcome) {
        while let Some(waiter) = self.objects.get(&id).and_then(Object::first_waiter) {
            self.unpark(waiter);
            let ident = self.objects.get(&id).map(Object::stem).unwrap_or_default();
            out.woken.push((waiter, Reply::Error(StateError::NoObject { ident })));
        }
        let Some(object) = self.objects.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(object.bytes());
        if let Some(holder) = object.holder()
            && let Some(holder) = self.session_mut(holder)
        {
            holder.locks.retain(|lock| *lock != id);
        }
    }
}
