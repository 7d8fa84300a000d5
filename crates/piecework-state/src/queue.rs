//! One queue: the four sets that hold its items, and the moves between them.

use crate::id::IdMap;
use crate::meter::Meter;
use crate::once::Keys;
use crate::waiters::Line;
use crate::{Item, ItemId, Place, QueueId, QueueOptions, QueueStats, SessionId, Time};
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};

/// A named or anonymous collection of items.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) life: Life,
    pub(crate) options: QueueOptions,
    /// Ready, in the order of their places, as they were put. All places here are in ascending
    /// order: `fresh[i].place < fresh[i + 1].place`.
    fresh: VecDeque<Item>,
    /// Ready again at their old places, in front of younger ones.
    returned: BTreeMap<Place, Item>,
    /// Payload bytes of what is ready.
    ready_bytes: u64,
    pub(crate) delayed: BTreeMap<ItemId, Delayed>,
    pub(crate) leased: IdMap<ItemId, Lease>,
    pub(crate) dead: BTreeMap<ItemId, Item>,
    /// Puts that no `task_done()` has paid for, as Python counts them.
    pub(crate) unfinished: u64,
    pub(crate) shut_down: bool,
    pub(crate) getters: Line,
    pub(crate) putters: Line,
    pub(crate) joiners: Line,
    /// The queues that got items whose answers are for this one.
    pub(crate) asked: SmallVec<[QueueId; 1]>,
    /// The keys under which items were put a while ago.
    pub(crate) keys: Keys,
    pub(crate) bytes: u64,
    pub(crate) puts: Meter,
    pub(crate) gots: Meter,
    pub(crate) acked_total: u64,
    pub(crate) returned_total: u64,
    pub(crate) late_total: u64,
}

/// How long a queue lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Life {
    /// For ever: it has a name, and what is in it is kept.
    Kept,
    /// As long as the manager: it has a name, but nothing of it is kept.
    Passing,
    /// As long as somebody refers to it.
    Anonymous,
}

/// An item that was handed to a session and is not settled.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) item: Item,
    pub(crate) session: SessionId,
    pub(crate) began: Time,
    pub(crate) deadline: Option<Time>,
    /// What its worker said of it last.
    pub(crate) progress: Option<(f64, String)>,
}

/// An item that becomes ready at its time.
#[derive(Debug)]
pub(crate) struct Delayed {
    pub(crate) item: Item,
    pub(crate) due: Time,
}

