//! Failed authentications by address: counted, and answered the later the more there are.

use crate::limits::Limits;
use piecework_net::Origin;
use piecework_state::Time;
use std::collections::HashMap;
use std::time::Duration;

/// How long the first slow answer takes; it doubles with each further failure.
const DELAY_MIN: Duration = Duration::from_millis(100);

/// After this long without a failure an address begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// Addresses that are remembered; whoever has more than these to come from is not slowed down by
/// any count of one.
const ADDRESSES_MAX: usize = 10_000;

/// Who failed how often, and when last.
#[derive(Debug)]
pub(crate) struct Failures {
    counts: HashMap<Origin, (u32, Time)>,
    /// Failures that are answered at once.
    free: u32,
    delay_max: Duration,
}

impl Failures {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (free, delay_max) = (limits.failures_free, limits.failure_delay_max);
        Self { counts: HashMap::new(), free, delay_max }
    }

    /// Counts a failure; gives back how many there have been, and how long its answer takes.
    pub(crate) fn count(&mut self, now: Time, address: Origin) -> (u32, Duration) {
        let old = |last: Time| now.since(last) >= FORGOTTEN_AFTER;
        if self.counts.len() >= ADDRESSES_MAX && !self.counts.contains_key(&address) {
            self.counts.retain(|_, (_, last)| !old(*last));
            if self.counts.len() >= ADDRESSES_MAX {
                self.counts.clear();
            }
        }
        let (count, last) = self.counts.entry(address).or_insert((0, now));
        *count = if old(*last) { 1 } else { count.saturating_add(1) };
        *last = now;
        let count = *count;
        (count, self.delay(count))
    }

    fn delay(&self, count: u32) -> Duration {
        match count.checked_sub(self.free.saturating_add(1)) {
            None => Duration::ZERO,
            Some(doubled) => {
                let times = 1_u32.checked_shl(doubled).unwrap_or(u32::MAX);
                DELAY_MIN.saturating_mul(times).min(self.delay_max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_slow_down_per_address_and_recover() {
        let (a, b) = (Origin::Host([10, 0, 0, 1].into()), Origin::User(1_000));
        let mut failures = Failures::new(&Limits::default());
        let now = Time::from_secs(1_000);
        let delays: Vec<_> = (0..12).map(|_| failures.count(now, a).1.as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(failures.count(now, b), (1, Duration::ZERO));
        assert_eq!(failures.count(now + FORGOTTEN_AFTER, a), (1, Duration::ZERO));
    }

    #[test]
    fn no_more_addresses_are_remembered_than_the_limit() {
        let mut failures = Failures::new(&Limits::default());
        for number in 0..2 * ADDRESSES_MAX as u32 {
            failures.count(Time::from_secs(1), Origin::User(number));
        }
        assert!(failures.counts.len() <= ADDRESSES_MAX);
    }
}
