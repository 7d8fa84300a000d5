//! How much the state holds, for all and for one: what is beyond is refused with an error.

/// The limits of a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Payload bytes in all queues together. At it: a put fails, unless it answers an item.
    pub bytes: u64,
    /// Payload bytes that are held in memory. At it: what is put is kept by the engine alone until
    /// somebody gets it, where an engine keeps it.
    pub resident: u64,
    /// Items in all queues together. At it: a put fails, unless it answers an item.
    pub items: usize,
    /// Items that one session holds unsettled. At it: its next get fails.
    pub leases: usize,
    /// Handles that one session uses. At it: a call with one more fails.
    pub handles: usize,
    /// Handles given out on named queues that are remembered before their first use. At it: they
    /// are given out all the same, and are as good as new when they are used.
    pub unused: usize,
    /// Keys of `put_once()` that are remembered. At it: the next one fails.
    pub keys: usize,
    /// Anonymous queues. At it: no more are made.
    pub anonymous: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // All that fits; the machine's memory is the real bound until storage sets one.
            bytes: u64::MAX,
            // Little on a machine that serves thousands of workers, and a long backlog of short
            // items. It is a bound only where there is an engine to fetch them from.
            resident: 1 << 30,
            items: usize::MAX,
            // A worker holds as many as it works at; more are held by one that never answers.
            leases: 1_000,
            // A program with more proxies in one thread has lost count of them.
            handles: 10_000,
            // Some two hundred bytes each; a client uses each of its handles soon.
            unused: 1_000_000,
            // Some two hundred bytes each; three hundred puts a second for the hour that is usual.
            keys: 1_000_000,
            // Each takes some hundred bytes; clients that were killed leave theirs behind.
            anonymous: 100_000,
        }
    }
}
