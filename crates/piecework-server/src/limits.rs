//! Every limit of the server: its default, the reason for it, and what happens at it.

use std::time::Duration;

/// Connections that wait to be accepted. CPython's own is 16 up to Python 3.12, and of 256
/// workers that start together half are refused there.
pub const LISTEN_BACKLOG: i32 = 4_096;

/// How long closing a refused connection waits for its peer to read the refusal.
pub const LINGER: Duration = Duration::from_secs(1);

/// How long a server that stops still answers the clients it has. A master shuts its manager down
/// with the last result in hand, while the worker that put it asks whether there is more; CPython's
/// own server lives on for about as long, as it takes 44 ms to be told.
pub const LAST_CALLS: Duration = Duration::from_millis(100);

/// Silence after which the kernel asks whether the peer is still there, how often it asks again,
/// and how many unanswered questions end the connection: 15 + 3 * 5 = 30 seconds.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
/// See [`KEEPALIVE_IDLE`].
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// See [`KEEPALIVE_IDLE`].
pub const KEEPALIVE_RETRIES: u32 = 3;

/// How long sent bytes may stay unacknowledged before the connection ends: a host that vanishes
/// while a reply is on its way is noticed as soon as one that vanishes in silence.
pub const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Free space in the read buffer before each read: a small request needs one read, and a
/// connection that only ever makes small requests holds no more than this.
pub const READ_BYTES: usize = 4 * 1024;

/// Bytes of further requests that a pipelining client may have in the manager while one of its
/// calls waits; beyond, they wait in the kernel.
pub const PIPELINE_BYTES_MAX: usize = 1 << 20;

/// The longest message over the limit that is passed over, so that its sender gets an error and can
/// go on; a client that announces more is not taken for one, and its connection closed.
pub const PASSED_OVER_BYTES_MAX: u64 = 1 << 40;

/// How much of a message that is passed over is read at a time.
pub const PASSED_OVER_READ_BYTES: usize = 64 * 1024;

/// Replies up to this size are copied into one buffer and written by one call; larger payloads
/// are written from where they are.
pub const COPY_BYTES_MAX: usize = 16 * 1024;

/// The items that one `put_many`, `get_many` or `lease` may name.
pub const MANY_MAX: usize = 100_000;

/// The longest name of a queue, of a typeid that makes one, and of a client's thread.
pub const NAME_BYTES_MAX: usize = 200;

/// The longest note of `progress()`.
pub const NOTE_BYTES_MAX: usize = 1_000;

/// The longest payload that is compared with a stop mark.
pub const STOP_BYTES_MAX: usize = 256;

/// Typeids that clients of an open manager can register. At it: an unknown typeid is refused.
pub const OPEN_TYPEIDS_MAX: usize = 10_000;

/// What is reserved at once for a frame that has been announced: more follows as it comes, for the
/// announcement may be all that ever comes.
pub const RESERVE_BYTES_MAX: usize = 1 << 20;

/// A reply buffer that has grown beyond this is let go once it is written.
pub const OUT_BYTES_KEPT: usize = 64 * 1024;

/// The limits that can be set.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one message. At it: the message is passed over, and its sender gets a `ValueError`;
    /// before `accept_connection`, the connection is closed.
    pub frame_bytes_max: usize,
    /// From accept to the end of the first request. At it: the connection is closed.
    pub handshake_max: Duration,
    /// Connections at once. At it: new ones wait in the kernel until one ends.
    pub connections_max: usize,
    /// Connections that have not made their first request. At it: the oldest of them is closed.
    pub unauthenticated_max: usize,
    /// Payload bytes in all queues together. At it: a put raises `queue.Full`.
    pub payload_bytes_max: u64,
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
            // All that fits; the machine's memory is the real bound until storage sets one.
            payload_bytes_max: u64::MAX,
        }
    }
}
