//! Every call with checked arguments, and what comes of it.

use crate::objects::{Kind, ObjectCall};
use crate::patience::Wait;
use crate::{
    Ended, Item, ItemId, ObjectId, Place, QueueId, QueueStats, Rare, Record, SessionId, StateError,
    Time,
};
use bytes::Bytes;
use smallvec::{SmallVec, smallvec};
use std::time::Duration;

/// What a session asks of a queue. Arguments are checked and timeouts are moments by now.
#[derive(Clone, Debug)]
pub enum Call {
    /// `put`, `put_nowait`, `put_many`, `put_later`: all payloads or none.
    Put {
        /// Where to.
        queue: QueueId,
        /// What; one for a plain `put`.
        payloads: SmallVec<[Payload; 1]>,
        /// Ready only after this long.
        delay: Option<Duration>,
        /// What to do while the queue is full.
        wait: Wait,
    },
    /// `put_once`: a put of one item, unless one was put under the same key a while ago.
    PutOnce {
        /// Where to.
        queue: QueueId,
        /// Names the item, for whoever may put it again.
        key: String,
        /// What.
        payload: Payload,
        /// What to do while the queue is full.
        wait: Wait,
    },
    /// `get`, `get_nowait`, `get_many`, `lease`.
    Take {
        /// Where from.
        queue: QueueId,
        /// How many at most.
        max: usize,
        /// What to do while nothing is ready.
        wait: Wait,
        /// In which form.
        style: Take,
    },
    /// `ack()`: the session's oldest lease on this queue ends well.
    Ack(QueueId),
    /// `nack(delay)`: the session's oldest lease on this queue failed.
    Nack(QueueId, Duration),
    /// `extend(seconds)`: the session's oldest lease on this queue lasts that long from now.
    Extend(QueueId, Duration),
    /// `progress(fraction, note)` of the session's oldest lease on this queue.
    Progress(QueueId, f64, String),
    /// `answer(id, queue, payload)`: puts and acks the lease in one record.
    Answer {
        /// Where the lease is from.
        queue: QueueId,
        /// The leased item.
        item: ItemId,
        /// Where the answer goes.
        to: QueueId,
        /// The answer.
        payload: Payload,
    },
    /// `renew(id)`: the lease of this item lasts for the whole of its queue's time again.
    Renew(QueueId, ItemId),
    /// `settle(id, how)`.
    Settle(QueueId, ItemId, Settle),
    /// `task_done()`.
    TaskDone(QueueId),
    /// `join()`.
    Join(QueueId),
    /// `qsize()`.
    Qsize(QueueId),
    /// `empty()`.
    IsEmpty(QueueId),
    /// `full()`.
    IsFull(QueueId),
    /// `shutdown(immediate)` of Python 3.13.
    ShutDown(QueueId, bool),
    /// `stats()`.
    Stats(QueueId),
    /// Drops what is ready or delayed.
    Purge(QueueId),
    /// Drops what is ready or delayed and whose answer is for the second queue.
    Withdraw(QueueId, QueueId),
    /// Shows what was put, of a dead item. One that lives is for whoever gets it.
    Show(QueueId, ItemId),
    /// Makes dead items ready again, at their old places, as if they had never been tried; what
    /// became of their attempts is still remembered. Says how many.
    Revive {
        /// Where they are dead.
        queue: QueueId,
        /// Which of them.
        which: Which,
    },
    /// A call on an object that is no queue.
    Object(ObjectId, ObjectCall),
    /// Drops dead items; says how many.
    Drop {
        /// Where they are dead.
        queue: QueueId,
        /// Which of them.
        which: Which,
    },
}

impl Call {
    /// A plain `put` that waits for room.
    pub fn put(queue: QueueId, payload: Payload) -> Self {
        Self::Put { queue, payloads: smallvec![payload], delay: None, wait: Wait::Forever }
    }

    /// A plain `get` that waits for an item.
    pub fn get(queue: QueueId) -> Self {
        Self::Take { queue, max: 1, wait: Wait::Forever, style: Take::Item }
    }
}

/// What is put: bytes that the state never looks into.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The bytes.
    pub bytes: Bytes,
    /// Whether whoever reads them says that they are the queue's stop mark.
    pub stop: bool,
    /// The queue that the answer is for: nobody wants the item any more once that has ended.
    pub reply_to: Option<QueueId>,
    /// Where its value orders it, for queues that go by priority.
    pub order: Option<Box<[u8]>>,
}

impl Payload {
    /// Bytes that are no stop mark.
    pub fn opaque(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), stop: false, reply_to: None, order: None }
    }

    /// The same, of no use to anybody once `results` has ended.
    #[must_use]
    pub fn reply_to(self, results: QueueId) -> Self {
        Self { reply_to: Some(results), ..self }
    }
}

/// In which form a session takes items.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Take {
    /// One item as itself; `Empty` if there is none: `get`.
    Item,
    /// A list, empty if there is none: `get_many`.
    Many,
    /// A list of leases that are settled by id, whatever the ack mode: `lease`.
    Leases,
}

/// Which of a queue's dead items.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// This one.
    One(ItemId),
    /// All of them.
    All,
    /// Those whose last attempt ended so.
    Ended(Ended),
}

/// How a lease is settled by id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settle {
    /// It ended well; the item is gone.
    Ack,
    /// It failed; the attempt counts.
    Nack,
    /// It was not tried; the attempt does not count.
    Release,
}