impl Queue {
    pub(crate) fn new(name: &str, life: Life, options: QueueOptions) -> Self {
        Self {
            name: name.to_owned(),
            life,
            options,
            fresh: VecDeque::new(),
            returned: BTreeMap::new(),
            ready_bytes: 0,
            delayed: BTreeMap::new(),
            leased: IdMap::default(),
            dead: BTreeMap::new(),
            unfinished: 0,
            shut_down: false,
            getters: Line::default(),
            putters: Line::default(),
            joiners: Line::default(),
            asked: SmallVec::new(),
            keys: Keys::default(),
            bytes: 0,
            puts: Meter::default(),
            gots: Meter::default(),
            acked_total: 0,
            returned_total: 0,
            late_total: 0,
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.life == Life::Kept
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.life == Life::Anonymous
    }

    /// Whoever waits here, for whatever.
    pub(crate) fn first_waiter(&self) -> Option<SessionId> {
        let lines = [&self.putters, &self.getters, &self.joiners];
        lines.into_iter().find_map(Line::first)
    }

    /// Items that can be got now: Python's `qsize()`.
    pub(crate) fn ready(&self) -> usize {
        self.fresh.len() + self.returned.len()
    }

    /// Payload bytes of what can be got now.
    pub(crate) fn ready_bytes(&self) -> u64 {
        self.ready_bytes
    }

    /// Whether `items` more may be ready.
    pub(crate) fn has_room(&self, items: usize) -> bool {
        self.options.maxsize == 0 || self.ready() + items <= self.options.maxsize
    }

    /// A new item at the end of the line.
    pub(crate) fn push(&mut self, item: Item) {
        debug_assert!(self.fresh.back().is_none_or(|last| last.place < item.place));
        self.ready_bytes += item.payload.len() as u64;
        self.fresh.push_back(item);
    }

    /// An item back at its old place.
    pub(crate) fn push_returned(&mut self, item: Item) {
        self.ready_bytes += item.payload.len() as u64;
        let was = self.returned.insert(item.place, item);
        debug_assert!(was.is_none(), "two items in one place");
    }

    /// Takes the ready item with the lowest place.
    pub(crate) fn pop(&mut self) -> Option<Item> {
        let returned_first = match (self.returned.first_key_value(), self.fresh.front()) {
            (Some((&place, _)), Some(fresh)) => place < fresh.place,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let item = match returned_first {
            true => self.returned.pop_first().map(|(_, item)| item),
            false => self.fresh.pop_front(),
        }?;
        self.ready_bytes -= item.payload.len() as u64;
        Some(item)
    }

    /// The ready item of this id.
    pub(crate) fn find_ready(&self, item: ItemId) -> Option<&Item> {
        self.fresh.iter().chain(self.returned.values()).find(|ready| ready.id == item)
    }

    /// How many ready items would be taken before this one.
    pub(crate) fn ready_before(&self, item: &Item) -> usize {
        let fresh = self.fresh.partition_point(|ready| ready.place < item.place);
        fresh + self.returned.range(..item.place).count()
    }

    pub(crate) fn delay(&mut self, item: Item, due: Time) {
        self.delayed.insert(item.id, Delayed { item, due });
    }

    /// Takes a delayed item out, whether its time has come or not.
    pub(crate) fn undelay(&mut self, item: ItemId) -> Option<Delayed> {
        self.delayed.remove(&item)
    }

    /// Takes out everything that is ready or delayed.
    pub(crate) fn drain(&mut self) -> Vec<(Item, Option<Time>)> {
        self.take_out(|_| true)
    }

    /// Takes out what is ready or delayed and chosen.
    pub(crate) fn take_out(&mut self, chosen: impl Fn(&Item) -> bool) -> Vec<(Item, Option<Time>)> {
        let mut out = Vec::new();
        let mut keep = |item: Item, due: Option<Time>| match chosen(&item) {
            true => {
                out.push((item, due));
                None
            }
            false => Some(item),
        };
        let returned = std::mem::take(&mut self.returned).into_values();
        self.returned =
            returned.filter_map(|item| keep(item, None)).map(|item| (item.place, item)).collect();
        let fresh = std::mem::take(&mut self.fresh);
        self.fresh = fresh.into_iter().filter_map(|item| keep(item, None)).collect();
        self.ready_bytes = self.count_ready_bytes();
        let delayed = std::mem::take(&mut self.delayed).into_values();
        self.delayed = delayed
            .filter_map(|Delayed { item, due }| Some((keep(item, Some(due))?, due)))
            .map(|(item, due)| (item.id, Delayed { item, due }))
            .collect();
        out
    }

    /// Every item of the queue, in no particular order.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        let delayed = self.delayed.values().map(|delayed| &delayed.item);
        let leased = self.leased.values().map(|lease| &lease.item);
        let ready = self.fresh.iter().chain(self.returned.values());
        ready.chain(delayed).chain(leased).chain(self.dead.values())
    }

    /// Whether the bytes of what is ready are those that were counted.
    pub(crate) fn ready_bytes_agree(&self) -> bool {
        self.ready_bytes == self.count_ready_bytes()
    }

    fn count_ready_bytes(&self) -> u64 {
        let ready = self.fresh.iter().chain(self.returned.values());
        ready.map(|item| item.payload.len() as u64).sum()
    }

    /// Whether the ready items stand as `fresh` promises.
    pub(crate) fn in_order(&self) -> bool {
        let ascending = |(a, b): (&Item, &Item)| a.place < b.place;
        self.fresh.iter().zip(self.fresh.iter().skip(1)).all(ascending)
            && self.returned.iter().all(|(&place, item)| place == item.place)
    }

    pub(crate) fn stats(&self, now: Time) -> QueueStats {
        let fronts = self.fresh.front().into_iter().chain(self.returned.values().next());
        QueueStats {
            name: self.name.clone(),
            anonymous: self.is_anonymous(),
            ack: self.options.ack,
            ready: self.ready(),
            delayed: self.delayed.len(),
            leased: self.leased.len(),
            dead: self.dead.len(),
            unfinished: self.unfinished,
            getters: self.getters.len(),
            putters: self.putters.len(),
            bytes: self.bytes,
            put_total: self.puts.total(),
            got_total: self.gots.total(),
            acked_total: self.acked_total,
            returned_total: self.returned_total,
            late_total: self.late_total,
            put_rate: self.puts.rate(now),
            got_rate: self.gots.rate(now),
            oldest_ready_age: fronts.map(|item| item.put_at).min().map(|put| now.since(put)),
        }
    }
}
