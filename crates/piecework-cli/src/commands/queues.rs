//! `piecework queues`: what is in the queues, and who is connected.

use crate::connect::{ConnectArgs, failed};
use crate::{output, plain};
use piecework::Value;
use std::fmt::Write;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  piecework queues                            a table of this machine's manager
  piecework queues --connect 10.0.0.5         of another one; the key as for every command
  piecework queues --json | jq '.queues[0].ready'";

/// Shows each queue's items by state, its rates, and the sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct QueuesArgs {
    /// Print everything that is known, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Asks once and prints.
pub(crate) async fn run(args: QueuesArgs) -> anyhow::Result<ExitCode> {
    let manager = args.connect.manager().await?;
    let queues = manager.call("queues", &[]).await.map_err(failed)?;
    let sessions = manager.call("sessions", &[]).await.map_err(failed)?;
    if args.json {
        let key = |key: &str| Value::Str(key.to_owned());
        let all = Value::Dict(vec![(key("queues"), queues), (key("sessions"), sessions)]);
        output::data(&format!("{}\n", plain::json(&all)?));
        return Ok(ExitCode::SUCCESS);
    }
    let queue_columns: [Column<'_>; 9] = [
        ("QUEUE", "name", true),
        ("ACK", "ack", true),
        ("READY", "ready", false),
        ("DELAYED", "delayed", false),
        ("LEASED", "leased", false),
        ("DEAD", "dead", false),
        ("WAITING", "getters", false),
        ("PUT/S", "put_rate", false),
        ("GOT/S", "got_rate", false),
    ];
    let session_columns: [Column<'_>; 6] = [
        ("SESSION", "id", false),
        ("NAME", "name", true),
        ("ADDRESS", "address", true),
        ("HOLDS", "leases", false),
        ("WAITS IN", "waits_in", true),
        ("FOR", "waits_for", true),
    ];
    output::data(&format!(
        "{}\n{}",
        table(&queue_columns, &queues),
        table(&session_columns, &sessions)
    ));
    Ok(ExitCode::SUCCESS)
}

/// Heading, key in the rows' dicts, and whether it is text, which begins at the left.
type Column<'a> = (&'a str, &'a str, bool);

fn table(columns: &[Column<'_>], rows: &Value) -> String {
    let rows = match rows {
        Value::List(rows) => rows.as_slice(),
        _ => &[],
    };
    let head = columns.iter().map(|(heading, ..)| (*heading).to_owned()).collect();
    let row = |row| columns.iter().map(|(_, key, _)| cell(row, key)).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().map(row)).collect();
    let mut text = String::new();
    for line in &lines {
        let mut out = String::new();
        for (at, (cell, (.., is_text))) in line.iter().zip(columns).enumerate() {
            let cells = lines.iter().filter_map(|line| line.get(at));
            let width = cells.map(|cell| cell.chars().count()).max().unwrap_or_default();
            let _ = match is_text {
                true => write!(out, "{cell:<width$}  "),
                false => write!(out, "{cell:>width$}  "),
            };
        }
        let _ = writeln!(text, "{}", out.trim_end());
    }
    text
}

/// One value of a dict, for people.
fn cell(row: &Value, key: &str) -> String {
    let Value::Dict(entries) = row else { return String::new() };
    let found = entries.iter().find(|(name, _)| *name == Value::Str(key.to_owned()));
    match found.map(|(_, value)| value) {
        None | Some(Value::None) => "-".to_owned(),
        Some(Value::Str(text)) => text.clone(),
        Some(Value::Float(number)) => format!("{number:.1}"),
        Some(other) => other.to_string(),
    }
}
