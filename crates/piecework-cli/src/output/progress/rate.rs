//! How many tasks end per second, lately.

use std::collections::VecDeque;
use std::time::Duration;

/// The rate is that of so many seconds: long enough that it does not jump, short enough that a
/// machine which joined or left shows soon.
const WINDOW_SECONDS: u64 = 10;

/// The window is longer if it must be to hold so many tasks: fewer make no rate.
const WINDOW_TASKS_MIN: u64 = 10;

/// A rate over less time than this says nothing.
const WINDOW_MIN: Duration = Duration::from_millis(200);

/// The tasks that ended in the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// How many ended in each second: (second, tasks), in ascending order.
    ended: VecDeque<(u64, u64)>,
    /// The sum of them.
    tasks: u64,
    /// The second in which the window begins, no later than any in it.
    begins: u64,
}

impl Rate {
    /// Counts a task that ended.
    pub(super) fn add(&mut self, now: Duration) {
        let second = now.as_secs();
        match self.ended.back_mut() {
            Some((last, tasks)) if *last == second => *tasks += 1,
            _ => self.ended.push_back((second, 1)),
        }
        self.tasks += 1;
        while let Some((first, tasks)) = self.ended.front().copied()
            && first + WINDOW_SECONDS <= second
            && self.tasks - tasks >= WINDOW_TASKS_MIN
        {
            self.ended.pop_front();
            self.tasks -= tasks;
            self.begins = first + 1;
        }
    }

    /// Returns the tasks per second.
    pub(super) fn per_second(&self, now: Duration) -> f64 {
        self.tasks as f64 / self.window(now).max(WINDOW_MIN).as_secs_f64()
    }

    /// Tells whether the rate is that of this moment, and made of so many tasks.
    pub(super) fn is_of_now(&self, now: Duration, tasks_min: u64) -> bool {
        let longest = Duration::from_secs(WINDOW_SECONDS + 1); // the first second is there in part
        self.tasks >= tasks_min && self.window(now) <= longest
    }

    fn window(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_secs(self.begins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_rate(rate: &Rate, second: f64, expected: f64) {
        let told = rate.per_second(Duration::from_secs_f64(second));
        assert!((told - expected).abs() < 0.01, "{told}, not {expected}");
    }

    /// So many tasks in each second, until `end`.
    fn add(rate: &mut Rate, begin: u64, end: u64, tasks: u64) {
        for second in begin..end {
            (0..tasks).for_each(|_| rate.add(Duration::from_secs_f64(second as f64 + 0.5)));
        }
    }

    #[test]
    fn only_the_last_seconds_count() {
        let mut rate = Rate::default();
        add(&mut rate, 0, 50, 100);
        assert_rate(&rate, 50.0, 100.0);
        add(&mut rate, 50, 100, 7);
        assert_rate(&rate, 100.0, 7.0);
        assert!(rate.is_of_now(Duration::from_secs(100), 70));
        assert!(!rate.is_of_now(Duration::from_secs(100), 71));
        assert_eq!(rate.ended.len(), 10);
    }

    #[test]
    fn where_nothing_ends_any_more_the_rate_goes_down() {
        let mut rate = Rate::default();
        add(&mut rate, 0, 50, 100);
        assert_rate(&rate, 60.0, 50.0);
        assert!(!rate.is_of_now(Duration::from_secs(60), 1));
    }

    #[test]
    fn long_tasks_have_a_rate_too() {
        let mut rate = Rate::default();
        assert_rate(&rate, 5.0, 0.0);
        (1..=100).for_each(|minute| rate.add(Duration::from_secs(60 * minute)));
        let now = Duration::from_secs(6000);
        assert!((rate.per_second(now) * 60.0 - 1.0).abs() < 0.01);
        assert!(!rate.is_of_now(now, 10));
    }

    #[test]
    fn the_first_moments_say_little() {
        let mut rate = Rate::default();
        rate.add(Duration::from_millis(1));
        assert_rate(&rate, 0.001, 5.0);
    }
}
