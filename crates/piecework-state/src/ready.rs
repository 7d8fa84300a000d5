//! What can be got from a queue, in the order in which it is got.

use crate::backlog::Backlog;
use crate::options::Order;
use crate::{Item, ItemId, Place, Time};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The ready items of one queue.
///
/// Nearly all items are taken in the order in which they were put, and a line is all they need.
/// Items that go back to where they stood, and those that a value orders, are sorted.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    order: Order,
    /// As they were put: all places here are in ascending order.
    fresh: Backlog,
    sorted: BTreeMap<Rank, Item>,
    /// Payload bytes of both.
    bytes: u64,
}

/// Where an item is sorted: by the key that its value gives it, if one orders, then by its place.
type Rank = (Bytes, Place);

impl Ready {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    /// How many there are: Python's `qsize()`.
    pub(crate) fn len(&self) -> usize {
        self.fresh.len() + self.sorted.len()
    }

    /// Their payload bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// An item whose place is behind those of all others.
    pub(crate) fn push(&mut self, item: Item) {
        if self.order == Order::Priority {
            return self.put_back(item);
        }
        self.bytes += item.payload.len();
        self.fresh.push_back(item);
    }

    /// An item that goes where it stood.
    pub(crate) fn put_back(&mut self, mut item: Item) {
        item.payload.stand_apart();
        self.bytes += item.payload.len();
        let was = self.sorted.insert(self.rank(&item), item);
        debug_assert!(was.is_none(), "two items in one place");
    }

    /// An item as it was kept; they come in the order in which they were put.
    pub(crate) fn restore(&mut self, item: Item) {
        // Those that were given back, or delayed first, stand elsewhere, and have become ready at
        // another time.
        match item.place.0 == item.id.0 && item.history().is_empty() {
            true => self.push(item),
            false => self.put_back(item),
        }
    }

    /// Takes the next one.
    pub(crate) fn pop(&mut self) -> Option<Item> {
        let fresh = match self.order {
            Order::Lifo => self.fresh.back(),
            Order::Fifo | Order::Priority => self.fresh.front(),
        };
        let item = match (self.next_sorted(), fresh) {
            (Some(sorted), Some(fresh)) if self.is_before(sorted, fresh) => self.pop_sorted(),
            (Some(_), None) => self.pop_sorted(),
            _ if self.order == Order::Lifo => self.fresh.pop_back(),
            _ => self.fresh.pop_front(),
        }?;
        self.bytes -= item.payload.len();
        Some(item)
    }

    /// The one that is taken next.
    pub(crate) fn first(&self) -> Option<&Item> {
        let fresh = match self.order {
            Order::Lifo => self.fresh.back(),
            Order::Fifo | Order::Priority => self.fresh.front(),
        };
        let ends = self.next_sorted().into_iter().chain(fresh);
        ends.reduce(|a, b| if self.is_before(b, a) { b } else { a })
    }

    /// The one of this id.
    pub(crate) fn find(&self, item: ItemId) -> Option<Cow<'_, Item>> {
        self.iter().find(|ready| ready.id == item)
    }

    /// How many are taken before this one.
    pub(crate) fn before(&self, item: &Item) -> usize {
        self.iter().filter(|other| self.is_before(other, item)).count()
    }

    /// All of them, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cow<'_, Item>> {
        self.fresh.iter().chain(self.sorted.values().map(Cow::Borrowed))
    }

    /// Takes out those that are chosen.
    pub(crate) fn take_out(&mut self, chosen: impl Fn(&Item) -> bool) -> Vec<Item> {
        let fresh = std::mem::take(&mut self.fresh);
        let sorted = std::mem::take(&mut self.sorted);
        let (mut out, sorted): (Vec<_>, Vec<_>) = sorted.into_values().partition(&chosen);
        self.bytes = 0;
        sorted.into_iter().for_each(|item| self.put_back(item));
        for item in fresh {
            if chosen(&item) { out.push(item) } else { self.push(item) }
        }
        out
    }

    /// From now on this is their order.
    pub(crate) fn set_order(&mut self, order: Order) {
        if self.order != order {
            let mut all = self.take_out(|_| true);
            self.order = order;
            all.sort_unstable_by_key(|item| item.place);
            all.into_iter().for_each(|item| self.restore(item));
        }
    }

    /// Takes out those that have been ready since then, or longer.
    pub(crate) fn take_ready_since(&mut self, since: Time) -> Vec<Item> {
        let mut out = Vec::new();
        while self.fresh.front().is_some_and(|item| item.ready_at() <= since) {
            out.extend(self.fresh.pop_front());
        }
        if self.sorted.values().any(|item| item.ready_at() <= since) {
            let sorted = std::mem::take(&mut self.sorted);
            let (old, rest) = sorted.into_iter().partition(|(_, item)| item.ready_at() <= since);
            self.sorted = rest;
            let old: BTreeMap<Rank, Item> = old;
            out.extend(old.into_values());
        }
        self.bytes -= out.iter().map(|item| item.payload.len()).sum::<u64>();
        out
    }

    /// Since when the one has been ready that has been so for longest.
    pub(crate) fn oldest(&self) -> Option<Time> {
        let fronts = self.fresh.front().into_iter().chain(self.sorted.values());
        fronts.map(Item::ready_at).min()
    }

    /// Whether all stand where they should, and their bytes were counted.
    pub(crate) fn in_order(&self) -> bool {
        self.fresh.iter().is_sorted_by(|a, b| a.place < b.place)
            && self.fresh.iter().count() == self.fresh.len()
            && self.sorted.iter().all(|(rank, item)| *rank == self.rank(item))
            && self.bytes == self.iter().map(|item| item.payload.len()).sum::<u64>()
    }

    fn rank(&self, item: &Item) -> Rank {
        match self.order {
            Order::Priority => (item.order().clone(), item.place),
            Order::Fifo | Order::Lifo => (Bytes::new(), item.place),
        }
    }

    fn is_before(&self, a: &Item, b: &Item) -> bool {
        match self.order {
            Order::Fifo => a.place < b.place,
            Order::Lifo => a.place > b.place,
            Order::Priority => (a.order(), a.place) < (b.order(), b.place),
        }
    }

    fn next_sorted(&self) -> Option<&Item> {
        match self.order {
            Order::Lifo => self.sorted.last_key_value(),
            Order::Fifo | Order::Priority => self.sorted.first_key_value(),
        }
        .map(|(_, item)| item)
    }

    fn pop_sorted(&mut self) -> Option<Item> {
        match self.order {
            Order::Lifo => self.sorted.pop_last(),
            Order::Fifo | Order::Priority => self.sorted.pop_first(),
        }
        .map(|(_, item)| item)
    }
}
