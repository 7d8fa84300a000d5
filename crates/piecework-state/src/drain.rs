//! Emptying: what a queue holds is dropped, all of it or what nobody wants any more, or no more is
//! let in.

use crate::call::{Outcome, Reply, Which};
use crate::deadline::Due;
use crate::error::StateError;
use crate::state::{Served, State};
use crate::{Item, QueueId, Record, Time};

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

    /// Drops all that a queue holds and nobody has leased, dead items too, and what it remembers of
    /// keys.
    pub fn empty(&mut self, queue: QueueId, out: &mut Outcome) {
        self.drop_waiting_items(queue, out);
        let dead = self.take_dead(queue, Which::All).unwrap_or_default();
        dead.iter().for_each(|item| self.drop_taken(queue, item, out));
        self.forget_keys(Time::END, queue, out);
    }

    /// `withdraw(results)`: drops what is ready or delayed and whose answer is for `results`; says
    /// how many.
    pub(crate) fn withdraw(
        &mut self,
        now: Time,
        queue: QueueId,
        results: QueueId,
        out: &mut Outcome,
    ) -> Served {
        let chosen = |item: &Item| item.reply_to == Some(results);
        let dropped = self.at_mut(queue)?.take_out(chosen);
        let count = dropped.len() as u64;
        if count > 0 {
            // To those who keep records, what is dropped is gone as what is acked.
            for (item, _) in &dropped {
                self.keep(Record::Acked(queue, item.id), out);
            }
            self.discard(queue, dropped, out);
            self.serve(now, queue, out);
        }
        Ok(Some(Reply::Count(count)))
    }

    /// A queue has ended: nobody wants what would be answered there. What is leased is dropped when
    /// it would go back.
    pub(crate) fn withdraw_all(
        &mut self,
        now: Time,
        asked: &[QueueId],
        results: QueueId,
        out: &mut Outcome,
    ) {
        for &queue in asked {
            // One that has ended itself has taken its items along.
            let _ = self.withdraw(now, queue, results, out);
        }
    }

    pub(crate) fn drop_waiting_items(&mut self, queue: QueueId, out: &mut Outcome) -> u64 {
        let Some(at) = self.queues.get_mut(&queue) else { return 0 };
        let mut spared: Vec<_> = at.leased.keys().copied().collect();
        spared.sort_unstable();
        let dropped = at.drain();
        let count = dropped.len() as u64;
        self.keep(Record::Purged { queue, spared }, out);
        self.discard(queue, dropped, out);
        count
    }

    /// Whether somebody may still want the answer to an item.
    pub(crate) fn is_wanted(&self, item: &Item) -> bool {
        item.reply_to.is_none_or(|results| self.queues.contains_key(&results))
    }

    /// Drops an item that would go back to its queue and that nobody wants any more.
    pub(crate) fn drop_unwanted(&mut self, queue: QueueId, item: Item, out: &mut Outcome) {
        self.keep(Record::Acked(queue, item.id), out);
        self.discard(queue, vec![(item, None)], out);
    }

    /// Forgets items that have been taken out of the queue's sets; `due` is when they would have
    /// become ready.
    pub(crate) fn discard(
        &mut self,
        queue: QueueId,
        dropped: Vec<(Item, Option<Time>)>,
        out: &mut Outcome,
    ) {
        let Some(at) = self.queues.get_mut(&queue) else { return };
        at.unfinished = at.unfinished.saturating_sub(dropped.len() as u64);
        for (item, due) in dropped {
            self.count_out(queue, &item);
            if let Some(due) = due {
                self.deadlines.remove(due, Due::Delay(queue, item.id));
            }
        }
        self.wake_joiners(queue, out);
    }
}
