//! Every limit of the server: its default, the reason for it, and what happens at it.
//!
//! Those that bound what clients can take are [`Limits`] and can be set, by the names that
//! `settings.rs` gives them. The others are part of how the server works.

mod settings;

pub use settings::{SETTINGS, Setting, Unit};

use std::time::Duration;

/// Connections a second that may come in and show no key, and how many of them may do so in one
/// moment. Each costs some 50 us, so that at this pace they take 5 % of one core. At it: the
/// next connections wait in the kernel for their turn, behind those who came before them.
pub const STRANGERS_PER_SECOND: u32 = 1_000;
/// See [`STRANGERS_PER_SECOND`]: those who work should not notice them either.
pub const STRANGERS_AT_ONCE: u32 = 200;

/// Lines of the log a second about peers that are turned away, and how many may come at once. A
/// megabyte an hour is what they can write. At it: they are counted.
pub const COMPLAINTS_PER_SECOND: u32 = 1;
/// See [`COMPLAINTS_PER_SECOND`].
pub const COMPLAINTS_AT_ONCE: u32 = 20;

/// How long closing a refused connection waits for its peer to read the refusal.
pub const LINGER: Duration = Duration::from_secs(1);

/// How much later than its connection a process may be seen to end: the kernel closes what it had
/// open first, and announces its end some microseconds later.
pub const PROCESS_END_MAX: Duration = Duration::from_millis(500);

/// How long a server that stops still answers the clients it has. A master shuts its manager down
/// with the last result in hand, while the worker that put it asks whether there is more; CPython's
/// own server lives on for about as long, as it takes 44 ms to be told.
pub const LAST_CALLS: Duration = Duration::from_millis(100);

/// Free space in the read buffer before each read: many small requests, or a few larger ones, need
/// one read. The buffer is shared by all connections that have nothing to read.
pub const READ_BYTES: usize = 16 * 1024;

/// How much is read of what a process has said before it ended.
pub const LAST_WORDS_BYTES: usize = 4 * 1024;

/// A read buffer that has grown beyond this is let go, and not passed on to whoever reads next.
pub const SPARE_BYTES: usize = 64 * 1024;

/// The beginning of a request, of at most so many bytes, waits for the rest in a buffer of its own.
pub const BEGUN_BYTES_MAX: usize = 1024;

/// The longest message over the limit that is passed over, so that its sender gets an error and can
/// go on; a client that announces more is not taken for one, and its connection closed.
pub const PASSED_OVER_BYTES_MAX: u64 = 1 << 40;

/// How much of a message that is passed over is read at a time.
pub const PASSED_OVER_READ_BYTES: usize = 64 * 1024;

/// How often it is looked whether the process groups are there that refer to anonymous objects: a
/// system call for each of them.
pub const GROUPS_LOOK: Duration = Duration::from_secs(1);

/// Replies up to this size are copied into one buffer and written by one call; larger payloads
/// are written from where they are.
pub const COPY_BYTES_MAX: usize = 16 * 1024;

/// The items that one `put_many`, `get_many` or `lease` may name.
pub const MANY_MAX: usize = 100_000;

/// The items that one request may bring to a list or a set, or the entries to a dict.
pub const LIST_ITEMS_MAX: usize = 1_000_000;

/// The longest name of a queue, of a typeid that makes one, and of a client's thread.
pub const NAME_BYTES_MAX: usize = 200;

/// The longest key of `put_once()`.
pub const KEY_BYTES_MAX: usize = 200;

/// How much of what orders an item is kept: of longer values the rest orders nothing. Held for each
/// item of a queue that goes by priority.
pub const ORDER_BYTES_MAX: usize = 1_000;

/// The longest note of `progress()`.
pub const NOTE_BYTES_MAX: usize = 1_000;

/// The longest payload that is compared with a stop mark.
pub const STOP_BYTES_MAX: usize = 256;

/// What is reserved at once for a frame that has been announced: more follows as it comes, for the
/// announcement may be all that ever comes.
pub const RESERVE_BYTES_MAX: usize = 1 << 20;

/// A reply buffer that has grown beyond this is let go once it is written.
pub const OUT_BYTES_KEPT: usize = 64 * 1024;

/// The limits that can be set.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one message.
    pub frame_bytes_max: usize,
    /// From accept to the end of the first request.
    pub handshake_max: Duration,
    /// Connections at once.
    pub connections_max: usize,
    /// Connections that have not made their first request.
    pub unauthenticated_max: usize,
    /// Connections that wait to be accepted.
    pub backlog: i32,
    /// Failed authentications of one address that are answered at once.
    pub failures_free: u32,
    /// How long the answer to a failed authentication may be put off.
    pub failure_delay_max: Duration,
    /// Silence of a peer's host.
    pub silence_max: Duration,
    /// Bytes of further requests that a client may have here while one of its calls waits.
    pub pipeline_bytes_max: usize,
    /// Typeids, where clients can add some.
    pub typeids_max: usize,
    /// What the state holds.
    pub state: piecework_state::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Larger than any task description should be, small enough that one client cannot
            // take all of a machine's memory.
            frame_bytes_max: 1 << 30,
            // A worker on a loaded machine may take seconds between connect and first request.
            handshake_max: Duration::from_secs(20),
            // Three connections for each of a few thousand workers.
            connections_max: 20_000,
            // Several times the workers of a large site that start in one moment.
            unauthenticated_max: 2_000,
            // CPython's own is 16 up to Python 3.12, and of 256 workers that start together half are
            // refused there.
            backlog: 4_096,
            // Somebody mistypes a key, or starts workers with an old one.
            failures_free: 3,
            // Who waits for each answer tries some 700 keys an hour; who does not is held by the
            // pace of strangers.
            failure_delay_max: Duration::from_secs(5),
            // Its host is asked after half of that. Long enough for a switch that starts again.
            silence_max: Duration::from_secs(30),
            // Enough that no client that pipelines small calls ever waits for it.
            pipeline_bytes_max: 1 << 20,
            // A name each; a client that makes up more is not naming queues.
            typeids_max: 10_000,
            state: piecework_state::Limits::default(),
        }
    }
}

/// Descriptors for everything but connections: standard streams, the event loop, listeners, the
/// log, storage.
const OTHER_DESCRIPTORS: usize = 64;

impl Limits {
    /// The same, as far as so many descriptors allow it: beyond, nobody at all could come in, and
    /// strangers may have no more than half of them.
    #[must_use]
    pub(crate) fn within(self, descriptors: usize) -> Self {
        let room = descriptors.saturating_sub(OTHER_DESCRIPTORS).max(2);
        if room < self.connections_max {
            tracing::info!(
                "{descriptors} open files are allowed, so there may be {room} connections and not \
                 {}; hint: ulimit -n",
                self.connections_max
            );
        }
        Self {
            connections_max: self.connections_max.min(room),
            unauthenticated_max: self.unauthenticated_max.min(room / 2),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_half_of_the_descriptors_to_others() {
        let few = Limits::default().within(1_024);
        assert_eq!((few.connections_max, few.unauthenticated_max), (960, 480));
        let many = Limits::default().within(usize::MAX);
        assert_eq!((many.connections_max, many.unauthenticated_max), (20_000, 2_000));
        assert!(Limits::default().within(0).unauthenticated_max > 0);
    }
}
