//! What the manager says itself, as plain data.

use piecework_state::{AckMode, QueueStats};
use piecework_wire::Value;
use std::time::Duration;

/// The counts of a queue as a dict.
pub(crate) fn queue_value(stats: &QueueStats) -> Value {
    let ack = match stats.ack {
        AckMode::Auto => "auto",
        AckMode::Answered { .. } => "answered",
        AckMode::Explicit => "explicit",
        AckMode::None => "none",
    };
    let count = |count: usize| int(count as u64);
    dict(vec![
        ("name", Value::Str(stats.name.clone())),
        ("anonymous", Value::Bool(stats.anonymous)),
        ("ack", Value::Str(ack.to_owned())),
        ("ready", count(stats.ready)),
        ("delayed", count(stats.delayed)),
        ("leased", count(stats.leased)),
        ("dead", count(stats.dead)),
        ("unfinished", int(stats.unfinished)),
        ("getters", count(stats.getters)),
        ("putters", count(stats.putters)),
        ("bytes", int(stats.bytes)),
        ("put_total", int(stats.put_total)),
        ("got_total", int(stats.got_total)),
        ("acked_total", int(stats.acked_total)),
        ("returned_total", int(stats.returned_total)),
        ("late_total", int(stats.late_total)),
        ("expired_total", int(stats.expired_total)),
        ("put_rate", Value::Float(stats.put_rate)),
        ("got_rate", Value::Float(stats.got_rate)),
        ("oldest_ready_age", stats.oldest_ready_age.map_or(Value::None, seconds)),
    ])
}

pub(crate) fn seconds(duration: Duration) -> Value {
    Value::Float(duration.as_secs_f64())
}

pub(crate) fn dict(entries: Vec<(&str, Value)>) -> Value {
    let entry = |(key, value): (&str, Value)| (Value::Str(key.to_owned()), value);
    Value::Dict(entries.into_iter().map(entry).collect())
}

/// A count; beyond 2^63 nobody counts.
pub(crate) fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
