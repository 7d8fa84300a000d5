//! How long tasks took, in a few numbers.

use std::time::Duration;

/// Durations are sorted by their power of two in milliseconds: 48 of them are nine thousand years.
const CLASSES: usize = 48;

/// The mean is that of about so many tasks that ended last: the order of the input often has a
/// meaning, and what comes next is like what came last.
const RECENT_TASKS: u64 = 200;

/// How long tasks took.
#[derive(Debug)]
pub(super) struct Durations {
    classes: [Class; CLASSES],
    count: u64,
    /// Of the last tasks, in seconds.
    mean: f64,
    longest: Duration,
}

/// Durations of about the same length.
#[derive(Clone, Copy, Debug, Default)]
struct Class {
    count: u64,
    seconds: f64,
}

impl Default for Durations {
    fn default() -> Self {
        let classes = [Class::default(); CLASSES];
        Self { classes, count: 0, mean: 0.0, longest: Duration::ZERO }
    }
}

impl Durations {
    /// Adds the duration of a task.
    pub(super) fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some(class) = self.classes.get_mut(class(took)) {
            class.count += 1;
            class.seconds += seconds;
        }
        self.count += 1;
        self.mean += (seconds - self.mean) / self.count.min(RECENT_TASKS) as f64;
        self.longest = self.longest.max(took);
    }

    /// Returns the mean of the last; `None` if there are none.
    pub(super) fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_secs_f64(self.mean.max(0.0)))
    }

    /// Returns how long a task will go on that has run for so long, judged by those that took
    /// longer.
    pub(super) fn left(&self, ran: Duration) -> Duration {
        let longer = self.classes.iter().skip(class(ran) + 1);
        let (count, seconds) = longer.fold((0, 0.0), |(count, seconds), class| {
            (count + class.count, seconds + class.seconds)
        });
        if count > 0 {
            return Duration::from_secs_f64(seconds / count as f64).saturating_sub(ran);
        }
        match self.longest.checked_sub(ran) {
            Some(left) if !left.is_zero() => left,
            // None took as long. What is known of such a task is that it will not end soon: as
            // long again is the best guess.
            _ => ran,
        }
    }
}

/// The number of the class.
fn class(duration: Duration) -> usize {
    let bits = u128::BITS - duration.as_millis().leading_zeros();
    (bits as usize).min(CLASSES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(seconds: &[f64]) -> Durations {
        let mut durations = Durations::default();
        seconds.iter().for_each(|seconds| durations.add(Duration::from_secs_f64(*seconds)));
        durations
    }

    #[track_caller]
    fn assert_left(durations: &Durations, ran: f64, left: f64) {
        let told = durations.left(Duration::from_secs_f64(ran)).as_secs_f64();
        assert!((told - left).abs() < 0.001, "after {ran} s: {told} s, not {left} s");
    }

    #[test]
    fn tasks_that_are_alike_have_the_rest_of_their_time_left() {
        let alike = durations(&[3.2, 3.2, 3.2]);
        assert_eq!(alike.mean(), Some(Duration::from_secs_f64(3.2)));
        assert_left(&alike, 0.0, 3.2);
        assert_left(&alike, 1.0, 2.2);
        assert_left(&alike, 3.1, 0.1);
    }

    #[test]
    fn a_task_that_is_not_short_is_one_of_the_long_ones() {
        let mixed = durations(&[0.1, 0.1, 0.1, 0.1, 100.0, 120.0]);
        assert_left(&mixed, 0.0, 220.4 / 6.0);
        assert_left(&mixed, 1.0, 109.0);
    }

    #[test]
    fn a_task_that_takes_longer_than_any_may_take_as_long_again() {
        let short = durations(&[1.0]);
        assert_left(&short, 1.0, 1.0);
        assert_left(&short, 60.0, 60.0);
    }

    #[test]
    fn the_mean_follows_the_last_tasks() {
        let mut changing = durations(&[1.0; 10_000]);
        (0..1000).for_each(|_| changing.add(Duration::from_secs(5)));
        assert!(changing.mean().unwrap() > Duration::from_secs_f64(4.9));
        assert_eq!(Durations::default().mean(), None);
    }

    #[test]
    fn the_longest_durations_have_a_class() {
        assert_eq!(class(Duration::ZERO), 0);
        assert_eq!(class(Duration::MAX), CLASSES - 1);
    }
}
