//! The limits that can be set, by name: `--limit NAME=VALUE` reads them, the docs list them.

use super::Limits;
use crate::measure;
use std::fmt::Write;
use std::time::Duration;

/// One limit that can be set.
#[derive(Debug)]
pub struct Setting {
    /// What it is called.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What it bounds.
    pub bounds: &'static str,
    /// What happens at it.
    pub at_it: &'static str,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Bytes, as 512MiB.
    Bytes,
    /// Things, as 100.
    Count,
    /// Milliseconds, as 20s.
    Time,
}

/// A setting whose field is a number of this type, no greater than that type can hold.
macro_rules! number {
    ($name:literal, $unit:ident, $bounds:literal, $at_it:literal, $($field:ident).+: $type:ty) => {
        Setting {
            name: $name,
            unit: Unit::$unit,
            bounds: $bounds,
            at_it: $at_it,
            get: |limits| u64::try_from(limits.$($field).+).unwrap_or(u64::MAX),
            set: |limits, value| {
                limits.$($field).+ = <$type>::try_from(value).unwrap_or(<$type>::MAX);
            },
        }
    };
}

/// A setting whose field is a time.
macro_rules! time {
    ($name:literal, $bounds:literal, $at_it:literal, $field:ident) => {
        Setting {
            name: $name,
            unit: Unit::Time,
            bounds: $bounds,
            at_it: $at_it,
            get: |limits| u64::try_from(limits.$field.as_millis()).unwrap_or(u64::MAX),
            set: |limits, value| limits.$field = Duration::from_millis(value),
        }
    };
}

/// Every limit that can be set.
pub const SETTINGS: &[Setting] = &[
    number!(
        "message", Bytes, "one message: an item, or all items of one `put_many`",
        "it is passed over, and its sender gets `ValueError`; \
         before `accept_connection` the connection is closed",
        frame_bytes_max: usize
    ),
    number!(
        "memory", Bytes, "the payloads of all items",
        "a put raises `queue.Full`, unless it answers an item", state.bytes: u64
    ),
    number!(
        "resident", Bytes, "the payloads in memory, where items are kept on disk",
        "payloads that are put are read back from there when their turn comes",
        state.resident: u64
    ),
    number!(
        "items", Count, "items in all queues",
        "a put raises `queue.Full`, unless it answers an item", state.items: usize
    ),
    number!(
        "connections", Count, "connections at once", "new ones wait until one ends",
        connections_max: usize
    ),
    number!(
        "unauthenticated", Count, "connections that have made no request yet",
        "the oldest of them is closed", unauthenticated_max: usize
    ),
    time!(
        "handshake",
        "from accept to the end of the first request",
        "the connection is closed",
        handshake_max
    ),
    number!(
        "backlog", Count, "connections that wait to be accepted",
        "the kernel makes them wait and try again", backlog: i32
    ),
    number!(
        "failures", Count, "failed authentications of one address, or user of this machine",
        "each further answer takes longer: 0.1 s, 0.2 s, ...; forgotten after ten minutes \
         without one",
        failures_free: u32
    ),
    time!(
        "failure-delay",
        "the answer to a failed authentication",
        "it takes no longer",
        failure_delay_max
    ),
    time!(
        "silence",
        "silence of a peer's host",
        "it is asked after half of that; if it does not answer, the connection ends",
        silence_max
    ),
    number!(
        "pipeline", Bytes, "further requests of a client while one of its calls waits",
        "the rest waits in the kernel", pipeline_bytes_max: usize
    ),
    number!(
        "leases", Count, "items that a session holds unsettled",
        "its next get raises `RuntimeError`", state.leases: usize
    ),
    number!(
        "proxies", Count, "proxies in use by one session", "`RuntimeError`", state.handles: usize
    ),
    number!(
        "handles", Count, "handles that are remembered before their first use",
        "further ones are as good as new when they are used", state.unused: usize
    ),
    number!(
        "keys", Count, "keys that `put_once` remembers", "`put_once` raises `RuntimeError`",
        state.keys: usize
    ),
    number!(
        "anonymous", Count, "anonymous queues; as many other objects", "`RuntimeError`", state.anonymous: usize
    ),
    number!(
        "typeids", Count, "typeids that clients add with `--queue '*'`",
        "an unknown typeid is refused", typeids_max: usize
    ),
];

