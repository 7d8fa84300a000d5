//! How far a run is: what is done, who runs how much, how fast, and how long it will take.
//!
//! Nothing here knows a clock: `now` is the time since the run began.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::durations::Durations;
use super::rate::Rate;

/// A rate tells what a task costs only if each slot had so many of the tasks in it: with fewer it
/// jumps whenever a task ends.
const RATE_TASKS_MIN: u64 = 3;

/// How far a run is.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// How many tasks there are, once that is known.
    pub(super) total: Option<u64>,
    /// How many ended; `failed <= done`.
    pub(super) done: u64,
    /// How many of them failed.
    pub(super) failed: u64,
    /// When each running task was started, by host, in ascending order.
    running: BTreeMap<String, VecDeque<Duration>>,
    /// How long the tasks took that ended.
    durations: Durations,
    /// How many ended lately.
    rate: Rate,
    /// The most tasks that ran at a time since the slots were last counted.
    running_peak: u64,
    /// How many slots there seem to be.
    slots: u64,
}

impl Tracker {
    /// Notes that a task was started at this host.
    pub(super) fn started(&mut self, now: Duration, host: &str) {
        match self.running.get_mut(host) {
            Some(starts) => starts.push_back(now),
            None => drop(self.running.insert(host.to_owned(), [now].into())),
        }
        self.running_peak = self.running_peak.max(self.running());
    }

    /// Notes that an attempt at this host is over and its task is not: it will be tried again.
    pub(super) fn gave_up(&mut self, now: Duration, host: &str) {
        self.remove(now, host);
    }

    /// Notes that a task ended at this host after such a time; `None` if it could not be run.
    pub(super) fn ended(
        &mut self,
        now: Duration,
        host: &str,
        took: Option<Duration>,
        failed: bool,
    ) {
        self.remove(now.saturating_sub(took.unwrap_or_default()), host);
        self.done += 1;
        self.failed += u64::from(failed);
        took.into_iter().for_each(|took| self.durations.add(took));
        self.rate.add(now);
    }

    /// Notes that a task had ended before: it tells nothing of how fast others will.
    pub(super) fn kept(&mut self, failed: bool) {
        self.done += 1;
        self.failed += u64::from(failed);
    }

    /// Counts the slots: as many as were busy at a time since the last count. Between two tasks a
    /// slot is idle for a moment, so the tasks that run just now would be too few.
    pub(super) fn count_slots(&mut self) {
        self.slots = self.running_peak;
        self.running_peak = self.running();
    }

    /// Returns how many tasks run.
    pub(super) fn running(&self) -> u64 {
        self.running.values().map(|starts| starts.len() as u64).sum()
    }

    /// Returns how many tasks run at each host that runs any.
    pub(super) fn workers(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.running.iter().map(|(host, starts)| (host.as_str(), starts.len() as u64));
        counts.filter(|(_, running)| *running > 0)
    }

    /// Returns how many tasks ended per second, lately.
    pub(super) fn rate(&self, now: Duration) -> f64 {
        self.rate.per_second(now)
    }

