//! `piecework explain`: all that is known of one item, in words.

use crate::connect::{ConnectArgs, failed};
use crate::fields::Fields;
use crate::output::amounts::{self, count, counted};
use crate::{output, plain};
use piecework::{Manager, Value};
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  piecework explain task 1764                 where item 1764 of queue task is, and why
  piecework explain task 1764 --json

The log and `piecework dead list` name items by these numbers, and the lease() of native clients.

Exit code: 1 if the item is not there (any more): it is acknowledged or dropped.";

/// Says of an item why it waits or who has it, and how each attempt at it ended so far.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The queue, by its name
    queue: String,

    /// The number of the item
    item: u64,

    /// Print what is known as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Asks, and says it.
pub(crate) async fn run(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    let manager = args.connect.manager().await?;
    let known = ask(&manager, &args.queue, args.item).await?;
    let told = match args.json {
        true => format!("{}\n", plain::json(&known)?),
        false => story(Fields::of(&known)),
    };
    output::data(&told);
    Ok(ExitCode::SUCCESS)
}

/// All that the manager knows of an item, as a dict.
pub(crate) async fn ask(manager: &Manager, queue: &str, item: u64) -> anyhow::Result<Value> {
    let item = Value::Int(i64::try_from(item).unwrap_or(i64::MAX));
    manager.call("explain", &[Value::from(queue), item]).await.map_err(failed)
}

/// The same in words.
pub(crate) fn story(item: Fields<'_>) -> String {
    let bytes = amounts::bytes(item.count("bytes"));
    let mut story = format!(
        "Item {} of queue '{}', {bytes}, put {}.\n{}\n",
        item.count("id"),
        item.text("queue"),
        moment_and_age(item, item.number("put_at")),
        standing(item)
    );
    let history = item.list("history");
    if !history.is_empty() {
        let failures = item.count("attempts");
        let counted_so_far = match item.count("attempts_max") {
            0 => format!("{}, and it may have any number", counted(failures, "failure")),
            max => format!("{} of the {} failures that make it dead", count(failures), count(max)),
        };
        let failed = counted(history.len() as u64, "attempt");
        let table = attempts(history);
        let _ = write!(story, "\n{failed} did not end well; it has {counted_so_far}:\n\n{table}");
    }
    story
}

/// Where it is, and why.
fn standing(item: Fields<'_>) -> String {
    match item.text("state") {
        "ready" => ready(item),
        "delayed" => {
            let left = until(item, item.number("until"));
            match (item.count("attempts"), item.list("history")) {
                (_, []) => format!("It becomes ready in {left}, as whoever put it asked for."),
                (2.., _) => format!("It failed, and waits before the next attempt: {left} more."),
                _ => format!("It becomes ready in {left}, as whoever handed it back asked for."),
            }
        }
        "leased" => item.inner("lease").map_or_else(String::new, |lease| leased(item, lease)),
        _ => format!(
            "It is dead: nobody gets it any more. `piecework dead revive {0} {1}` makes it ready \
             again, `piecework dead drop {0} {1}` drops it.",
            item.text("queue"),
            item.count("id")
        ),
    }
}

fn ready(item: Fields<'_>) -> String {
    let place = match item.count("before") {
        0 => "It is ready, and the next to be got".to_owned(),
        1 => "It is ready, and one item would be got sooner".to_owned(),
        before => format!("It is ready, and {} would be got sooner", counted(before, "item")),
    };
    let held = match item.count("leased") {
        0 => "no item of the queue is with a worker".to_owned(),
        1 => "one item of the queue is with a worker".to_owned(),
        leased => format!("{} of the queue are with workers", counted(leased, "item")),
    };
    match item.count("getters") {
        0 => format!("{place}, but nobody waits for one; {held}."),
        getters => format!("{place}; {} for one.", waits(getters)),
    }
}

fn waits(getters: u64) -> String {
    let verb = if getters == 1 { "waits" } else { "wait" };
    format!("{} {verb}", counted(getters, "session"))
}

fn leased(item: Fields<'_>, lease: Fields<'_>) -> String {
    let since = lease.number("since").map(|since| age(item, since)).unwrap_or_default();
    let mut text = match who(lease) {
        who if who.is_empty() => {
            format!("A thread that has ended had it for {since}; in a moment it is known how.")
        }
        who => format!("It is with {who} (session {}), for {since}.", lease.count("session")),
    };
    if let Some(fraction) = lease.number("fraction") {
        let note = lease.text("note");
        let note = if note.is_empty() { String::new() } else { format!(": {note}") };
        let _ = write!(text, " That one says that {:.0} % is done{note}.", fraction * 100.0);
    }
    text += &match lease.number("deadline") {
        None => " It may take as long as its connection lasts.".to_owned(),
        deadline => format!(" Its lease lasts {} more.", until(item, deadline)),
    };
    text
}

