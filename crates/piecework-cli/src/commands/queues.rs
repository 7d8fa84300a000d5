//! `piecework queues`: what is in the queues, and who is connected.

use crate::connect::{ConnectArgs, failed};
use crate::fields::Fields;
use crate::output::{self, Column};
use crate::{exit, plain};
use piecework::{Manager, Value};
use std::io;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const EXAMPLES: &str = "\
Examples:
  piecework queues                            a table of this machine's manager
  piecework queues --connect 10.0.0.5         of another one; the key as for every command
  piecework queues --json | jq '.queues[0].ready'
  piecework queues --watch                    again every two seconds, until Ctrl-C
  piecework queues --watch 60 --json >> log   a line of JSON each minute";

/// The shortest interval of a watch: more often than that nobody can read it.
const WATCH_SECONDS_MIN: f64 = 0.1;

/// Shows each queue's items by state, its rates, and the sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct QueuesArgs {
    /// Print everything that is known, as JSON
    #[arg(long)]
    json: bool,

    /// Look again every so many seconds, 2 if none are given: on a terminal in the same place,
    /// elsewhere one below the other
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    watch: Option<f64>,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Asks once, or again and again, and prints.
pub(crate) async fn run(args: QueuesArgs) -> anyhow::Result<ExitCode> {
    let every = args.watch.map(every).transpose()?;
    let manager = args.connect.manager().await?;
    let Some(every) = every else {
        output::data(&look(&manager, args.json).await?);
        return Ok(ExitCode::SUCCESS);
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let in_place = output::data_is_watched() && !args.json;
    let mut is_first = true;
    loop {
        ticks.tick().await;
        let seen = look(&manager, args.json).await?;
        let shown = match in_place {
            true => output::repaint(&seen),
            false if is_first || args.json => output::data_bytes(seen.as_bytes()),
            false => output::data_bytes(format!("\n{seen}").as_bytes()),
        };
        is_first = false;
        match shown {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(ExitCode::SUCCESS);
            }
            shown => shown.map_err(exit::io_error)?,
        }
    }
}

fn every(seconds: f64) -> anyhow::Result<Duration> {
    let every = Duration::try_from_secs_f64(seconds).ok();
    every.filter(|_| seconds >= WATCH_SECONDS_MIN).ok_or_else(|| {
        exit::usage(format!(
            "--watch {seconds}: expected a number of seconds, {WATCH_SECONDS_MIN} or more"
        ))
    })
}

/// What there is to see now.
async fn look(manager: &Manager, json: bool) -> anyhow::Result<String> {
    let queues = manager.call("queues", &[]).await.map_err(failed)?;
    let sessions = manager.call("sessions", &[]).await.map_err(failed)?;
    if json {
        let key = |key: &str| Value::Str(key.to_owned());
        let all = Value::Dict(vec![(key("queues"), queues), (key("sessions"), sessions)]);
        return Ok(format!("{}\n", plain::json(&all)?));
    }
    Ok(format!("{}\n{}", table(&QUEUE_COLUMNS, &queues), table(&SESSION_COLUMNS, &sessions)))
}

/// A column of a table, and the key of what is in it.
type Keyed = (Column<'static>, &'static str);

const QUEUE_COLUMNS: [Keyed; 9] = [
    (("QUEUE", true), "name"),
    (("ACK", true), "ack"),
    (("READY", false), "ready"),
    (("DELAYED", false), "delayed"),
    (("LEASED", false), "leased"),
    (("DEAD", false), "dead"),
    (("WAITING", false), "getters"),
    (("PUT/S", false), "put_rate"),
    (("GOT/S", false), "got_rate"),
];

const SESSION_COLUMNS: [Keyed; 6] = [
    (("SESSION", false), "id"),
    (("NAME", true), "name"),
    (("ADDRESS", true), "address"),
    (("HOLDS", false), "leases"),
    (("WAITS IN", true), "waits_in"),
    (("FOR", true), "waits_for"),
];

fn table(columns: &[Keyed], rows: &Value) -> String {
    let rows = match rows {
        Value::List(rows) => rows.as_slice(),
        _ => &[],
    };
    let row = |row: &Value| columns.iter().map(|(_, key)| cell(row, key)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    let columns: Vec<_> = columns.iter().map(|(column, _)| *column).collect();
    output::table(&columns, &rows)
}

/// One value of a dict, for people.
fn cell(row: &Value, key: &str) -> String {
    match Fields::of(row).get(key) {
        Value::None => "-".to_owned(),
        Value::Str(text) => text.clone(),
        Value::Float(number) => format!("{number:.1}"),
        other => other.to_string(),
    }
}
