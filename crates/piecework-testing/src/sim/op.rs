//! What programs ask of the manager, and the payloads they put.

use super::plan::{Q, QueuePlan};
use bytes::Bytes;
use piecework_state::{
    AckMode, Call, Delivery, Item, ItemId, Payload, QueueId, QueueOptions, Reply, Settle, Take,
    Time, Wait,
};
use std::fmt;
use std::time::Duration;

/// What makes a payload different from every other of its life; grows with every put.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Key(pub(super) usize);

impl Key {
    /// Its payload: of different lengths, so that bytes that are counted wrongly are seen.
    fn payload(self) -> Payload {
        let mut bytes = (self.0 as u64).to_le_bytes().to_vec();
        bytes.resize(bytes.len() + self.0 * 37 % 120, b'.');
        let order = Some(Box::from([self.order()]));
        Payload { stop: self.is_stop(), order, ..Payload::opaque(bytes) }
    }

    /// Where its value orders it in a queue that goes by priority.
    pub(super) fn order(self) -> u8 {
        (self.0 * 5 % 7) as u8
    }

    /// Whether it is a stop mark, in whatever queue.
    pub(super) fn is_stop(self) -> bool {
        self.0 % 19 == 18
    }

    /// The key of an item that is kept.
    pub(super) fn of_kept(item: &Item) -> Self {
        Self::of(item.payload.here().expect("what is kept is read with its bytes"))
    }

    /// The key of a payload.
    pub(super) fn of(payload: &Bytes) -> Self {
        let bytes = payload.first_chunk().expect("every payload begins with its key");
        Self(u64::from_le_bytes(*bytes) as usize)
    }
}

/// How long a call may wait, as a client says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Patience {
    No,
    For(Duration),
    Endless,
}

/// A call as a client makes it.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Put {
        queue: Q,
        keys: Vec<Key>,
        delay: Option<Duration>,
        patience: Patience,
    },
    /// A put under a key that is the item's own, again if it is not known whether it was done.
    PutOnce {
        queue: Q,
        key: Key,
        patience: Patience,
    },
    /// A put of a held item's own bytes to the queue that it came from.
    HandBack {
        queue: Q,
        key: Key,
    },
    Take {
        queue: Q,
        max: usize,
        style: Take,
        patience: Patience,
    },
    Ack(Q),
    Nack(Q, Duration),
    TaskDone(Q),
    Extend(Q, Duration),
    Renew(Q, ItemId),
    Answer {
        queue: Q,
        item: ItemId,
        to: Q,
        key: Key,
    },
    Settle {
        queue: Q,
        item: ItemId,
        how: Settle,
    },
    Qsize(Q),
    Join(Q),
}

impl Op {
    /// The queue whose method is called.
    pub(super) fn queue(&self) -> Q {
        match self {
            Self::Put { queue, .. }
            | Self::PutOnce { queue, .. }
            | Self::HandBack { queue, .. }
            | Self::Take { queue, .. }
            | Self::Answer { queue, .. }
            | Self::Settle { queue, .. }
            | Self::Ack(queue)
            | Self::Nack(queue, _)
            | Self::TaskDone(queue)
            | Self::Extend(queue, _)
            | Self::Renew(queue, _)
            | Self::Qsize(queue)
            | Self::Join(queue) => *queue,
        }
    }

    /// What it puts.
    pub(super) fn puts(&self) -> Vec<Key> {
        match self {
            Self::Put { keys, .. } => keys.clone(),
            Self::PutOnce { key, .. } | Self::Answer { key, .. } => vec![*key],
            _ => Vec::new(),
        }
    }

    /// What it puts under a key.
    pub(super) fn once(&self) -> Option<Key> {
        match self {
            Self::PutOnce { key, .. } => Some(*key),
            _ => None,
        }
    }

    /// The call that this is, now, at a manager that knows the queues by these ids.
    pub(super) fn call(&self, now: Time, id: impl Fn(Q) -> QueueId) -> Call {
        let queue = id(self.queue());
        let wait = |patience| match patience {
            Patience::No => Wait::No,
            Patience::For(time) => Wait::Until(now + time),
            Patience::Endless => Wait::Forever,
        };
        match self {
            Self::Put { keys, delay, patience, .. } => Call::Put {
                queue,
                payloads: keys.iter().map(|key| key.payload()).collect(),
                delay: *delay,
                wait: wait(*patience),
            },
            Self::PutOnce { key, patience, .. } => Call::PutOnce {
                queue,
                key: format!("item {}", key.0),
                payload: key.payload(),
                wait: wait(*patience),
            },
            Self::HandBack { key, .. } => Call::put(queue, key.payload()),
            Self::Take { max, style, patience, .. } => {
                Call::Take { queue, max: *max, wait: wait(*patience), style: *style }
            }
            Self::Ack(_) => Call::Ack(queue),
            Self::Nack(_, delay) => Call::Nack(queue, *delay),
            Self::TaskDone(_) => Call::TaskDone(queue),
            Self::Extend(_, by) => Call::Extend(queue, *by),
            Self::Renew(_, item) => Call::Renew(queue, *item),
            Self::Answer { item, to, key, .. } => {
                Call::Answer { queue, item: *item, to: id(*to), payload: key.payload() }
            }
            Self::Settle { item, how, .. } => Call::Settle(queue, *item, *how),
            Self::Qsize(_) => Call::Qsize(queue),
            Self::Join(_) => Call::Join(queue),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The items that a reply carries.
pub(super) fn carried(reply: &Reply) -> &[Delivery] {
    match reply {
        Reply::Item(delivery) => std::slice::from_ref(delivery),
        Reply::Items(deliveries) | Reply::Leases(deliveries) => deliveries,
        _ => &[],
    }
}

/// A reply in a few words.
pub(super) fn brief(reply: &Reply) -> String {
    match reply {
        Reply::Error(error) => format!("error: {error}"),
        Reply::None | Reply::Count(_) | Reply::Bool(_) => format!("{reply:?}"),
        Reply::Stats(_) => "stats".to_owned(),
        _ => {
            let item = |one: &Delivery| format!("{}@{}", Key::of(&one.payload).0, one.attempt);
            format!("items {:?}", carried(reply).iter().map(item).collect::<Vec<_>>())
        }
    }
}

/// The options of a queue whose answers go to `answers`.
pub(super) fn options(plan: QueuePlan, answers: impl FnOnce() -> QueueId) -> QueueOptions {
    use super::plan::Mode;
    let QueuePlan { mode, maxsize, attempts, lease, maxbytes, expire, order, once } = plan;
    let ack = match mode {
        Mode::Auto => AckMode::Auto,
        Mode::Answered => AckMode::Answered { answers: answers() },
        Mode::Explicit => AckMode::Explicit,
        Mode::None => AckMode::None,
    };
    let bounds = QueueOptions { maxsize, maxbytes, attempts, ..QueueOptions::default() };
    QueueOptions { ack, lease, expire, order, once, ..bounds }
}
