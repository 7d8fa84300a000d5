//! Emptying: what a queue holds is dropped, or no more is let in.

use crate::call::{Outcome, Reply};
use crate::deadline::Due;
use crate::error::StateError;
use crate::state::{Served, State};
use crate::{QueueId, Record, Time};

impl State {
    /// `shutdown(immediate)`: no more puts, and no more gets once the queue is empty.
    pub(crate) fn shut_down(
        &mut self,
        queue: QueueId,
        immediate: bool,
        out: &mut Outcome,
    ) -> Served {
        self.at_mut(queue)?.shut_down = true;
        if immediate {
            self.drop_waiting_items(queue, out);
        }
        // Whoever waits to get waits at an empty queue, so nobody is left who could be served.
        while let Some(at) = self.queues.get(&queue) {
            let Some(waiter) = at.putters.first().or_else(|| at.getters.first()) else { break };
            self.unpark(waiter);
            out.woken.push((waiter, Reply::Error(StateError::ShutDown)));
        }
        Ok(Some(Reply::None))
    }

    /// Drops what is ready or delayed; says how many.
    pub(crate) fn purge(&mut self, now: Time, queue: QueueId, out: &mut Outcome) -> Served {
        self.at(queue)?;
        let dropped = self.drop_waiting_items(queue, out);
        self.serve(now, queue, out);
        Ok(Some(Reply::Count(dropped)))
    }

    pub(crate) fn drop_waiting_items(&mut self, queue: QueueId, out: &mut Outcome) -> u64 {
        let Some(at) = self.queues.get_mut(&queue) else { return 0 };
        let mut spared: Vec<_> = at.leased.keys().copied().collect();
        spared.sort_unstable();
        let dropped = at.drain();
        let count = dropped.len() as u64;
        at.unfinished = at.unfinished.saturating_sub(count);
        for (item, due) in dropped {
            at.bytes -= item.payload.len() as u64;
            self.bytes -= item.payload.len() as u64;
            if let Some(due) = due {
                self.deadlines.remove(due, Due::Delay(queue, item.id));
            }
        }
        self.keep(Record::Purged { queue, spared }, out);
        self.wake_joiners(queue, out);
        count
    }
}
