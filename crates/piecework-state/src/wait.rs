//! Waiting: how a call waits, and how its wait ends.

use crate::call::{Outcome, Reply, Take, Wait};
use crate::deadline::Due;
use crate::error::StateError;
use crate::queue::Queue;
use crate::session::{Waiting, Waits};
use crate::state::{Served, State};
use crate::waiters::{Line, Ticket};
use crate::{QueueId, SessionId, Time};

impl State {
    /// Makes the session wait, or fails at once with what the wait would end in.
    pub(crate) fn park(
        &mut self,
        session: SessionId,
        queue: QueueId,
        what: Waits,
        wait: Wait,
    ) -> Served {
        let deadline = match wait {
            Wait::No => return Ok(Some(timed_out(&what))),
            Wait::Until(at) => Some(at),
            Wait::Forever => None,
        };
        let ticket = Ticket(self.fresh_number());
        let waiter = self.sessions.get_mut(&session).expect("a session that calls is open");
        assert!(waiter.waiting.is_none(), "a session makes one call at a time");
        if let Some(at) = deadline {
            self.deadlines.add(at, Due::Wait(session));
        }
        if let Some(queue) = self.queues.get_mut(&queue) {
            line(queue, &what).join(ticket, session);
        }
        waiter.waiting = Some(Waiting { ticket, deadline, queue, what });
        Ok(None)
    }

    /// Ends a session's wait, for whatever reason; gives back what it waited for.
    pub(crate) fn unpark(&mut self, session: SessionId) -> Option<(QueueId, Waits)> {
        let waiting = self.sessions.get_mut(&session)?.waiting.take()?;
        if let Some(at) = waiting.deadline {
            self.deadlines.remove(at, Due::Wait(session));
        }
        if let Some(queue) = self.queues.get_mut(&waiting.queue) {
            line(queue, &waiting.what).leave(waiting.ticket);
        }
        Some((waiting.queue, waiting.what))
    }

    pub(crate) fn wait_over(&mut self, now: Time, session: SessionId, out: &mut Outcome) {
        if let Some((queue, what)) = self.unpark(session) {
            out.woken.push((session, timed_out(&what)));
            // It may have stood in front of somebody who needs less room.
            self.serve(now, queue, out);
        }
    }
}

/// The line in which a call of this kind waits.
fn line<'a>(queue: &'a mut Queue, what: &Waits) -> &'a mut Line {
    match what {
        Waits::Take { .. } => &mut queue.getters,
        Waits::Put(_) => &mut queue.putters,
        Waits::Join => &mut queue.joiners,
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
    }
}
