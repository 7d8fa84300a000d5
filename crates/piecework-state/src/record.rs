//! The decisions that an engine keeps: what cannot be derived from anything else.
//!
//! A lease is not a decision to keep: after a restart whatever was leased is ready again, in its
//! old place. Each record is whole or not at all, so a put that answers a lease is one record.
//!
//! Only named queues are kept. Whoever refers to an anonymous one, or to one of the queues that
//! [`State::register_passing`](crate::State::register_passing) makes, does so through a manager
//! that runs: with the manager the last of them is gone, and so are the queue and what is in it.
//!
//! An object that is kept is rows: what a call changed is kept, and not the call, so that whoever
//! reads it back has nothing to run.

mod bytes;

pub use bytes::DecodeError;

use crate::{Attempt, Item, ItemId, Kind, ObjectId, Place, QueueId, QueueOptions, Row, Time};
use smallvec::SmallVec;
use std::sync::Arc;

/// One decision. [`Replay`](crate::Replay) says what each of them means.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A queue has these options from now on; the first such record makes it.
    Queue {
        /// Its identity, under which the other records know it.
        queue: QueueId,
        /// Its name.
        name: String,
        /// Its options.
        options: QueueOptions,
    },
    /// Items were put, and the leases that they answer are settled.
    Put {
        /// Where to.
        queue: QueueId,
        /// What.
        items: SmallVec<[Item; 1]>,
        /// When they become ready, if not at once.
        due: Option<Time>,
        /// What they answer.
        acked: SmallVec<[(QueueId, ItemId); 1]>,
    },
    /// A lease ended well; the item is gone.
    Acked(QueueId, ItemId),
    /// A lease did not end well; the item is ready again at `due`, or now, in its old place.
    Returned {
        /// Where.
        queue: QueueId,
        /// What.
        item: ItemId,
        /// How the lease ended.
        attempt: Attempt,
        /// When it becomes ready, if not at once.
        due: Option<Time>,
    },
    /// An item is ready in this place since then: its delay is over, or it was handed back.
    Ready(QueueId, ItemId, Place, Time),
    /// An item has used up its attempts.
    Died {
        /// Where.
        queue: QueueId,
        /// What.
        item: ItemId,
        /// How the last of them ended.
        attempt: Attempt,
    },
    /// A dead item is ready again since then, in its old place, as if it had never been tried.
    Revived(QueueId, ItemId, Time),
    /// Everything ready or delayed was dropped.
    Purged {
        /// Where.
        queue: QueueId,
        /// What was leased, and so is still there; in ascending order.
        spared: Vec<ItemId>,
    },
    /// An item was put under this key, which is remembered until then.
    Key {
        /// Where.
        queue: QueueId,
        /// The key.
        key: Arc<str>,
        /// Until when.
        until: Time,
    },
    /// The keys that were remembered until this time, or an earlier one, are forgotten.
    Forgotten(QueueId, Time),
    /// An item as it stands: what is left of all the records that spoke of it. An engine that
    /// keeps items rather than records gives back these.
    Item {
        /// Where.
        queue: QueueId,
        /// What.
        item: Item,
        /// In which state.
        standing: Standing,
    },
    /// Numbers below this one have been given to items, places or queues.
    Numbered(u64),
    /// An object with a name is kept from now on, and nothing is in it yet.
    Object {
        /// Its identity, under which the other records know it.
        object: ObjectId,
        /// Its name.
        name: String,
        /// What it is: a container, or a value.
        kind: Kind,
    },
    /// An object has these rows, new ones or others than before in their places.
    Rows {
        /// Which.
        object: ObjectId,
        /// What.
        rows: Vec<Row>,
    },
    /// An object has no rows in these places any more.
    RowsGone(ObjectId, Vec<u64>),
    /// An object has no rows any more.
    Emptied(ObjectId),
}

/// The states of an item that are kept; one that is leased is kept as ready.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It can be got.
    Ready,
    /// It becomes ready at this time.
    Delayed(Time),
    /// It has used up its attempts.
    Dead,
}

impl Record {
    /// The items that it brings.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Put { items, .. } => items,
            Self::Item { item, .. } => std::slice::from_ref(item),
            _ => &[],
        }
    }

    /// Bytes of payload that it brings.
    pub fn bytes(&self) -> u64 {
        let rows = match self {
            Self::Rows { rows, .. } => rows.iter().map(Row::bytes).sum(),
            _ => 0,
        };
        self.items().iter().map(|item| item.payload.len()).sum::<u64>() + rows
    }

    /// How many bytes it takes when it is kept, about, and rather too many.
    pub fn size(&self) -> u64 {
        let attempt = |attempt: &Attempt| 64 + attempt.name.len() + attempt.address.len();
        let item = |item: &Item| {
            let order = item.rare.as_deref().map_or(0, |rare| rare.order.len());
            64 + order + item.history().iter().map(attempt).sum::<usize>()
        };
        let more = match self {
            Self::Queue { name, options, .. } => 128 + name.len() + options.more.len(),
            Self::Put { items, acked, .. } => {
                items.iter().map(item).sum::<usize>() + 24 * acked.len()
            }
            Self::Returned { attempt: ended, .. } | Self::Died { attempt: ended, .. } => {
                attempt(ended)
            }
            Self::Purged { spared, .. } => 12 * spared.len(),
            Self::Key { key, .. } => key.len(),
            Self::Item { item: one, .. } => item(one),
            Self::Object { name, .. } => name.len(),
            Self::Rows { rows, .. } => rows.iter().map(Row::beside).sum(),
            Self::RowsGone(_, places) => 12 * places.len(),
            Self::Acked(..)
            | Self::Ready(..)
            | Self::Revived(..)
            | Self::Forgotten(..)
            | Self::Emptied(_)
            | Self::Numbered(_) => 0,
        };
        self.bytes() + more as u64 + 48
    }

    /// The queue that it is about, if it is about one.
    pub fn queue(&self) -> Option<QueueId> {
        match self {
            Self::Queue { queue, .. }
            | Self::Put { queue, .. }
            | Self::Acked(queue, _)
            | Self::Returned { queue, .. }
            | Self::Ready(queue, ..)
            | Self::Died { queue, .. }
            | Self::Revived(queue, ..)
            | Self::Purged { queue, .. }
            | Self::Key { queue, .. }
            | Self::Forgotten(queue, _)
            | Self::Item { queue, .. } => Some(*queue),
            Self::Numbered(_)
            | Self::Object { .. }
            | Self::Rows { .. }
            | Self::RowsGone(..)
            | Self::Emptied(_) => None,
        }
    }
}

impl Standing {
    /// Where an item stands that becomes ready at `due`, or now.
    pub fn due(due: Option<Time>) -> Self {
        due.map_or(Self::Ready, Self::Delayed)
    }
}