/// What a call led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The reply; `None` means that the session waits.
    pub reply: Option<Reply>,
    /// Sessions whose waiting call is served now.
    pub woken: SmallVec<[(SessionId, Reply); 1]>,
    /// Decisions to keep, in order, before any reply leaves.
    pub records: SmallVec<[Record; 1]>,
    /// What somebody should read in the log.
    pub notes: Vec<Note>,
}

/// What a session gets back.
#[derive(Debug)]
pub enum Reply {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// Python's `True`: the session has a lock, or a permit, of this object now.
    Granted(ObjectId),
    /// Python's `True`: the session was notified at this condition, and has its lock again.
    Notified(ObjectId),
    /// A count.
    Count(u64),
    /// The item that a `get` got.
    Item(Delivery),
    /// What a `get_many` got.
    Items(Vec<Delivery>),
    /// What a `lease` got.
    Leases(Vec<Delivery>),
    /// A value, as it was put.
    Value(Bytes),
    /// A list of values.
    Values(Vec<Bytes>),
    /// A tuple of two.
    Pair([Bytes; 2]),
    /// A list of tuples of two.
    Pairs(Vec<[Bytes; 2]>),
    /// A dict.
    Dict(Vec<[Bytes; 2]>),
    /// An array of this typecode.
    Array(char, Vec<Bytes>),
    /// A set.
    Set(Vec<Bytes>),
    /// An instance of what is of this kind, with these attributes.
    Instance(Kind, Vec<(String, Bytes)>),
    /// An iterator over these.
    Iterator(Vec<Bytes>),
    /// An iterator over a list, from its end.
    Reversed(Vec<Bytes>),
    /// An ident of a new object of this kind.
    Proxy(Kind, String),
    /// What an object looks like.
    Shown(Shown),
    /// The counts of one queue.
    Stats(Box<QueueStats>),
    /// An exception.
    Error(StateError),
}

/// What an object looks like, for whoever can read its values.
#[derive(Clone, Debug)]
pub enum Shown {
    /// A list.
    List(Vec<Bytes>),
    /// A dict.
    Dict(Vec<[Bytes; 2]>),
    /// A set.
    Set(Vec<Bytes>),
    /// Typecode and value.
    Value([Bytes; 2]),
    /// An array.
    Array(char, Vec<Bytes>),
    /// A namespace, by name.
    Names(Vec<(String, Bytes)>),
    /// Something of this kind, of which nothing is to be seen.
    Opaque(Kind),
}

impl Reply {
    /// Whether it gives the session something that goes back if it cannot be sent.
    pub fn gives(&self) -> bool {
        matches!(self, Self::Granted(_) | Self::Notified(_)) || !self.deliveries().is_empty()
    }

    /// The items that it brings.
    pub fn deliveries(&self) -> &[Delivery] {
        match self {
            Self::Item(delivery) => std::slice::from_ref(delivery),
            Self::Items(deliveries) | Self::Leases(deliveries) => deliveries,
            _ => &[],
        }
    }

    /// The same, to be filled.
    pub(crate) fn deliveries_mut(&mut self) -> &mut [Delivery] {
        match self {
            Self::Item(delivery) => std::slice::from_mut(delivery),
            Self::Items(deliveries) | Self::Leases(deliveries) => deliveries,
            _ => &mut [],
        }
    }
}

/// An item on its way to a session.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where from.
    pub queue: QueueId,
    /// Which item.
    pub id: ItemId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The bytes that were put.
    pub payload: Bytes,
    /// Where the bytes are to be fetched from the engine first: in which form they are taken.
    pub(crate) away: Option<Take>,
    /// What is needed to take it back if the delivery itself was the ack but could not be made.
    pub(crate) gone: Option<Gone>,
}

/// What a delivery that was its own ack remembers of the item.
#[derive(Clone, Debug)]
pub(crate) struct Gone {
    pub(crate) place: Place,
    pub(crate) put_at: Time,
    pub(crate) stop: bool,
    pub(crate) reply_to: Option<QueueId>,
    pub(crate) rare: Option<Box<Rare>>,
}

impl Gone {
    pub(crate) fn of(item: Item) -> Self {
        let Item { place, put_at, stop, reply_to, rare, .. } = item;
        Self { place, put_at, stop, reply_to, rare }
    }
}

/// Something worth a line in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A session ended with leases that it never answered; `acked` says what became of them.
    Unanswered {
        /// Whose.
        session: SessionId,
        /// On which queue.
        queue: String,
        /// How many.
        leases: usize,
        /// Whether they were acked (an orderly end in mode auto) or given back.
        acked: bool,
        /// Whether the session's process died.
        lost: bool,
    },
    /// An answer came for a lease that had run out; it was dropped.
    Late {
        /// Whose.
        session: SessionId,
        /// For an item of which queue.
        queue: String,
        /// Which item.
        item: ItemId,
    },
    /// An item has used up its attempts.
    Died {
        /// In which queue.
        queue: String,
        /// Which item.
        item: ItemId,
        /// After how many attempts.
        attempts: u32,
    },
    /// Items were dropped because nobody fetched them in time.
    Expired {
        /// From which queue.
        queue: String,
        /// How many.
        items: usize,
    },
    /// An anonymous object or queue is gone: all who could know it died without releasing it.
    Forgotten {
        /// What its clients knew it by.
        ident: String,
    },
    /// A session crashed that held a lock; it is free again.
    LockFreed {
        /// Whose.
        session: SessionId,
        /// Which lock.
        lock: String,
    },
    /// A session was refused a further item because it holds too many.
    LeasesMax {
        /// Whose.
        session: SessionId,
        /// On which queue.
        queue: String,
    },
}
