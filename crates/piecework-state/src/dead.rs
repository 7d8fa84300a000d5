//! Dead items: what has used up its attempts, and how somebody decides what becomes of it.

use crate::call::{Delivery, Outcome, Reply, Take, Which};
use crate::state::{Served, State};
use crate::{Item, ItemId, QueueId, Record, StateError, Time};
use std::collections::BTreeMap;
use std::ops::Bound;

impl State {
    /// The dead items of a queue behind `after`, or from the first one on, in the order of their
    /// ids; `max` of them at most.
    pub fn dead(&self, queue: QueueId, after: Option<ItemId>, max: usize) -> Vec<&Item> {
        let Some(at) = self.queues.get(&queue) else { return Vec::new() };
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        at.dead.range((behind, Bound::Unbounded)).map(|(_, item)| item).take(max).collect()
    }

    /// Shows a dead item, which stays what it is.
    pub(crate) fn show(&self, queue: QueueId, item: ItemId) -> Served {
        let Some(dead) = self.at(queue)?.dead.get(&item) else {
            return Err(StateError::NotDead { item, queue: self.name_of(queue) });
        };
        let here = dead.payload.here();
        Ok(Some(Reply::Item(Delivery {
            queue,
            id: item,
            attempt: dead.attempts,
            payload: here.cloned().unwrap_or_default(),
            away: here.is_none().then_some(Take::Item),
            gone: None,
        })))
    }

    /// Makes dead items ready again; says how many. Whoever revives them wants them there, so a
    /// `maxsize` does not count.
    pub(crate) fn revive(
        &mut self,
        now: Time,
        queue: QueueId,
        which: Which,
        out: &mut Outcome,
    ) -> Served {
        let mut revived = 0;
        for mut item in self.take_dead(queue, which)? {
            if !self.is_wanted(&item) {
                self.drop_taken(queue, &item, out);
                continue;
            }
            item.attempts = 0;
            item.ready_again(now);
            self.keep(Record::Revived(queue, item.id, now), out);
            let at = self.at_mut(queue)?;
            at.unfinished += 1;
            at.ready.put_back(item);
            revived += 1;
        }
        self.serve(now, queue, out);
        Ok(Some(Reply::Count(revived)))
    }

    /// Drops dead items; says how many.
    pub(crate) fn drop_dead(&mut self, queue: QueueId, which: Which, out: &mut Outcome) -> Served {
        let dropped = self.take_dead(queue, which)?;
        dropped.iter().for_each(|item| self.drop_taken(queue, item, out));
        Ok(Some(Reply::Count(dropped.len() as u64)))
    }

    /// Takes dead items out of their queue, in the order of their ids.
    pub(crate) fn take_dead(
        &mut self,
        queue: QueueId,
        which: Which,
    ) -> Result<Vec<Item>, StateError> {
        let dead = &mut self.at_mut(queue)?.dead;
        Ok(match which {
            Which::One(item) => dead.remove(&item).into_iter().collect(),
            Which::All => std::mem::take(dead).into_values().collect(),
            Which::Ended(how) => {
                let ended = |item: &Item| item.history().last().is_some_and(|last| last.how == how);
                let (chosen, rest): (BTreeMap<_, _>, _) =
                    std::mem::take(dead).into_iter().partition(|(_, item)| ended(item));
                *dead = rest;
                chosen.into_values().collect()
            }
        })
    }

    /// Forgets a dead item that was taken out: to those who keep records it is gone as one that is
    /// acked.
    pub(crate) fn drop_taken(&mut self, queue: QueueId, item: &Item, out: &mut Outcome) {
        self.keep(Record::Acked(queue, item.id), out);
        self.count_out(queue, item);
    }
}
