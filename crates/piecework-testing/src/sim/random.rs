//! Chance that can be repeated: every stream of it follows from a seed and a number.

use std::time::Duration;

/// A stream of numbers. Each program, connection and part of the manager has its own, so that what
/// is left out of a life changes the others as little as can be.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        random.number();
        random
    }

    /// SplitMix64.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    pub(super) fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// True in so many cases of a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.index(of.len());
        *of.get(at).expect("an index below the length")
    }

    /// A time up to `most`, short ones more often than long ones.
    pub(super) fn time(&mut self, most: Duration) -> Duration {
        let most = most.as_micros() as u64 + 1;
        let shorter = most >> self.below(8);
        Duration::from_micros(self.below(shorter.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_repeated_and_two_streams_differ() {
        let numbers = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.number(), random.number(), random.number()]
        };
        assert_eq!(numbers(7, 1), numbers(7, 1));
        assert_ne!(numbers(7, 1), numbers(7, 2));
        assert_ne!(numbers(7, 1), numbers(8, 1));
    }

    #[test]
    fn times_keep_to_their_bound() {
        let mut random = Random::new(1, 1);
        let most = Duration::from_millis(3);
        assert!((0..1_000).all(|_| random.time(most) <= most));
    }
}
