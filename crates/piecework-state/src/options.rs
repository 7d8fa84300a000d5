//! The options of a queue: what `--queue NAME:...` can say.

use crate::QueueId;
use std::time::Duration;

/// What counts as the acknowledgement of a delivered item.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AckMode {
    /// A `put` of the session to another queue, its next `get` here, or its orderly end: what an
    /// unmodified Python program does anyway.
    #[default]
    Auto,
    /// A `put` of the session to the answer queue: exactly one recorded result per task.
    Answered {
        /// The answer queue.
        answers: QueueId,
    },
    /// Only `task_done()` and `ack()`.
    Explicit,
    /// The delivery itself, as in a bare `queue.Queue`.
    None,
}

impl AckMode {
    /// Whether an orderly end of a session settles its leases well.
    pub(crate) fn acks_at_orderly_end(self) -> bool {
        self == Self::Auto
    }
}

/// In which order items are got.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Order {
    /// As they were put: `queue.Queue`.
    #[default]
    Fifo,
    /// The lowest value first, those of one value as they were put: `queue.PriorityQueue`.
    Priority,
    /// The youngest first: `queue.LifoQueue`.
    Lifo,
}

/// How a queue behaves; the default is what CPython's `queue.Queue()` does, minus the losses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueOptions {
    /// What acknowledges a delivered item.
    pub ack: AckMode,
    /// Ready items at most, as in `queue.Queue(maxsize)`; 0 means no bound.
    pub maxsize: usize,
    /// Bytes of ready items at most; 0 means no bound.
    pub maxbytes: u64,
    /// Failed attempts after which an item is dead; 0 means never.
    pub attempts: u32,
    /// How long a lease lasts without `extend()`; `None` means as long as its session.
    pub lease: Option<Duration>,
    /// How long the keys of `put_once()` are remembered.
    pub once: Duration,
    /// How long an item stands ready before it is dropped; `None` means for ever.
    pub expire: Option<Duration>,
    /// In which order items are got.
    pub order: Order,
    /// What whoever serves the queue has to say of it beyond that. It is kept, and no more.
    pub more: String,
}

/// A task that fails five times will fail a sixth; five leaves room for two bad workers.
pub(crate) const ATTEMPTS_DEFAULT: u32 = 5;

/// Whoever puts an item again does so because it was not told that the first put was done: after a
/// restart, or when its connection broke. An hour leaves room for a repair.
pub(crate) const ONCE_DEFAULT: Duration = Duration::from_secs(60 * 60);

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            ack: AckMode::Auto,
            maxsize: 0,
            maxbytes: 0,
            attempts: ATTEMPTS_DEFAULT,
            lease: None,
            once: ONCE_DEFAULT,
            expire: None,
            order: Order::Fifo,
            more: String::new(),
        }
    }
}
