//! The progress of a run as a line of text and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::tracker::Tracker;
use crate::output::amounts::{count, rate, time, time_left};

/// What the host of local tasks is called, in the job log and to people.
const HERE: (&str, &str) = (":", "here");

/// The progress as an object.
#[derive(Serialize)]
struct Object<'a> {
    done: u64,
    failed: u64,
    running: u64,
    total: Option<u64>,
    rate: f64,
    seconds_left: Option<f64>,
    elapsed: f64,
    workers: BTreeMap<&'a str, u64>,
}

/// The progress as JSON, on one line.
pub(super) fn json(tracker: &Tracker, now: Duration) -> String {
    let object = Object {
        done: tracker.done,
        failed: tracker.failed,
        running: tracker.running(),
        total: tracker.total,
        rate: thousandths(tracker.rate(now)),
        seconds_left: tracker.left(now).map(|left| thousandths(left.as_secs_f64())),
        elapsed: thousandths(now.as_secs_f64()),
        workers: tracker.workers().map(|(host, running)| (named(host), running)).collect(),
    };
    serde_json::to_string(&object).expect("numbers under names have a form in JSON")
}

/// The progress for people: `12 of 1,000 done, 3 failed, 8 running, 12/s, 1 min 5 s left`, and the
/// workers if there are any on other machines.
pub(super) fn line(tracker: &Tracker, now: Duration) -> String {
    let mut line = match tracker.total {
        Some(total) => format!("{} of {} done", count(tracker.done), count(total)),
        None => format!("{} done", count(tracker.done)),
    };
    if tracker.failed > 0 {
        line += &format!(", {} failed", count(tracker.failed));
    }
    line += &format!(", {} running, {}", count(tracker.running()), rate(tracker.rate(now)));
    line += &match (tracker.total, tracker.left(now)) {
        (None, _) => format!(", {}", time(now)),
        (Some(_), Some(left)) => format!(", {} left", time_left(left)),
        (Some(_), None) => ", time left unknown".to_owned(),
    };
    if tracker.workers().any(|(host, _)| host != HERE.0) {
        let workers = tracker.workers();
        let workers = workers.map(|(host, running)| format!("{} {}", named(host), count(running)));
        line += &format!("; {}", workers.collect::<Vec<_>>().join(", "));
    }
    line
}

fn named(host: &str) -> &str {
    if host == HERE.0 { HERE.1 } else { host }
}

fn thousandths(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker() -> Tracker {
        let mut tracker = Tracker::default();
        for _ in 0..3 {
            tracker.started(Duration::ZERO, ":");
        }
        tracker
    }

    #[test]
    fn the_line_says_what_is_known() {
        let now = Duration::from_secs(4);
        let mut tracker = tracker();
        assert_eq!(line(&tracker, now), "0 done, 3 running, 0/s, 4.0 s");
        tracker.total = Some(1000);
        assert_eq!(line(&tracker, now), "0 of 1,000 done, 3 running, 0/s, time left unknown");
        tracker.ended(now, ":", Some(now), true);
        tracker.started(now, "node1");
        assert_eq!(
            line(&tracker, now),
            "1 of 1,000 done, 1 failed, 3 running, 15/min, 22 min 12 s left; here 2, node1 1"
        );
    }

    #[test]
    fn json_has_everything_always() {
        let now = Duration::from_millis(4000);
        let mut tracker = tracker();
        assert_eq!(
            json(&tracker, now),
            concat!(
                r#"{"done":0,"failed":0,"running":3,"total":null,"rate":0.0,"seconds_left":null,"#,
                r#""elapsed":4.0,"workers":{"here":3}}"#
            )
        );
        tracker.total = Some(2);
        tracker.ended(now, ":", Some(now), false);
        tracker.ended(now, ":", Some(now), false);
        assert_eq!(
            json(&tracker, now),
            concat!(
                r#"{"done":2,"failed":0,"running":1,"total":2,"rate":0.5,"seconds_left":0.0,"#,
                r#""elapsed":4.0,"workers":{"here":1}}"#
            )
        );
    }
}