    /// Returns the time until all is done; `None` if that cannot be told yet.
    ///
    /// The share of tasks that are done would tell it only if all were alike and had run from the
    /// beginning. So what is left is added up instead, in seconds of one slot: for each task that
    /// runs, what tasks that ran as long as it has took from there on; for each that waits, the
    /// mean of those that ended lately. Divided by the slots this is the time left, unless a single
    /// task takes longer than that. Where tasks are so short that each slot ends several while
    /// the rate is measured, what a task costs is taken from the rate, which knows the time
    /// between two tasks as well.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        let remaining = self.total?.saturating_sub(self.done);
        if remaining == 0 {
            return Some(Duration::ZERO);
        }
        let mean = self.durations.mean()?;
        let running = self.running();
        let slots = self.slots.max(running);
        if slots == 0 {
            return None; // nobody is there to do it
        }
        let (mut work, mut longest) = (0.0, 0.0_f64);
        for start in self.running.values().flatten() {
            let left = self.durations.left(now.saturating_sub(*start)).as_secs_f64();
            work += left;
            longest = longest.max(left);
        }
        let is_measured = self.rate.is_of_now(now, RATE_TASKS_MIN * slots);
        let cost = if is_measured { slots as f64 / self.rate(now) } else { mean.as_secs_f64() };
        work += remaining.saturating_sub(running) as f64 * cost;
        Duration::try_from_secs_f64((work / slots as f64).max(longest)).ok()
    }

    /// Forgets the running task that was started next to this time. News of starts and ends take
    /// different times on their way, so the moments are never quite the same.
    fn remove(&mut self, start: Duration, host: &str) {
        let Some(starts) = self.running.get_mut(host) else { return };
        let after = starts.partition_point(|other| *other < start);
        let distance = |at: usize| starts.get(at).map(|other| other.abs_diff(start));
        let before = after.checked_sub(1);
        let nearest = match (before.and_then(distance), distance(after)) {
            (Some(before), Some(after)) if after < before => 0,
            (None, _) => 0,
            (Some(_), _) => 1,
        };
        starts.remove(after - nearest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Runs tasks of these lengths in so many slots, as long as any is to start before `until`.
    fn run(total: u64, slots: usize, lengths: impl Iterator<Item = f64>, until: f64) -> Tracker {
        let mut tracker = Tracker { total: Some(total), ..Tracker::default() };
        // Ends of what runs: when, and how long it took.
        let mut busy: Vec<(f64, f64)> = vec![];
        let mut now = 0.0;
        for length in lengths {
            if busy.len() == slots {
                busy.sort_by(|one, other| one.0.total_cmp(&other.0));
                if busy[0].0 > until {
                    break;
                }
                let (end, took) = busy.remove(0);
                now = end;
                tracker.ended(seconds(now), ":", Some(seconds(took)), false);
            }
            tracker.started(seconds(now), ":");
            busy.push((now + length, length));
        }
        tracker.count_slots();
        tracker
    }

    #[track_caller]
    fn assert_near(left: Option<Duration>, expected: f64, off: f64) {
        let left = left.unwrap().as_secs_f64();
        assert!((left - expected).abs() <= off, "{left} s, not {expected} s");
    }

    #[test]
    fn time_left_is_what_is_left_by_slots() {
        // 100 tasks of 5 s in 4 slots take 125 s.
        let tracker = run(100, 4, std::iter::repeat(5.0), 26.0);
        assert_eq!((tracker.done, tracker.running()), (20, 4));
        assert_near(tracker.left(seconds(26.0)), 99.0, 0.1);
        // The share of what is done, 20 of 100 in 29 s, would say 116 s.
        assert_near(tracker.left(seconds(29.0)), 96.0, 0.1);
    }

    #[test]
    fn a_machine_that_joins_halves_the_time() {
        let mut tracker = run(100, 4, std::iter::repeat(5.0), 26.0);
        (0..4).for_each(|_| tracker.started(seconds(26.0), "node1"));
        tracker.count_slots();
        // 72 that wait, 4 with 4 s to go, 4 with 5 s to go, 8 slots.
        assert_near(tracker.left(seconds(26.0)), (72.0 * 5.0 + 16.0 + 20.0) / 8.0, 0.1);
    }

    #[test]
    fn short_tasks_cost_what_the_rate_says() {
        // Each takes 1 ms, but only one in 10 ms is started.
        let mut tracker = Tracker { total: Some(10_000), ..Tracker::default() };
        for task in 0..2000_u32 {
            let now = Duration::from_millis(10) * task;
            tracker.started(now, ":");
            tracker.ended(
                now + Duration::from_millis(1),
                ":",
                Some(Duration::from_millis(1)),
                false,
            );
        }
        tracker.count_slots();
        assert_near(tracker.left(seconds(20.0)), 80.0, 5.0);
    }

    #[test]
    fn at_the_end_the_longest_task_tells() {
        let mut tracker = Tracker { total: Some(12), ..Tracker::default() };
        for task in 0..11 {
            tracker.started(seconds(0.0), ":");
            if task > 0 {
                let took = if task < 10 { 1.0 } else { 61.0 };
                tracker.ended(seconds(took), ":", Some(seconds(took)), false);
            }
        }
        tracker.started(seconds(61.0), ":");
        tracker.count_slots();
        // One has run for 61 s, which is as long as any; one has just begun.
        assert_eq!(tracker.running(), 2);
        assert_near(tracker.left(seconds(61.0)), 61.0, 0.1);
    }

    #[test]
    fn nothing_is_told_before_there_is_something_to_tell_it_from() {
        let mut tracker = Tracker::default();
        tracker.started(seconds(0.0), ":");
        assert_eq!(tracker.left(seconds(9.0)), None, "no total");
        tracker.total = Some(3);
        assert_eq!(tracker.left(seconds(9.0)), None, "nothing has ended");
        tracker.ended(seconds(9.0), ":", Some(seconds(9.0)), true);
        assert_eq!(tracker.left(seconds(9.0)), None, "nobody works");
        tracker.started(seconds(9.0), ":");
        assert_eq!(tracker.left(seconds(9.0)), Some(seconds(18.0)));
        tracker.total = Some(1);
        assert_eq!(tracker.left(seconds(9.0)), Some(Duration::ZERO));
    }

    #[test]
    fn hosts_are_counted_apart_and_attempts_that_are_lost_are_forgotten() {
        let mut tracker = Tracker::default();
        for host in [":", "node1", "node1", "node2"] {
            tracker.started(seconds(1.0), host);
        }
        tracker.gave_up(seconds(2.0), "node2");
        tracker.gave_up(seconds(2.0), "never seen");
        tracker.ended(seconds(3.0), "node1", Some(seconds(2.0)), true);
        assert_eq!(tracker.workers().collect::<Vec<_>>(), [(":", 1), ("node1", 1)]);
        assert_eq!((tracker.done, tracker.failed), (1, 1));
    }

    #[test]
    fn the_task_that_ended_is_found_by_its_start() {
        let mut tracker = Tracker::default();
        for start in [0.0, 10.0, 20.0] {
            tracker.started(seconds(start), ":");
        }
        tracker.ended(seconds(30.0), ":", Some(seconds(19.9)), false);
        assert_eq!(tracker.running[":"], [seconds(0.0), seconds(20.0)]);
        tracker.ended(seconds(30.0), ":", Some(seconds(30.0)), false);
        assert_eq!(tracker.running[":"], [seconds(20.0)]);
    }
}
