//! Serving those who wait at a queue: who gets the items, and who may put.

use crate::call::Outcome;
use crate::objects::Target;
use crate::session::Waits;
use crate::state::State;
use crate::{QueueId, SessionId, Time};

impl State {
    /// Serves whoever waits at the queue, in order of arrival, until nothing more can be done.
    pub(crate) fn serve(&mut self, now: Time, queue: QueueId, out: &mut Outcome) {
        while let Some(at) = self.queues.get(&queue).filter(|_| !self.stopping) {
            let getter = at.getters.first().filter(|_| at.ready.len() > 0);
            if at.options.expire.is_some() && at.expiry.is_none() {
                self.watch_expiry(queue, now);
            }
            let served = match getter {
                Some(getter) => self.serve_getter(now, getter, out),
                None => self.serve_putter(now, queue, out),
            };
            if !served {
                return;
            }
        }
    }

    fn serve_getter(&mut self, now: Time, getter: SessionId, out: &mut Outcome) -> bool {
        let Some((Target::Queue(queue), Waits::Take { max, style })) = self.unpark(getter) else {
            return false;
        };
        let reply = self.deliver(now, getter, queue, max, style, out);
        out.woken.push((getter, reply));
        true
    }

    fn serve_putter(&mut self, now: Time, queue: QueueId, out: &mut Outcome) -> bool {
        let Some(putter) = self.queues.get(&queue).and_then(|queue| queue.putters.first()) else {
            return false;
        };
        let waiting = self.sessions.get(&putter).and_then(|session| session.waiting.as_ref());
        let Some(Waits::Put(put)) = waiting.map(|waiting| &waiting.what) else { return false };
        if !self.queues.get(&queue).is_some_and(|queue| queue.has_room_for(put)) {
            return false;
        }
        let Some((_, Waits::Put(put))) = self.unpark(putter) else { return false };
        let reply = self.admit(now, putter, queue, *put, out);
        out.woken.push((putter, reply));
        true
    }
}
