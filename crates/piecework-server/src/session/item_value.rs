//! What the manager says of single items, as plain data, and how others name dead ones.

use super::error::PyError;
use super::value::{dict, int};
use piecework_state::{
    Attempt, Ended, Explained, Item, ItemId, QueueId, Stands, State, Time, Which,
};
use piecework_wire::Value;

/// Dead items in one list: few enough that nobody waits for the lock meanwhile. Whoever wants more
/// asks for those behind the last one.
const DEAD_MAX: usize = 1_000;

/// The name of each way in which an attempt ends, as it is kept in storage too.
const ENDED: [(&str, Ended); 6] = [
    ("nacked", Ended::Nacked),
    ("released", Ended::Released),
    ("lost", Ended::Lost),
    ("unanswered", Ended::Unanswered),
    ("run out", Ended::RunOut),
    ("unsent", Ended::Unsent),
];

/// Reads which dead items somebody means: an id, the way in which their last attempt ended, or
/// "all".
pub(crate) fn which(value: &Value) -> Result<Which, String> {
    let named = |text: &str| ENDED.iter().find(|(name, _)| *name == text).map(|(_, how)| *how);
    match value {
        Value::Int(id) if *id >= 0 => Ok(Which::One(ItemId(id.unsigned_abs()))),
        Value::Str(text) if text == "all" => Ok(Which::All),
        Value::Str(text) => named(text).map(Which::Ended).ok_or_else(|| {
            let names: Vec<_> = ENDED.iter().map(|(name, _)| *name).collect();
            format!("'{text}' is not all, {}", names.join(", "))
        }),
        _ => Err("expected the id of an item, or a str".to_owned()),
    }
}

/// The dead items behind `after`, oldest first, as dicts.
pub(crate) fn dead(state: &State, queue: QueueId, after: Option<ItemId>, max: usize) -> Value {
    let items = state.dead(queue, after, max.min(DEAD_MAX));
    let dead = |item: &Item| {
        let last = item.history().last();
        let who = |of: fn(&Attempt) -> &str| last.map_or(Value::None, |it| text(of(it)));
        dict(vec![
            ("id", int(item.id.0)),
            ("put_at", moment(item.put_at)),
            ("died_at", last.map_or(Value::None, |attempt| moment(attempt.ended))),
            ("attempts", int(item.attempts.into())),
            ("bytes", int(item.payload.len())),
            ("error", last.map_or(Value::None, |attempt| text(name(attempt.how)))),
            ("name", who(|attempt| &attempt.name)),
            ("address", who(|attempt| &attempt.address)),
        ])
    };
    Value::List(items.into_iter().map(dead).collect())
}

/// All that is known of an item and that bears on when it is got, as a dict; times are seconds
/// since 1970.
pub(crate) fn explained(
    state: &State,
    now: Time,
    queue: QueueId,
    item: ItemId,
) -> Result<Value, PyError> {
    let stats = state.stats_of(now, queue).ok_or_else(|| gone(state, queue, item))?;
    let Explained { item, stands } =
        state.item(queue, item).ok_or_else(|| gone(state, queue, item))?;
    let attempts_max = state.options(queue).map_or(0, |options| options.attempts);
    let (standing, before, until, lease) = match &stands {
        Stands::Ready { before } => ("ready", int(*before as u64), Value::None, Value::None),
        Stands::Delayed { until } => ("delayed", Value::None, moment(*until), Value::None),
        Stands::Leased { .. } => ("leased", Value::None, Value::None, lease(&stands)),
        Stands::Dead => ("dead", Value::None, Value::None, Value::None),
    };
    Ok(dict(vec![
        ("queue", Value::Str(stats.name)),
        ("id", int(item.id.0)),
        ("state", text(standing)),
        ("now", moment(now)),
        ("put_at", moment(item.put_at)),
        ("bytes", int(item.payload.len())),
        ("attempts", int(item.attempts.into())),
        ("attempts_max", int(attempts_max.into())),
        ("before", before),
        ("until", until),
        ("lease", lease),
        ("getters", int(stats.getters as u64)),
        ("leased", int(stats.leased as u64)),
        ("history", Value::List(item.history().iter().map(attempt).collect())),
    ]))
}

/// The item is not there (any more).
pub(crate) fn gone(state: &State, queue: QueueId, item: ItemId) -> PyError {
    let name = state.stats_of(Time::default(), queue).map(|stats| stats.name).unwrap_or_default();
    PyError::lookup_error(format!(
        "item {item} is not in queue '{name}': it is acknowledged or dropped, or never was there"
    ))
}

/// Who has an item.
fn lease(stands: &Stands) -> Value {
    let Stands::Leased { session, peer, since, deadline, progress } = stands else {
        return Value::None;
    };
    let peer = peer.as_ref();
    let (fraction, note) = match progress {
        Some((fraction, note)) => (Value::Float(*fraction), text(note)),
        None => (Value::None, Value::None),
    };
    dict(vec![
        ("session", int(session.0)),
        ("name", peer.map_or(Value::None, |peer| text(peer.name()))),
        ("address", peer.map_or(Value::None, |peer| text(peer.address()))),
        ("since", moment(*since)),
        ("deadline", deadline.map_or(Value::None, moment)),
        ("fraction", fraction),
        ("note", note),
    ])
}

fn attempt(attempt: &Attempt) -> Value {
    dict(vec![
        ("began", moment(attempt.began)),
        ("ended", moment(attempt.ended)),
        ("session", int(attempt.session.0)),
        ("name", text(&attempt.name)),
        ("address", text(&attempt.address)),
        ("how", text(name(attempt.how))),
        ("counted", Value::Bool(attempt.counted)),
    ])
}

fn name(how: Ended) -> &'static str {
    let found = ENDED.iter().find(|(_, of)| *of == how);
    found.map_or("", |(name, _)| name)
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

/// Seconds since 1970, as Python's `time.time()` says them.
fn moment(time: Time) -> Value {
    Value::Float(time.micros() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_items_are_named_in_three_ways() {
        let named = |text: &str| which(&Value::Str(text.to_owned()));
        assert_eq!(which(&Value::Int(7)), Ok(Which::One(ItemId(7))));
        assert_eq!(named("all"), Ok(Which::All));
        for (text, how) in ENDED {
            assert_eq!(named(text), Ok(Which::Ended(how)));
            assert_eq!(name(how), text);
        }
        let wrong = named("nack").unwrap_err();
        assert!(wrong.contains("'nack' is not all, nacked"), "{wrong}");
        assert!(which(&Value::Int(-1)).is_err() && which(&Value::None).is_err());
    }
}
