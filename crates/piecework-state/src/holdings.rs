//! The leases of one session, in the order they were taken.

use crate::{ItemId, QueueId};
use smallvec::SmallVec;
use std::collections::{VecDeque, vec_deque};

/// One lease, seen from the session that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) queue: QueueId,
    pub(crate) item: ItemId,
    /// Taken by `lease`: settled by id only.
    pub(crate) by_id: bool,
    /// It has run out, and its answer has not come yet.
    pub(crate) late: bool,
}

/// What a session holds.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    leases: VecDeque<Held>,
    /// The queues that leases not settled by id are on; and some that they were on, for as long as
    /// there is any lease.
    queues: SmallVec<[QueueId; 2]>,
}

impl Holdings {
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> vec_deque::Iter<'_, Held> {
        self.leases.iter()
    }

    pub(crate) fn push(&mut self, held: Held) {
        if !held.by_id && !self.queues.contains(&held.queue) {
            self.queues.push(held.queue);
        }
        self.leases.push_back(held);
    }

    /// Those of the oldest `arrived` ones that are on `queue` and not settled by id.
    pub(crate) fn on(&self, queue: QueueId, arrived: usize) -> impl Iterator<Item = Held> + '_ {
        let arrived = if self.queues.contains(&queue) { arrived } else { 0 };
        let on = move |held: &Held| held.queue == queue && !held.by_id;
        self.leases.iter().take(arrived).copied().filter(on)
    }

    /// The queue of the oldest lease that is not settled by id, among the queues that will do.
    pub(crate) fn oldest_among(&self, will_do: impl Fn(&QueueId) -> bool) -> Option<QueueId> {
        let first = |&queue: &QueueId| {
            let first = self.iter().position(|held| held.queue == queue && !held.by_id);
            first.map(|at| (at, queue))
        };
        self.queues.iter().filter(|queue| will_do(queue)).filter_map(first).min().map(|(_, on)| on)
    }

    /// Lets go of a lease: the one that has run out, or the one that has not. A session may get an
    /// item again whose lease has run out, and then has both.
    pub(crate) fn remove(&mut self, item: ItemId, late: bool) {
        // Nearly always the first one: a worker settles in the order it took.
        let found = self.iter().position(|held| held.item == item && held.late == late);
        if let Some(at) = found {
            self.leases.remove(at);
        }
        if self.leases.is_empty() {
            self.queues.clear();
        }
    }

    /// The lease of an item that runs out. If it is to be remembered, one that has run out is put
    /// beside it: its answer may still come.
    pub(crate) fn run_out(
        &mut self,
        item: ItemId,
        remembered: impl Fn(Held) -> bool,
    ) -> Option<Held> {
        let at = self.iter().position(|held| held.item == item && !held.late)?;
        let held = self.leases.get(at).copied()?;
        if remembered(held) {
            self.leases.insert(at, Held { late: true, ..held });
        }
        Some(held)
    }

    /// A queue has ended.
    pub(crate) fn forget(&mut self, queue: QueueId) {
        self.leases.retain(|held| held.queue != queue);
        self.queues.retain(|on| *on != queue);
    }

    /// Those that are so, and those that are not.
    pub(crate) fn partition(self, is_so: impl Fn(Held) -> bool) -> (Self, Self) {
        let (mut so, mut not_so) = (Self::default(), Self::default());
        for held in self.leases {
            if is_so(held) { so.push(held) } else { not_so.push(held) }
        }
        (so, not_so)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(queue: u64, item: u64) -> Held {
        Held { queue: QueueId(queue), item: ItemId(item), by_id: false, late: false }
    }

    fn items(holdings: &Holdings, queue: u64) -> Vec<u64> {
        holdings.on(QueueId(queue), holdings.len()).map(|held| held.item.0).collect()
    }

    #[test]
    fn what_is_held_on_a_queue_is_known_whatever_goes_and_comes() {
        let mut all = Holdings::default();
        for (queue, item) in [(1, 11), (2, 12), (1, 13)] {
            all.push(held(queue, item));
        }
        all.push(Held { by_id: true, ..held(3, 14) });
        assert_eq!((items(&all, 1), items(&all, 2)), (vec![11, 13], vec![12]));
        assert_eq!(items(&all, 3), [0; 0], "that is settled by id");
        all.remove(ItemId(11), false);
        assert_eq!(all.oldest_among(|_| true), Some(QueueId(2)));
        all.remove(ItemId(13), false);
        assert_eq!(all.oldest_among(|queue| queue.0 == 1), None);
        all.push(held(1, 15));
        all.forget(QueueId(2));
        assert_eq!((items(&all, 1), items(&all, 2), all.len()), (vec![15], vec![], 2));
        let (by_id, rest) = all.partition(|held| held.by_id);
        assert_eq!((by_id.len(), items(&rest, 1)), (1, vec![15]));
    }

    #[test]
    fn a_lease_that_ran_out_is_remembered_beside_the_one_that_runs_out() {
        let mut all = Holdings::default();
        all.push(held(1, 11));
        assert!(all.run_out(ItemId(11), |_| true).is_some());
        all.remove(ItemId(11), false);
        assert_eq!(items(&all, 1), [11]);
        assert!(all.run_out(ItemId(11), |_| true).is_none(), "it has run out already");
        all.remove(ItemId(11), true);
        assert!(items(&all, 1).is_empty() && all.is_empty());
    }
}
