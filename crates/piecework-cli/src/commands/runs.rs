//! `piecework runs`: what runs where, on one manager.

use crate::connect::{ConnectArgs, failed};
use crate::fields::Fields;
use crate::output;
use crate::run::notes::{Note, Run, Worker};
use anyhow::bail;
use piecework::Value;
use std::fmt::Write;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  piecework runs                          the runs and workers of this machine's manager
  piecework runs --connect 10.0.0.5       of another one; also of `piecework map --listen`
  piecework runs --json | jq '.runs[].done'";

/// Shows each run of `piecework map` on a manager, how far it is, and the workers.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RunsArgs {
    /// Print everything that is known, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Asks once and prints.
pub(crate) async fn run(args: RunsArgs) -> anyhow::Result<ExitCode> {
    let manager = args.connect.manager().await?;
    let sessions = manager.call("sessions", &[]).await.map_err(failed)?;
    let Value::List(sessions) = sessions else { bail!("the manager's sessions are no list") };
    let (mut runs, mut workers) = (Vec::new(), Vec::new());
    for note in sessions.iter().filter_map(note) {
        match note {
            Note::Run(run) => runs.push(run),
            Note::Worker(worker) => workers.push(worker),
        }
    }
    if args.json {
        let all = serde_json::json!({ "runs": runs, "workers": workers });
        output::data(&format!("{all}\n"));
    } else {
        output::data(&table(&runs, &workers));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a session says of itself, if it is one of ours.
fn note(session: &Value) -> Option<Note> {
    Note::read(Fields::of(session).text("note"))
}

fn table(runs: &[Run], workers: &[Worker]) -> String {
    let mut text = format!(
        "{:<20} {:<16} {:>12} {:>8} {:>8} {:>8}  COMMAND\n",
        "RUN", "HOST", "DONE", "FAILED", "RUNNING", "RATE"
    );
    for run in runs {
        let done = match run.total {
            Some(total) => format!("{}/{total}", run.done),
            None => run.done.to_string(),
        };
        let rate = if run.seconds > 0.0 { run.done as f64 / run.seconds } else { 0.0 };
        let _ = writeln!(
            text,
            "{:<20} {:<16} {done:>12} {:>8} {:>8} {rate:>6.1}/s  {}",
            run.id, run.host, run.failed, run.running, run.command
        );
    }
    let _ = writeln!(text, "\n{:<24} {:>8} {:>8} {:>8}  DOING", "WORKER", "PID", "SLOTS", "BUSY");
    for worker in workers {
        let doing: Vec<String> =
            worker.doing.iter().map(|(run, seq)| format!("{run}:{seq}")).collect();
        let _ = writeln!(
            text,
            "{:<24} {:>8} {:>8} {:>8}  {}",
            worker.host,
            worker.pid,
            worker.slots,
            worker.busy,
            doing.join(" ")
        );
    }
    text
}
