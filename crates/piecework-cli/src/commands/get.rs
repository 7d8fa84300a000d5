//! `piecework get`: gets items by hand.

use crate::connect::{ConnectArgs, failed};
use crate::{exit, output, plain};
use piecework::{Payload, RawQueue, Settle, Value};
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  piecework get result                    waits for one item and prints it
  piecework get result -n 10              waits for ten
  piecework get result --timeout 0 --all  prints what is there
  piecework get result --json | jq .name  str and bytes as JSON too

An item is acknowledged once it is printed: what cannot be written stays in its queue. So does an
instance of a class, which only Python can make sense of; it is named on standard error.

Exit code: 75 if there was nothing to get in time.";

/// Gets items from a queue and prints them: str and bytes as they are, all else as JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct GetArgs {
    /// The queue, by its name or a typeid
    queue: String,

    /// How many items to get
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, conflicts_with = "all")]
    count: u64,

    /// Get items until none comes in time
    #[arg(long)]
    all: bool,

    /// How many seconds to wait for each item; without it, for ever
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,

    /// Print str as JSON too, one item a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Prints items as they come.
pub(crate) async fn run(args: GetArgs) -> anyhow::Result<ExitCode> {
    let timeout = args.timeout.map(Duration::try_from_secs_f64).transpose();
    let timeout = timeout.map_err(|why| exit::usage(format!("--timeout: {why}")))?;
    let queue = args.connect.manager().await?.raw_queue(&args.queue).await.map_err(failed)?;
    let mut printed = 0;
    while args.all || printed < args.count {
        if !print_one(&queue, timeout, args.json).await? {
            break;
        }
        printed += 1;
    }
    queue.close().await.map_err(failed)?;
    if printed == 0 || (!args.all && printed < args.count) {
        return Err(exit::try_later(format!("queue '{}' is empty", args.queue)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Gets one item and prints it; false if none came in time.
async fn print_one(
    queue: &RawQueue,
    timeout: Option<Duration>,
    json: bool,
) -> anyhow::Result<bool> {
    if !queue.is_native() {
        // A stock manager forgets an item as it hands it out.
        let Some(item) = queue.get(timeout).await.map_err(failed)? else { return Ok(false) };
        output::data_bytes(&line(&item, json)?)?;
        return Ok(true);
    }
    let leases = queue.lease(1, timeout).await.map_err(failed)?;
    let Some(lease) = leases.into_iter().next() else { return Ok(false) };
    let printed = line(&lease.payload, json).and_then(|line| Ok(output::data_bytes(&line)?));
    let how = if printed.is_ok() { Settle::Ack } else { Settle::Release };
    queue.settle(lease.id, how).await.map_err(failed)?;
    printed.map(|()| true)
}

/// An item as a line of output.
fn line(item: &Payload, json: bool) -> anyhow::Result<Vec<u8>> {
    if let Some(class) = item.class_name() {
        anyhow::bail!(
            "the item is an instance of {class} ({} bytes), which only Python can make sense of; \
             it stays in its queue",
            item.len()
        );
    }
    let mut line = match item.value()? {
        Value::Str(text) if !json => text.into_bytes(),
        Value::Bytes(bytes) => bytes,
        value => plain::json(&value)?.into_bytes(),
    };
    line.push(b'\n');
    Ok(line)
}
