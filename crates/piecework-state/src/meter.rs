//! Rates: events per second over the last ten seconds.

use crate::Time;

/// Ten whole seconds and the one under way.
const SLOTS: usize = 11;

/// Counts events by second, so that reading a rate needs no history and adding needs no division.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    slots: [u64; SLOTS],
    second: u64,
    total: u64,
}

impl Meter {
    pub(crate) fn add(&mut self, now: Time, events: u64) {
        self.turn(now.secs());
        self.total += events;
        if let Some(slot) = self.slots.get_mut(self.second as usize % SLOTS) {
            *slot += events;
        }
    }

    /// All events so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Events per second over the last ten whole seconds.
    pub(crate) fn rate(&self, now: Time) -> f64 {
        let mut at_now = self.clone();
        at_now.turn(now.secs());
        let under_way = at_now.slots.get(at_now.second as usize % SLOTS).copied().unwrap_or(0);
        let whole = at_now.slots.iter().sum::<u64>() - under_way;
        whole as f64 / (SLOTS - 1) as f64
    }

    /// Empties the slots of the seconds that have passed since the last event.
    fn turn(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second).min(SLOTS as u64);
        for step in 1..=passed {
            if let Some(slot) = self.slots.get_mut((self.second + step) as usize % SLOTS) {
                *slot = 0;
            }
        }
        if passed == SLOTS as u64 {
            self.slots = [0; SLOTS];
        }
        self.second = self.second.max(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_covers_ten_seconds_and_fades() {
        let mut meter = Meter::default();
        for second in 100..110 {
            meter.add(Time::from_secs(second), 50);
        }
        assert_eq!(meter.rate(Time::from_secs(110)), 50.0);
        assert_eq!(meter.rate(Time::from_secs(115)), 25.0);
        assert_eq!(meter.rate(Time::from_secs(500)), 0.0);
        assert_eq!(meter.total(), 500);
    }
}
