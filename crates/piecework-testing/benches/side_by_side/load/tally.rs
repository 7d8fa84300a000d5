//! What has been done so far, by all clients.

use std::io;
use std::time::Instant;

use super::{Course, Until};

#[derive(Debug)]
pub(crate) struct Tally {
    until: Until,
    /// On which course items are counted.
    course: Course,
    begin: Instant,
    /// When the last item was counted.
    last: Instant,
    /// Items that came to the end of their course while it counted.
    pub(crate) items: u64,
    /// How many were put at all, and the sum of their numbers.
    put: (u64, u64),
    got: (u64, u64),
}

impl Tally {
    pub(super) fn begin(until: Until, course: Course) -> Self {
        let now = Instant::now();
        let begin = match until {
            Until::Over(window) => now + window.warm_up,
            Until::Items(_) => now,
        };
        Self { until, course, begin, last: now, items: 0, put: (0, 0), got: (0, 0) }
    }

    pub(super) fn put(&mut self, items: u64, numbers: u64) {
        self.put = (self.put.0 + items, self.put.1.wrapping_add(numbers));
    }

    pub(super) fn got(&mut self, items: u64, numbers: u64) {
        self.got = (self.got.0 + items, self.got.1.wrapping_add(numbers));
    }

    /// Counts items that came to the end of this course; false when this is the end.
    pub(super) fn count(&mut self, course: Course, items: u64) -> bool {
        let is_counted = course == self.course;
        match self.until {
            Until::Items(wanted) => {
                if is_counted {
                    self.items += items;
                    self.last = Instant::now();
                }
                self.items < wanted
            }
            Until::Over(window) => {
                let now = Instant::now();
                if is_counted && (self.begin..self.begin + window.counted).contains(&now) {
                    self.items += items;
                }
                now < self.begin + window.counted
            }
        }
    }

    /// Items per second.
    pub(crate) fn rate(&self) -> f64 {
        let seconds = match self.until {
            Until::Over(window) => window.counted.as_secs_f64(),
            Until::Items(_) => (self.last - self.begin).as_secs_f64(),
        };
        self.items as f64 / seconds
    }

    /// What was put and what was got must be the same items.
    ///
    /// # Errors
    /// They are not.
    pub(crate) fn balance(&self) -> io::Result<()> {
        if self.put == self.got {
            return Ok(());
        }
        let what = format!("put (number, sum of ids) {:?}, got {:?}", self.put, self.got);
        Err(io::Error::other(format!("the server delivered other items than were put: {what}")))
    }
}
