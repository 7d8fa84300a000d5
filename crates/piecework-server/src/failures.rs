//! Failed authentications by address: counted, and answered the later the more there are.

use piecework_state::Time;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Failures that are answered at once: somebody mistypes a key, or starts workers with an old one.
const FREE: u32 = 3;

/// How long the first slow answer takes; it doubles with each further failure.
const DELAY_MIN: Duration = Duration::from_millis(100);

/// How long an answer takes at most. One address can try some 700 keys an hour.
const DELAY_MAX: Duration = Duration::from_secs(5);

/// After this long without a failure an address begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// Addresses that are remembered; whoever has more than these to come from is not slowed down by
/// any count of one.
const ADDRESSES_MAX: usize = 10_000;

/// Who failed how often, and when last.
#[derive(Debug, Default)]
pub(crate) struct Failures(HashMap<IpAddr, (u32, Time)>);

impl Failures {
    /// Counts a failure; gives back how many there have been, and how long its answer takes.
    pub(crate) fn count(&mut self, now: Time, address: IpAddr) -> (u32, Duration) {
        let old = |last: Time| now.since(last) >= FORGOTTEN_AFTER;
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&address) {
            self.0.retain(|_, (_, last)| !old(*last));
            if self.0.len() >= ADDRESSES_MAX {
                self.0.clear();
            }
        }
        let (count, last) = self.0.entry(address).or_insert((0, now));
        *count = if old(*last) { 1 } else { count.saturating_add(1) };
        *last = now;
        (*count, delay(*count))
    }
}

fn delay(count: u32) -> Duration {
    match count.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doubled) => {
            DELAY_MIN.saturating_mul(1_u32.checked_shl(doubled).unwrap_or(u32::MAX)).min(DELAY_MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_slow_down_per_address_and_recover() {
        let (a, b) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let mut failures = Failures::default();
        let now = Time::from_secs(1_000);
        let delays: Vec<_> = (0..12).map(|_| failures.count(now, a).1.as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(failures.count(now, b), (1, Duration::ZERO));
        assert_eq!(failures.count(now + FORGOTTEN_AFTER, a), (1, Duration::ZERO));
    }

    #[test]
    fn no_more_addresses_are_remembered_than_the_limit() {
        let mut failures = Failures::default();
        for number in 0..2 * ADDRESSES_MAX as u32 {
            failures.count(Time::from_secs(1), IpAddr::from(number.to_be_bytes()));
        }
        assert!(failures.0.len() <= ADDRESSES_MAX);
    }
}
