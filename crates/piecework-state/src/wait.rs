//! Waiting: how a call waits, and how its wait ends.

use crate::call::{Outcome, Reply, Take};
use crate::deadline::Due;
use crate::error::StateError;
use crate::objects::Target;
use crate::patience::Wait;
use crate::queue::Queue;
use crate::session::{Waiting, Waits};
use crate::state::{Served, State};
use crate::waiters::{Line, Ticket};
use crate::{SessionId, Time};

impl State {
    /// Makes the session wait, or fails at once with what the wait would end in.
    pub(crate) fn park(
        &mut self,
        session: SessionId,
        at: Target,
        what: Waits,
        wait: Wait,
    ) -> Served {
        let deadline = match wait {
            Wait::No => return Ok(Some(timed_out(&what))),
            Wait::Until(at) => Some(at),
            Wait::Forever => None,
        };
        let ticket = Ticket(self.fresh_number());
        let waiter = self.sessions.get(&session).expect("a session that calls is open");
        assert!(waiter.waiting.is_none(), "a session makes one call at a time");
        if let Some(at) = deadline {
            self.deadlines.add(at, Due::Wait(session));
        }
        if let Some(line) = self.line(at, &what) {
            line.join(ticket, session);
        }
        let waiter = self.sessions.get_mut(&session).expect("a session that calls is open");
        waiter.waiting = Some(Waiting { ticket, deadline, at, what });
        Ok(None)
    }

    /// Ends a session's wait, for whatever reason; gives back what it waited for.
    pub(crate) fn unpark(&mut self, session: SessionId) -> Option<(Target, Waits)> {
        let waiting = self.sessions.get_mut(&session)?.waiting.take()?;
        if let Some(at) = waiting.deadline {
            self.deadlines.remove(at, Due::Wait(session));
        }
        if let Some(line) = self.line(waiting.at, &waiting.what) {
            line.leave(waiting.ticket);
        }
        Some((waiting.at, waiting.what))
    }

    pub(crate) fn wait_over(&mut self, now: Time, session: SessionId, out: &mut Outcome) {
        match self.unpark(session) {
            Some((Target::Object(id), Waits::Object(awaits))) => {
                self.object_wait_over(session, id, awaits, out);
            }
            Some((at, what)) => {
                out.woken.push((session, timed_out(&what)));
                // It may have stood in front of somebody who needs less room.
                self.serve_at(now, at, out);
            }
            None => {}
        }
    }

    /// Serves whoever waits there.
    pub(crate) fn serve_at(&mut self, now: Time, at: Target, out: &mut Outcome) {
        match at {
            Target::Queue(queue) => self.serve(now, queue, out),
            Target::Object(id) => self.serve_object(id, out),
        }
    }

    /// The line in which a call of this kind waits.
    fn line(&mut self, at: Target, what: &Waits) -> Option<&mut Line> {
        match (at, what) {
            (Target::Queue(queue), what) => line(self.queues.get_mut(&queue)?, what),
            (Target::Object(id), Waits::Object(awaits)) => self.objects.get_mut(&id)?.line(*awaits),
            (Target::Object(_), _) => None,
        }
    }
}

/// The line at a queue in which a call of this kind waits.
fn line<'a>(queue: &'a mut Queue, what: &Waits) -> Option<&'a mut Line> {
    match what {
        Waits::Take { .. } => Some(&mut queue.getters),
        Waits::Put(_) => Some(&mut queue.putters),
        Waits::Join => Some(&mut queue.joiners),
        Waits::Object(_) => None,
    }
}

/// What a wait that was too long ends in.
fn timed_out(what: &Waits) -> Reply {
    match what {
        Waits::Take { style: Take::Item, .. } => Reply::Error(StateError::Empty),
        Waits::Take { style: Take::Many, .. } => Reply::Items(Vec::new()),
        Waits::Take { style: Take::Leases, .. } => Reply::Leases(Vec::new()),
        Waits::Put(_) => Reply::Error(StateError::Full),
        Waits::Join => unreachable!("join() has no timeout"),
        Waits::Object(awaits) => awaits.timed_out(),
    }
}
