//! The numbers that people look at.

use crate::{AckMode, SessionId, Time};
use std::time::Duration;

/// The counts of one queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueStats {
    /// Its name; for an anonymous queue, its typeid.
    pub name: String,
    /// Whether it lives only as long as somebody refers to it.
    pub anonymous: bool,
    /// Its ack mode.
    pub ack: AckMode,
    /// Items that can be got.
    pub ready: usize,
    /// Items that become ready at their time.
    pub delayed: usize,
    /// Items handed to a session and not settled.
    pub leased: usize,
    /// Items that have used up their attempts.
    pub dead: usize,
    /// Python's count of unfinished puts.
    pub unfinished: u64,
    /// Sessions that wait in a `get`.
    pub getters: usize,
    /// Sessions that wait in a `put`.
    pub putters: usize,
    /// Payload bytes held.
    pub bytes: u64,
    /// Items put so far.
    pub put_total: u64,
    /// Deliveries so far.
    pub got_total: u64,
    /// Leases that ended well so far.
    pub acked_total: u64,
    /// Leases that ended otherwise so far.
    pub returned_total: u64,
    /// Answers that came after their lease had run out.
    pub late_total: u64,
    /// Items dropped because nobody fetched them in time.
    pub expired_total: u64,
    /// Puts per second over the last ten seconds.
    pub put_rate: f64,
    /// Deliveries per second over the last ten seconds.
    pub got_rate: f64,
    /// How long the oldest ready item has been there.
    pub oldest_ready_age: Option<Duration>,
}

/// One session, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStats {
    /// Its identity.
    pub id: SessionId,
    /// The name that its client gave: `MainProcess`, `MainProcess|Thread-1`, `piecework/1 ...`.
    pub name: String,
    /// Where it connects from.
    pub address: String,
    /// The name of the key that it knows.
    pub key: String,
    /// What it says of itself.
    pub note: String,
    /// Since when.
    pub opened: Time,
    /// Items it holds.
    pub leases: usize,
    /// What it waits for: the queue and `get`, `put` or `join`.
    pub waits: Option<(String, &'static str)>,
}
