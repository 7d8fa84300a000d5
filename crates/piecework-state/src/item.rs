//! One item, and how its attempts ended.
//!
//! ```text
//!              put                     get                     ack
//!  client ───────────▶ ready ─────────────────────▶ leased ───────────▶ gone
//!         put(delay)    ▲  ▲                          │  │
//!  client ─▶ delayed ───┘  └──── nack, session lost, ─┘  └─ attempts used up ─▶ dead
//!                                lease run out                                  │
//!                ▲──────────────────────── revive ────────────────────────────────┘
//! ```
//!
//! The state of an item is the set of its queue that holds it (`queue.rs`), so an item can be in
//! no two states, and what only one state needs (who leased it, until when) lives in that set.

use crate::{Body, ItemId, Place, QueueId, SessionId, Time};
use bytes::Bytes;
use std::sync::Arc;

/// What was put, with what the manager knows of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// Its identity.
    pub id: ItemId,
    /// Where it stands in its queue.
    pub place: Place,
    /// What was put.
    pub payload: Body,
    /// Whether it is a stop mark: acked by its delivery in every mode but explicit.
    pub stop: bool,
    /// The queue that its answer is for; once that has ended, the item is dropped instead of
    /// handed out or kept.
    pub reply_to: Option<QueueId>,
    /// When it was put.
    pub put_at: Time,
    /// How many attempts failed and counted.
    pub attempts: u32,
    /// What most items never have.
    pub rare: Option<Box<Rare>>,
}

/// What few items have: behind a pointer of its own, as items are held by the million.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rare {
    /// How the attempts ended, counted or not, oldest first.
    pub history: Vec<Attempt>,
    /// Since when it is ready, where that is not since it was put.
    pub ready_at: Time,
    /// Where its value orders it in a queue that goes by priority: the lower, the sooner it is got.
    pub order: Bytes,
}

impl Item {
    /// The attempts that an item remembers; older ones are forgotten. With `attempts=0` an item
    /// may fail for ever, and its memory must not grow with it.
    pub const HISTORY_MAX: usize = 100;

    /// How the attempts ended, counted or not, oldest first.
    pub fn history(&self) -> &[Attempt] {
        self.rare.as_deref().map_or(&[], |rare| &rare.history)
    }

    /// Since when it is ready, if it is.
    pub fn ready_at(&self) -> Time {
        self.rare.as_deref().map_or(self.put_at, |rare| self.put_at.max(rare.ready_at))
    }

    /// Where its value orders it.
    pub(crate) fn order(&self) -> &Bytes {
        static NOWHERE: Bytes = Bytes::new();
        self.rare.as_deref().map_or(&NOWHERE, |rare| &rare.order)
    }

    /// It has become ready.
    pub(crate) fn ready_again(&mut self, now: Time) {
        if now > self.ready_at() {
            self.rare.get_or_insert_default().ready_at = now;
        }
    }

    /// Remembers how an attempt ended, and counts it if it counts.
    pub(crate) fn remember(&mut self, attempt: Attempt) {
        self.payload.stand_apart();
        self.attempts = self.attempts.saturating_add(u32::from(attempt.counted));
        let rare = self.rare.get_or_insert_default();
        rare.ready_at = attempt.ended;
        let history = &mut rare.history;
        if history.len() == Self::HISTORY_MAX {
            history.remove(0);
        }
        history.push(attempt);
    }
}

/// One delivery of an item that did not end in an ack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// To whom it was delivered.
    pub session: SessionId,
    /// What that one called itself.
    pub name: Arc<str>,
    /// Where it connected from.
    pub address: Arc<str>,
    /// When it was delivered.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
    /// How it ended.
    pub how: Ended,
    /// Whether it counts towards `attempts=N`.
    pub counted: bool,
}

impl Attempt {
    /// The bytes of a name or an address that an attempt remembers; the rest is cut off. A hundred
    /// attempts of each dead item remember them, and clients choose their names.
    pub const WHO_BYTES_MAX: usize = 100;

    /// A name or an address as far as an attempt remembers it.
    pub(crate) fn brief(text: &Arc<str>) -> Arc<str> {
        if text.len() <= Self::WHO_BYTES_MAX {
            return Arc::clone(text);
        }
        let ends = (0..=Self::WHO_BYTES_MAX).rev().find_map(|end| text.get(..end));
        ends.unwrap_or_default().into()
    }
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
