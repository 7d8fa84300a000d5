//! `--timeout`: how long a command may take, in seconds or in percent of what the others took.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use piecework_server::measure;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// So many commands have to have ended before their median means something.
const ENDED_MIN: usize = 3;

/// The median is that of so many commands, the last ones: one in the middle more or less does not
/// move it, and a run that becomes slower as it goes on moves it as it should.
const ENDED_KEPT_MAX: usize = 4_001;

/// The argument of `--timeout`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Timeout {
    /// So long.
    Fixed(Duration),
    /// So many times the median: 2.0 for `200%`.
    OfMedian(f64),
}

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hint = || format!("{text} is no time; hint: 30s, 90, 1.5m, 2h, or 200% of the median");
        let Some(percent) = text.strip_suffix('%') else {
            return measure::duration(text).map(Self::Fixed).ok_or_else(hint);
        };
        let factor = percent.parse::<f64>().map_err(|_| hint())? / 100.0;
        let makes_sense = factor.is_finite() && factor > 0.0;
        makes_sense.then_some(Self::OfMedian(factor)).ok_or_else(hint)
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(limit) => write!(f, "{}s", limit.as_secs_f64()),
            Self::OfMedian(factor) => write!(f, "{}%", factor * 100.0),
        }
    }
}

/// The time that each command of a run has on this machine.
#[derive(Debug)]
pub(crate) struct Timeouts {
    timeout: Timeout,
    /// `None` while too few commands have ended.
    limit: watch::Sender<Option<Duration>>,
    durations: std::sync::Mutex<Durations>,
}

impl Timeouts {
    /// Prepares the time limits of a run.
    pub(crate) fn new(timeout: Timeout) -> Self {
        let limit = match timeout {
            Timeout::Fixed(limit) => Some(limit),
            Timeout::OfMedian(_) => None,
        };
        Self { timeout, limit: watch::Sender::new(limit), durations: Default::default() }
    }

    /// Returns how long a command may take, as far as that is known now.
    pub(crate) fn limit(&self) -> Option<Duration> {
        *self.limit.borrow()
    }

    /// Takes note of how long a command took that ended well.
    pub(crate) fn ended(&self, duration: Duration) {
        let Timeout::OfMedian(factor) = self.timeout else { return };
        let median = {
            let mut durations =
                self.durations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            durations.add(duration);
            durations.median()
        };
        if let Some(median) = median {
            // What is too long for a `Duration` is no limit.
            let limit = Duration::try_from_secs_f64(median.as_secs_f64() * factor).ok();
            self.limit.send_if_modified(|old| std::mem::replace(old, limit) != limit);
        }
    }

    /// Returns once a command that was started then has used up its time, by the limit as it is at
    /// that moment: the commands that run when the median becomes known have it for a limit too.
    pub(crate) async fn expired(&self, started: Instant) {
        let mut follower = self.limit.subscribe();
        loop {
            let limit = *follower.borrow_and_update();
            let over = async {
                match limit.and_then(|limit| started.checked_add(limit)) {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // This handle keeps the sender alive.
                _ = follower.changed() => {}
            }
        }
    }
}

/// The durations of the last commands.
#[derive(Debug, Default)]
struct Durations {
    /// In the order of their end.
    recent: VecDeque<Duration>,
    /// The same, by length.
    sorted: Vec<Duration>,
}

impl Durations {
    fn add(&mut self, duration: Duration) {
        if self.recent.len() == ENDED_KEPT_MAX
            && let Some(oldest) = self.recent.pop_front()
            && let Ok(at) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(at);
        }
        self.recent.push_back(duration);
        let at = self.sorted.partition_point(|other| *other < duration);
        self.sorted.insert(at, duration);
    }

    /// The one in the middle; of two in the middle the shorter.
    fn median(&self) -> Option<Duration> {
        let count = self.sorted.len();
        if count < ENDED_MIN { None } else { self.sorted.get((count - 1) / 2).copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn secs(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_timeout_is_a_time_or_a_part_of_the_median() {
        for (text, timeout) in [
            ("30s", Timeout::Fixed(secs(30))),
            ("90", Timeout::Fixed(secs(90))),
            ("0.05ms", Timeout::Fixed(Duration::from_micros(50))),
            ("1.5m", Timeout::Fixed(secs(90))),
            ("200%", Timeout::OfMedian(2.0)),
            ("0.5%", Timeout::OfMedian(0.005)),
        ] {
            assert_eq!(text.parse(), Ok(timeout), "{text}");
            assert_eq!(timeout.to_string().parse(), Ok(timeout), "{text}");
        }
        for wrong in ["", "%", "0", "0%", "-5%", "inf%", "nan%", "1y", "soon"] {
            let error = wrong.parse::<Timeout>().unwrap_err();
            assert!(error.contains(wrong) && error.contains("hint"), "{error}");
        }
    }

    #[test]
    fn the_median_is_known_once_three_have_ended() {
        let timeouts = Timeouts::new(Timeout::OfMedian(2.0));
        for (ended, limit) in [(10, None), (1, None), (5, Some(10)), (7, Some(10)), (6, Some(12))] {
            timeouts.ended(secs(ended));
            assert_eq!(timeouts.limit(), limit.map(secs), "after {ended}");
        }
    }

    #[test]
    fn the_median_is_that_of_the_last_commands() {
        let mut durations = Durations::default();
        let mut all = Vec::new();
        for number in 0..3 * ENDED_KEPT_MAX as u64 {
            let duration = secs(number * 7919 % 1009 + number / 5);
            durations.add(duration);
            all.push(duration);
            if number % 97 == 0 && all.len() >= ENDED_MIN {
                let mut last = all[all.len().saturating_sub(ENDED_KEPT_MAX)..].to_vec();
                last.sort();
                assert_eq!(durations.median(), Some(last[(last.len() - 1) / 2]), "{number}");
            }
        }
        assert_eq!(durations.recent.len(), ENDED_KEPT_MAX);
        assert_eq!(durations.sorted.len(), ENDED_KEPT_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_expires_by_the_limit_of_the_moment() {
        let fixed = Timeouts::new(Timeout::Fixed(secs(3)));
        let started = Instant::now();
        fixed.expired(started).await;
        assert_eq!(started.elapsed(), secs(3));

        let timeouts = Arc::new(Timeouts::new(Timeout::OfMedian(2.0)));
        let started = Instant::now();
        let waiting = tokio::spawn({
            let timeouts = timeouts.clone();
            async move { timeouts.expired(started).await }
        });
        tokio::time::sleep(secs(100)).await; // rhythm: paused time
        (0..3).for_each(|_| timeouts.ended(secs(60)));
        tokio::time::sleep(secs(1)).await; // rhythm: paused time
        assert!(!waiting.is_finished());
        (0..4).for_each(|_| timeouts.ended(secs(55))); // the limit becomes 110
        waiting.await.unwrap();
        assert_eq!(started.elapsed(), secs(110));
    }
}
