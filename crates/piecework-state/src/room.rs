//! Room: what bounds a queue, and what bounds the manager.
//!
//! A queue that is full makes putters wait, as in Python; a manager that is full refuses at once,
//! for nobody could say how long the wait would be. A put that acks is refused by no bound in
//! bytes, nor by the manager's: it frees what others wait for.

use crate::error::StateError;
use crate::queue::Queue;
use crate::session::Put;
use crate::state::State;
use crate::{AckMode, Body, Item, QueueId};

impl State {
    /// Whether the queue has a bound, so that a put may wait there.
    pub fn is_bounded(&self, queue: QueueId) -> bool {
        let bounds = |at: &Queue| at.options.maxsize > 0 || at.options.maxbytes > 0;
        self.queues.get(&queue).is_some_and(bounds)
    }

    /// Why the manager has no room for a put.
    pub(crate) fn refuse_full(&self, put: &Put) -> Result<(), StateError> {
        let bytes = put.bytes();
        if self.bytes + bytes > self.limits.bytes {
            return Err(StateError::FullBytes { bytes: self.bytes, bytes_max: self.limits.bytes });
        }
        let items_max = self.limits.items;
        if self.items + put.payloads.len() > items_max {
            return Err(StateError::FullItems { items: self.items, items_max });
        }
        if bytes > self.room {
            return Err(StateError::FullDisk);
        }
        Ok(())
    }

    /// An item is in the queue from now on.
    pub(crate) fn count_in(&mut self, queue: QueueId, item: &Item) {
        let bytes = item.payload.len();
        self.bytes += bytes;
        self.resident += item.payload.resident();
        self.items += 1;
        if let Some(at) = self.queues.get_mut(&queue) {
            at.bytes += bytes;
        }
    }

    /// An item is in the queue no more; gives back the queue, if that is there still.
    pub(crate) fn count_out(&mut self, queue: QueueId, item: &Item) -> Option<&mut Queue> {
        let bytes = item.payload.len();
        self.bytes -= bytes;
        self.resident -= item.payload.resident();
        self.items -= 1;
        let at = self.queues.get_mut(&queue)?;
        at.bytes -= bytes;
        Some(at)
    }
}

/// Payloads that are no longer than what stands for them are not let go of.
const AWAY_BYTES_MIN: u64 = 64;

impl State {
    /// What to hold of an item that is kept, and that nobody has got yet: where there is more in
    /// memory than there may be, its bytes are let go of, and fetched when its turn comes.
    pub(crate) fn let_go(&self, queue: QueueId, item: &Item) -> Item {
        let over = self.resident + item.payload.resident() > self.limits.resident;
        // What is acked by its delivery is best at hand.
        let kept = |at: &Queue| at.is_kept() && at.options.ack != AckMode::None;
        let may_go = item.payload.len() > AWAY_BYTES_MIN && !item.stop;
        if over && may_go && self.queues.get(&queue).is_some_and(kept) {
            return Item { payload: Body::Away(item.payload.len()), ..item.clone() };
        }
        item.clone()
    }
}

impl Put {
    /// The bytes of its payloads.
    pub(crate) fn bytes(&self) -> u64 {
        self.payloads.iter().map(|payload| payload.bytes.len() as u64).sum()
    }
}

impl Queue {
    /// Whether there is room for a put.
    pub(crate) fn has_room_for(&self, put: &Put) -> bool {
        let maxbytes = self.options.maxbytes;
        self.has_room(put.payloads.len())
            && (maxbytes == 0 || put.acks || self.ready.bytes() + put.bytes() <= maxbytes)
    }

    /// Whether a put must not overtake those who wait: where they may wait for bytes only, one that
    /// acks may.
    pub(crate) fn has_line_for(&self, put: &Put) -> bool {
        let overtakes = put.acks && self.options.maxbytes > 0;
        !overtakes && !self.putters.is_empty()
    }

    /// Python's `full()`.
    pub(crate) fn is_full(&self) -> bool {
        let maxbytes = self.options.maxbytes;
        !self.has_room(1) || (maxbytes > 0 && self.ready.bytes() >= maxbytes)
    }

    /// Why there will never be room for a put.
    pub(crate) fn refuse_huge(&self, put: &Put) -> Result<(), StateError> {
        let (maxsize, maxbytes) = (self.options.maxsize, self.options.maxbytes);
        if maxsize > 0 && put.payloads.len() > maxsize {
            let (items, queue) = (put.payloads.len(), self.name.clone());
            return Err(StateError::NeverFits { items, queue, maxsize });
        }
        if maxbytes > 0 && !put.acks && put.bytes() > maxbytes {
            let bytes = put.bytes();
            return Err(StateError::NeverFitsBytes { bytes, queue: self.name.clone(), maxbytes });
        }
        Ok(())
    }
}
