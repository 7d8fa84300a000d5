//! What goes wrong: with a call, where each variant says which Python exception it becomes, and
//! with what is read back.

use crate::{ItemId, ObjectId, QueueId};
use bytes::Bytes;

/// Why a call failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// `queue.Empty`: nothing was ready in time.
    #[error("queue is empty")]
    Empty,
    /// `queue.Full`: `maxsize` items are ready, and none was taken in time.
    #[error("queue is full")]
    Full,
    /// `queue.Full`: the manager as a whole holds as many bytes as it may.
    #[error(
        "the manager holds {bytes} bytes of payload, its bound is {bytes_max}; \
         hint: let workers drain the queues, or raise --memory"
    )]
    FullBytes {
        /// What it holds.
        bytes: u64,
        /// What it may hold.
        bytes_max: u64,
    },
    /// `queue.Full`: the manager as a whole holds as many items as it may.
    #[error(
        "the manager holds {items} items, its bound is {items_max}; \
         hint: let workers drain the queues, or raise --limit items"
    )]
    FullItems {
        /// How many it holds.
        items: usize,
        /// How many it may hold.
        items_max: usize,
    },
    /// `queue.Full`: there is no room to keep it in.
    #[error(
        "the manager's disk is full; gets and acks go on, and so do puts once there is room; \
         hint: let workers drain the queues, or free some of that disk"
    )]
    FullDisk,
    /// `queue.ShutDown`: somebody called `shutdown()` on the queue.
    #[error("queue is shut down")]
    ShutDown,
    /// `ValueError`: as Python says it.
    #[error("task_done() called too many times")]
    DoneTooOften,
    /// `ValueError`: more items in one put than the queue may ever hold.
    #[error("put_many of {items} items can never fit queue '{queue}' with maxsize={maxsize}")]
    NeverFits {
        /// In one put.
        items: usize,
        /// Which queue.
        queue: String,
        /// Its bound.
        maxsize: usize,
    },
    /// `ValueError`: more bytes in one put than the queue may ever hold.
    #[error("a put of {bytes} bytes can never fit queue '{queue}' with maxbytes={maxbytes}")]
    NeverFitsBytes {
        /// In one put.
        bytes: u64,
        /// Which queue.
        queue: String,
        /// Its bound.
        maxbytes: u64,
    },
    /// `ValueError`: the method speaks of a lease, and there is none.
    #[error(
        "{method}(): this session holds no item of queue '{queue}'; \
         hint: it speaks of the oldest item got here over the same connection and not yet settled"
    )]
    NothingHeld {
        /// Which method.
        method: &'static str,
        /// Which queue.
        queue: String,
    },
    /// `LookupError`: the lease ran out, was settled, or never was this session's.
    #[error("item {item} of queue '{queue}' is not leased to this session (settled, or run out)")]
    NotLeased {
        /// Which item.
        item: ItemId,
        /// Which queue.
        queue: String,
    },
    /// `LookupError`: the item is not there, or not dead.
    #[error("item {item} of queue '{queue}' is not dead")]
    NotDead {
        /// Which item.
        item: ItemId,
        /// Which queue.
        queue: String,
    },
    /// `RuntimeError`: the session holds as many unsettled items as it may.
    #[error(
        "this session holds {leases} items of queue '{queue}' and settled none of them; \
         hint: answer or ack them, or register the queue with ack=none"
    )]
    LeasesMax {
        /// How many it holds.
        leases: usize,
        /// Which queue.
        queue: String,
    },
    /// `RuntimeError`: there are as many of something as there may be.
    #[error("there are {max} {what} already, and that is the limit; hint: release some")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// `RuntimeError`: as many keys of `put_once()` are remembered as may be.
    #[error(
        "the manager remembers {max} keys of put_once(), its bound; \
         hint: a shorter once= for the queue, or a greater --limit keys"
    )]
    KeysMax {
        /// How many may be.
        max: usize,
    },
    /// `RuntimeError`: somebody releases a lock that he does not have, or that nobody has.
    #[error("{}", if *.reentrant { "cannot release un-acquired lock" } else { "release unlocked lock" })]
    NotHeld {
        /// Whether only its owner may release it.
        reentrant: bool,
    },
    /// `RuntimeError`: `wait()` or `notify()` of a condition whose lock the caller does not have.
    #[error("cannot {what} un-acquired lock")]
    UnAcquired {
        /// What he tried.
        what: &'static str,
    },
    /// `RuntimeError`: `fence()` of a lock that nobody holds.
    #[error("fence(): nobody holds the lock; hint: acquire it first")]
    NotLocked,
    /// `ValueError`: as Python says it.
    #[error("Semaphore released too many times")]
    ReleasedTooOften,
    /// `threading.BrokenBarrierError`: as Python has it, without a word.
    #[error("the barrier is broken")]
    BrokenBarrier,
    /// An exception of Python's, in its words.
    #[error("{message}")]
    Raised {
        /// Its class, one of the builtins.
        class: &'static str,
        /// What it says.
        message: String,
    },
    /// `KeyError`: a dict has no such key.
    #[error("no such key")]
    KeyMissing {
        /// The key.
        key: Bytes,
    },
    /// `ValueError`: a list does not have this value.
    #[error("not in list")]
    NotInList {
        /// The value.
        value: Bytes,
    },
    /// `AttributeError`: the ident says that this is another kind of object.
    #[error("a {kind} has no such method")]
    NoMethod {
        /// What it is.
        kind: &'static str,
    },
    /// `KeyError`: an object that ended when its last reference went.
    #[error("no object '{ident}': it ended when its last reference went, or never was")]
    NoObject {
        /// As the client said it.
        ident: String,
    },
}

/// A record that does not follow from those before it: some are missing, or were changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is about a queue that no record has made.
    #[error("a record speaks of queue {0}, which no earlier one has made")]
    UnknownQueue(QueueId),
    /// It is about an item that is not there.
    #[error("a record speaks of item {1} of queue {0}, which is not there")]
    UnknownItem(QueueId, ItemId),
    /// It is about an object that no record has made.
    #[error("a record speaks of object {0}, which no earlier one has made")]
    UnknownObject(ObjectId),
    /// It says what was done, where what is kept is wanted.
    #[error("a record among those of what is kept says what was done")]
    NotKept,
    /// It puts an item that is there already.
    #[error("a record puts item {1} into queue {0}, which has it already")]
    ItemTwice(QueueId, ItemId),
}
