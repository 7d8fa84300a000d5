//! One queue: the four sets that hold its items, and the moves between them.

use crate::id::IdMap;
use crate::keys::Keys;
use crate::meter::Meter;
use crate::ready::Ready;
use crate::waiters::Line;
use crate::{Item, ItemId, QueueId, QueueOptions, QueueStats, SessionId, Time};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A named or anonymous collection of items.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) life: Life,
    pub(crate) options: QueueOptions,
    pub(crate) ready: Ready,
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
    pub(crate) expired_total: u64,
    /// When it is looked for what has expired.
    pub(crate) expiry: Option<Time>,
    /// Whether it was made from records, and nothing was looked for yet.
    pub(crate) restored: bool,
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
        let ready = Ready::new(options.order);
        Self {
            name: name.to_owned(),
            life,
            options,
            ready,
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
            expired_total: 0,
            expiry: None,
            restored: false,
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

    /// Whether `items` more may be ready.
    pub(crate) fn has_room(&self, items: usize) -> bool {
        self.options.maxsize == 0 || self.ready.len() + items <= self.options.maxsize
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
        let ready = self.ready.take_out(&chosen).into_iter().map(|item| (item, None));
        let delayed = std::mem::take(&mut self.delayed);
        let (taken, rest): (BTreeMap<_, _>, _) =
            delayed.into_iter().partition(|(_, delayed)| chosen(&delayed.item));
        self.delayed = rest;
        let delayed = taken.into_values().map(|Delayed { item, due }| (item, Some(due)));
        ready.chain(delayed).collect()
    }

    /// Gives it other options.
    pub(crate) fn set_options(&mut self, options: QueueOptions) {
        self.ready.set_order(options.order);
        self.options = options;
    }

    /// Every item of the queue, in no particular order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Cow<'_, Item>> {
        let delayed = self.delayed.values().map(|delayed| &delayed.item);
        let leased = self.leased.values().map(|lease| &lease.item);
        let others = delayed.chain(leased).chain(self.dead.values());
        self.ready.iter().chain(others.map(Cow::Borrowed))
    }

    pub(crate) fn stats(&self, now: Time) -> QueueStats {
        QueueStats {
            name: self.name.clone(),
            anonymous: self.is_anonymous(),
            ack: self.options.ack,
            ready: self.ready.len(),
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
            expired_total: self.expired_total,
            put_rate: self.puts.rate(now),
            got_rate: self.gots.rate(now),
            oldest_ready_age: self.ready.oldest().map(|since| now.since(since)),
        }
    }
}
