//! So many at once, and so many a second after that: for what strangers can cause at will.

use std::time::Duration;
use tokio::time::Instant;

/// What is left of an allowance, as the moment at which all that was spent is earned again.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// How long it takes to earn one.
    each: Duration,
    /// How long it takes to earn as many as may be spent at once.
    all: Duration,
    earned_at: Instant,
}

impl Allowance {
    pub(crate) fn new(at_once: u32, per_second: u32) -> Self {
        let each = Duration::from_secs(1) / per_second;
        Self { each, all: each * at_once, earned_at: Instant::now() }
    }

    /// Spends one, be it there or not.
    pub(crate) fn spend(&mut self, now: Instant) {
        self.earned_at = self.earned_at.max(now) + self.each;
    }

    /// Gives one back that was spent in vain.
    pub(crate) fn refund(&mut self) {
        // Before the clock began there was nothing to spend.
        self.earned_at = self.earned_at.checked_sub(self.each).unwrap_or(self.earned_at);
    }

    /// How long until there is one to spend; zero if there is.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        (self.earned_at + self.each).saturating_duration_since(now + self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_so_many_a_second() {
        let (mut allowance, start) = (Allowance::new(3, 10), Instant::now());
        for _ in 0..3 {
            assert_eq!(allowance.wait(start), Duration::ZERO);
            allowance.spend(start);
        }
        assert_eq!(allowance.wait(start), Duration::from_millis(100));
        let later = start + Duration::from_millis(100);
        assert_eq!(allowance.wait(later), Duration::ZERO);
        allowance.spend(later);
        allowance.spend(later);
        assert_eq!(allowance.wait(later), Duration::from_millis(200), "debts are paid first");
        allowance.refund();
        assert_eq!(allowance.wait(later), Duration::from_millis(100));
        let much_later = start + Duration::from_secs(60);
        assert_eq!(allowance.wait(much_later), Duration::ZERO);
        for _ in 0..3 {
            allowance.spend(much_later);
        }
        assert_eq!(allowance.wait(much_later), Duration::from_millis(100), "not more than three");
    }
}
