//! The identities that cross module borders; no bare number does.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A queue, named or anonymous. Never given twice.
    QueueId
);
id!(
    /// An object that is no queue. Never given twice, to no queue either.
    ObjectId
);
id!(
    /// An item, for as long as it lives. Grows with every put; never given twice.
    ItemId
);
id!(
    /// Where an item stands in its queue: the lower, the sooner it is got. From the same counter
    /// as [`ItemId`], so an item that was never handed back stands where it was put.
    Place
);
id!(
    /// One authenticated connection that makes object calls.
    SessionId
);
id!(
    /// One reference-counted handle that a `create` gave out; the number in `task.17`.
    HandleId
);

/// A map from ids that come from our own counters only, so one multiplication spreads them.
pub(crate) type IdMap<K, V> =
    std::collections::HashMap<K, V, std::hash::BuildHasherDefault<IdHasher>>;

/// Fibonacci hashing of one `u64`.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl std::hash::Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("an id is one u64");
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
