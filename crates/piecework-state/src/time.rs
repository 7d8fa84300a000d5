//! A moment, as the state is told it: microseconds since the Unix epoch.

use std::time::Duration;

/// A moment in microseconds since the Unix epoch.
///
/// The state never asks what time it is; whoever calls it says so. Successive calls must not go
/// back in time.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Time(u64);

impl Time {
    /// The moment `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The moment `secs` seconds after the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000)
    }

    /// The end of time: the last moment that a database's integer can hold.
    pub(crate) const END: Self = Self(i64::MAX as u64);

    /// Microseconds since the epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// This moment if it is a whole second, else the next one that is.
    pub(crate) const fn whole_second(self) -> Self {
        Self(self.0.div_ceil(1_000_000) * 1_000_000)
    }

    /// The moment so long before this one, if there was one.
    pub(crate) fn before(self, by: std::time::Duration) -> Option<Self> {
        Some(Self(self.0.checked_sub(u64::try_from(by.as_micros()).ok()?)?))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of time, so that "in 10^300 seconds" is simply never.
    fn add(self, by: Duration) -> Self {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros)).min(Self::END)
    }
}
