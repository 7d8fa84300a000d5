//! How long a failed item waits for its next attempt.

use crate::ItemId;
use std::time::Duration;

/// The wait after the second failed attempt; it doubles with each further one.
pub const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// The longest wait: a queue whose workers are repaired is at full speed within a minute.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// The wait before the next attempt of an item that has failed `attempts` times.
///
/// The first redelivery is at once: most first failures are of the worker, not of the task. The
/// jitter of up to a quarter keeps a thousand items that failed together from coming back
/// together; it is derived from the item, not random, so that a replay gives the same times.
///
/// ```
/// use piecework_state::{ItemId, retry};
/// use std::time::Duration;
///
/// assert_eq!(retry::backoff(ItemId(7), 1), Duration::ZERO);
/// assert!(retry::backoff(ItemId(7), 2) >= Duration::from_secs(1));
/// assert!(retry::backoff(ItemId(7), 99) <= Duration::from_secs(60));
/// ```
pub fn backoff(item: ItemId, attempts: u32) -> Duration {
    if attempts < 2 {
        return Duration::ZERO;
    }
    let doubled = BACKOFF_MIN.saturating_mul(1u32.checked_shl(attempts - 2).unwrap_or(u32::MAX));
    let jitter = doubled / 4 * jitter_per_mille(item, attempts) / 1000;
    (doubled + jitter).min(BACKOFF_MAX)
}

/// A number below 1,000 that two items rarely share (Fibonacci hashing).
fn jitter_per_mille(item: ItemId, attempts: u32) -> u32 {
    let mixed = (item.0 ^ (u64::from(attempts) << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    u32::try_from((mixed >> 32) % 1000).expect("a remainder of 1,000 fits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let waits: Vec<_> = (1..40).map(|n| backoff(ItemId(1), n)).collect();
        assert_eq!(waits[0], Duration::ZERO);
        assert!(waits[1] >= BACKOFF_MIN && waits[1] <= BACKOFF_MIN * 5 / 4);
        assert!(waits.windows(2).all(|w| w[0] <= w[1]), "{waits:?}");
        assert_eq!(*waits.last().unwrap(), BACKOFF_MAX);
    }

    #[test]
    fn items_that_failed_together_come_back_apart() {
        let mut waits: Vec<_> = (0..100).map(|id| backoff(ItemId(id), 3)).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 80, "only {} different waits of 100", waits.len());
    }
}
