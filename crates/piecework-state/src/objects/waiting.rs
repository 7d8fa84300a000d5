//! Who waits for an object, and how that ends: served, too late, or given up.

use super::awaits::Awaits;
use super::object::{Object, What};
use super::target::Target;
use crate::call::{Outcome, Reply};
use crate::patience::Wait;
use crate::session::Waits;
use crate::state::{Served, State};
use crate::{ObjectId, SessionId};

impl State {
    /// Makes the session wait for something of an object, or fails at once.
    pub(super) fn park_at(
        &mut self,
        session: SessionId,
        id: ObjectId,
        awaits: Awaits,
        wait: Wait,
    ) -> Served {
        self.park(session, Target::Object(id), Waits::Object(awaits), wait)
    }

    /// Serves whoever waits for the object, in order of arrival, until nothing more can be done.
    pub(crate) fn serve_object(&mut self, id: ObjectId, out: &mut Outcome) {
        while !self.stopping
            && let Some(first) = self.objects.get(&id).and_then(Object::first_to_serve)
        {
            let Some((_, Waits::Object(awaits))) = self.unpark(first) else { return };
            let reply = match awaits {
                Awaits::Lock => {
                    self.take_lock(first, id, 1);
                    Reply::Granted(id)
                }
                Awaits::Again { depth, notified } => {
                    self.take_lock(first, id, depth);
                    if notified { Reply::Notified(id) } else { Reply::Bool(false) }
                }
                Awaits::Permit => {
                    if let Some(What::Semaphore(semaphore)) =
                        self.objects.get_mut(&id).map(|object| &mut object.what)
                    {
                        semaphore.take();
                    }
                    Reply::Granted(id)
                }
                Awaits::Set | Awaits::Notice { .. } | Awaits::Others => Reply::Bool(true),
            };
            out.woken.push((first, reply));
        }
    }

    /// A session has waited for an object long enough, and does not any more.
    pub(crate) fn object_wait_over(
        &mut self,
        session: SessionId,
        id: ObjectId,
        awaits: Awaits,
        out: &mut Outcome,
    ) {
        match awaits {
            Awaits::Notice { depth } => self.wait_for_lock_again(session, id, depth, false, out),
            Awaits::Others => {
                // As each of the others: the barrier is broken for all.
                let _ = self.break_barrier(id, true, out);
                out.woken.push((session, awaits.timed_out()));
            }
            _ => out.woken.push((session, awaits.timed_out())),
        }
    }

    /// A session does not wait for an object any more, nor hear of it. What it was to be told is
    /// for others. If it goes on, it will release the condition's lock that it had before it waited
    /// for notice: it has it again if that is possible.
    pub(crate) fn object_wait_given_up(
        &mut self,
        session: SessionId,
        id: ObjectId,
        awaits: Awaits,
        goes_on: bool,
        out: &mut Outcome,
    ) {
        if let Awaits::Notice { depth } | Awaits::Again { depth, .. } = awaits
            && goes_on
            && self.is_free(id)
        {
            self.take_lock(session, id, depth);
        }
        if let Awaits::Again { notified: true, .. } = awaits {
            self.pass_notice_on(id, out);
        }
    }
}