fn attempts(history: &[Value]) -> String {
    let columns = [("BEGAN", true), ("LASTED", false), ("WORKER", true), ("ENDED", true)];
    let row = |attempt: &Value| {
        let attempt = Fields::of(attempt);
        let [began, ended] = ["began", "ended"].map(|key| attempt.number(key).unwrap_or_default());
        let how = how(attempt.text("how"));
        let counted = if attempt.is_true("counted") { "" } else { "; not counted" };
        let lasted = amounts::time(seconds(ended - began));
        vec![amounts::moment(began), lasted, who(attempt), format!("{how}{counted}")]
    };
    output::table(&columns, &history.iter().map(row).collect::<Vec<_>>())
}

/// How an attempt ended, in words.
fn how(name: &str) -> &str {
    match name {
        "nacked" => "the worker said that it failed",
        "released" => "the worker handed it back",
        "lost" => "the worker was lost: it crashed, was killed or cut off",
        "unanswered" => "the worker ended in good order, without an answer",
        "run out" => "the lease ran out",
        "unsent" => "it could not be sent",
        other => other,
    }
}

/// What a client called itself, and where it came from.
pub(crate) fn who(of: Fields<'_>) -> String {
    match (of.text("name"), of.text("address")) {
        (name, "") => name.to_owned(),
        ("", address) => address.to_owned(),
        (name, address) => format!("{name} at {address}"),
    }
}

fn moment_and_age(item: Fields<'_>, at: Option<f64>) -> String {
    let Some(at) = at else { return String::new() };
    format!("{}, {} ago", amounts::moment(at), age(item, at))
}

fn age(item: Fields<'_>, since: f64) -> String {
    amounts::time(seconds(item.number("now").unwrap_or_default() - since))
}

fn until(item: Fields<'_>, at: Option<f64>) -> String {
    let now = item.number("now").unwrap_or_default();
    amounts::time(seconds(at.unwrap_or(now) - now))
}

/// What is negative was not measured by one clock.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(entries: &[(&str, Value)]) -> Value {
        Value::Dict(entries.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect())
    }

    /// The second line of the story of an item.
    fn standing_of(state: &str, more: &[(&str, Value)]) -> String {
        let known =
            [("state", Value::from(state)), ("queue", "task".into()), ("id", Value::Int(7))];
        let now = [("now", Value::Float(1000.0))];
        let item = dict(&[&known[..], &now, more].concat());
        standing(Fields::of(&item))
    }

    #[test]
    fn a_ready_item_says_what_it_waits_for() {
        let ready = |before, leased, getters| {
            let counts = [("before", before), ("leased", leased), ("getters", getters)];
            standing_of("ready", &counts.map(|(key, count)| (key, Value::Int(count))))
        };
        let next = "It is ready, and the next to be got, but nobody waits for one; no item of the \
                    queue is with a worker.";
        assert_eq!(ready(0, 0, 0), next);
        let behind = "It is ready, and 1,200 items would be got sooner, but nobody waits for one; \
                      3 items of the queue are with workers.";
        assert_eq!(ready(1200, 3, 0), behind);
        assert_eq!(ready(0, 1, 1), "It is ready, and the next to be got; 1 session waits for one.");
    }

    #[test]
    fn a_delayed_item_says_why() {
        let delayed = |attempts, history: Vec<Value>| {
            let until = ("until", Value::Float(1032.5));
            let attempts = ("attempts", Value::Int(attempts));
            standing_of("delayed", &[until, attempts, ("history", Value::List(history))])
        };
        let put_later = "It becomes ready in 32.5 s, as whoever put it asked for.";
        assert_eq!(delayed(0, vec![]), put_later);
        let nacked = "It becomes ready in 32.5 s, as whoever handed it back asked for.";
        assert_eq!(delayed(1, vec![Value::None]), nacked);
        let failed = "It failed, and waits before the next attempt: 32.5 s more.";
        assert_eq!(delayed(2, vec![Value::None, Value::None]), failed);
    }

    #[test]
    fn a_leased_item_says_who_has_it() {
        let lease = [
            ("session", Value::Int(3)),
            ("name", "MainProcess".into()),
            ("address", "10.0.0.7".into()),
            ("since", Value::Float(880.0)),
            ("fraction", Value::Float(0.4)),
            ("note", "page 4".into()),
        ];
        let with = "It is with MainProcess at 10.0.0.7 (session 3), for 2 min 0 s. That one says \
                    that 40 % is done: page 4. It may take as long as its connection lasts.";
        assert_eq!(standing_of("leased", &[("lease", dict(&lease))]), with);
        let lease = [("since", Value::Float(999.0)), ("deadline", Value::Float(1060.0))];
        let ended = "A thread that has ended had it for 1.0 s; in a moment it is known how. Its \
                     lease lasts 1 min 0 s more.";
        assert_eq!(standing_of("leased", &[("lease", dict(&lease))]), ended);
    }
}
