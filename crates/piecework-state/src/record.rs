//! The decisions that an engine keeps: what cannot be derived from anything else.
//!
//! A lease is not a decision to keep: after a restart whatever was leased is ready again, in its
//! old place. Each record is whole or not at all, so a put that answers a lease is one record.

use crate::{Item, ItemId, Place, QueueId, Time};
use smallvec::SmallVec;

/// One decision.
#[derive(Clone, Debug)]
pub enum Record {
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
    /// A lease did not end well; the item is ready again at `due`, or now.
    Returned {
        /// Where.
        queue: QueueId,
        /// What.
        item: ItemId,
        /// How many attempts have counted by now.
        attempts: u32,
        /// When it becomes ready, if not at once.
        due: Option<Time>,
    },
    /// An item was handed back to the end of its queue.
    HandedBack(QueueId, ItemId, Place),
    /// An item has used up its attempts.
    Died(QueueId, ItemId),
    /// Everything ready or delayed was dropped.
    Purged(QueueId),
    /// These items were dropped: nobody wants their answers any more.
    Dropped(QueueId, Vec<ItemId>),
}