impl Limits {
    /// Sets a limit as `NAME=VALUE` says.
    ///
    /// ```
    /// let mut limits = piecework_server::Limits::default();
    /// limits.set("message=16MiB").unwrap();
    /// limits.set("handshake=5s").unwrap();
    /// assert_eq!(limits.frame_bytes_max, 16 << 20);
    /// assert!(limits.set("colour=red").unwrap_err().contains("there is no limit 'colour'"));
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no such limit, or the value is none of its kind, or 0.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) =
            text.split_once('=').ok_or("expected NAME=VALUE, as connections=500")?;
        let setting = SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
            let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
            format!("there is no limit '{name}'; hint: {}", names.join(", "))
        })?;
        let read = match setting.unit {
            Unit::Bytes => measure::bytes(value),
            Unit::Time => {
                measure::duration(value).and_then(|time| u64::try_from(time.as_millis()).ok())
            }
            Unit::Count => value.parse().ok(),
        };
        match read {
            Some(read) if read > 0 => {
                (setting.set)(self, read);
                Ok(())
            }
            _ => Err(format!("{name}={value}: expected {}", setting.unit.example())),
        }
    }
}

impl Setting {
    /// Its value among these limits, as people write it.
    pub fn shown(&self, limits: &Limits) -> String {
        let value = (self.get)(limits);
        match self.unit {
            Unit::Bytes | Unit::Count if value == u64::MAX => "none".to_owned(),
            Unit::Bytes => measure::show_bytes(value),
            Unit::Count => grouped(value),
            Unit::Time if value.is_multiple_of(1_000) => format!("{} s", value / 1_000),
            Unit::Time => format!("{value} ms"),
        }
    }
}

impl Unit {
    fn example(self) -> &'static str {
        match self {
            Self::Bytes => "a size above 0, as 512MiB",
            Self::Count => "a number above 0",
            Self::Time => "a time above 0, as 20s or 500ms",
        }
    }
}

/// `20000` as `20,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let comma = if at > 0 && (digits.len() - at).is_multiple_of(3) { "," } else { "" };
        let _ = write!(text, "{comma}{digit}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_set_by_its_name_and_shown() {
        for setting in SETTINGS {
            let mut limits = Limits::default();
            let value = match setting.unit {
                Unit::Bytes => "7K",
                Unit::Count => "7000",
                Unit::Time => "7s",
            };
            limits.set(&format!("{}={value}", setting.name)).unwrap();
            let shown = setting.shown(&limits);
            assert!(
                ["7 KiB", "7,000", "7 s"].contains(&shown.as_str()),
                "{}: {shown}",
                setting.name
            );
            assert_ne!(setting.shown(&Limits::default()), shown, "{}", setting.name);
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_with_what_is_one() {
        let mut limits = Limits::default();
        for (wrong, says) in [
            ("message", "expected NAME=VALUE"),
            ("messages=1", "hint: message, memory"),
            ("message=0", "message=0: expected a size above 0"),
            ("handshake=never", "as 20s"),
            ("leases=-1", "a number above 0"),
        ] {
            let why = limits.set(wrong).unwrap_err();
            assert!(why.contains(says), "{wrong}: {why}");
        }
    }

    /// The page says of each limit what the code says.
    #[test]
    fn the_docs_list_every_limit() {
        let page = include_str!("../../../../docs/operations.md");
        let row = |setting: &Setting| {
            let Setting { name, bounds, at_it, .. } = setting;
            format!("| `{name}` | {bounds} | {} | {at_it} |\n", setting.shown(&Limits::default()))
        };
        let rows: String = SETTINGS.iter().map(row).collect();
        assert!(page.contains(&rows), "docs/operations.md lacks these rows:\n{rows}");
    }
}
