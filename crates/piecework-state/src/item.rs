//! One item, and how its attempts ended.
//!
//! ```text
//!              put                     get                     ack
//!  client ───────────▶ ready ─────────────────────▶ leased ───────────▶ gone
//!         put(delay)    ▲  ▲                          │  │
//!  client ─▶ delayed ───┘  └──── nack, session lost, ─┘  └─ attempts used up ─▶ dead
//!                                lease run out
//! ```
//!
//! The state of an item is the set of its queue that holds it (`queue.rs`), so an item can be in
//! no two states, and what only one state needs (who leased it, until when) lives in that set.

use crate::{ItemId, Place, QueueId, SessionId, Time};
use bytes::Bytes;

/// What was put, with what the manager knows of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// Its identity.
    pub id: ItemId,
    /// Where it stands in its queue.
    pub place: Place,
    /// The bytes that were put; the state never looks inside.
    pub payload: Bytes,
    /// Whether it is a stop mark: acked by its delivery in every mode but explicit.
    pub stop: bool,
    /// The queue that its answer is for; once that has ended, the item is dropped instead of
    /// handed out or kept.
    pub reply_to: Option<QueueId>,
    /// When it was put.
    pub put_at: Time,
    /// How many attempts failed and counted.
    pub attempts: u32,
    /// How the attempts ended, counted or not, oldest first; most items never have any.
    pub history: Option<Box<Vec<Attempt>>>,
}

impl Item {
    /// The attempts that an item remembers; older ones are forgotten. With `attempts=0` an item
    /// may fail for ever, and its memory must not grow with it.
    pub const HISTORY_MAX: usize = 100;

    /// Remembers how an attempt ended, and counts it if it counts.
    pub(crate) fn remember(&mut self, attempt: Attempt) {
        self.attempts = self.attempts.saturating_add(u32::from(attempt.counted));
        let history = self.history.get_or_insert_default();
        if history.len() == Self::HISTORY_MAX {
            history.remove(0);
        }
        history.push(attempt);
    }
}

/// One delivery of an item that did not end in an ack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// To whom it was delivered.
    pub session: SessionId,
    /// When it was delivered.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
    /// How it ended.
    pub how: Ended,
    /// Whether it counts towards `attempts=N`.
    pub counted: bool,
}

/// How a delivery ended other than well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The session said so: `nack()`.
    Nacked,
    /// The session handed it back unharmed.
    Released,
    /// The session's process died.
    Lost,
    /// The session ended in good order, but without an answer.
    Unanswered,
    /// The lease ran out.
    RunOut,
    /// The reply that carried it could not be written.
    Unsent,
}
