//! What a handle leads to: a queue, or another object.

use crate::{ObjectId, QueueId};

/// What a handle leads to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// A queue.
    Queue(QueueId),
    /// Something else.
    Object(ObjectId),
}

impl Target {
    /// The queue, if it is one.
    pub fn queue(self) -> Option<QueueId> {
        match self {
            Self::Queue(queue) => Some(queue),
            Self::Object(_) => None,
        }
    }
}
