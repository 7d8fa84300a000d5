//! What happened, line by line, for whoever looks into a failure.

use piecework_state::Time;
use std::collections::BTreeMap;

/// Says what happened, if anybody listens; and always counts it.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) lines: Vec<String>,
    pub(super) listens: bool,
    /// How often each kind of thing happened.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl Trace {
    pub(super) fn say(&mut self, now: Time, line: impl FnOnce() -> String) {
        if self.listens {
            let micros = now.micros();
            let (secs, rest) = (micros / 1_000_000, micros % 1_000_000);
            self.lines.push(format!("{secs:>6}.{rest:06}  {}", line()));
        }
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}
