//! `piecework put`: puts items by hand.

use crate::connect::{ConnectArgs, failed};
use crate::{exit, output, plain};
use anyhow::Context;
use piecework::{Payload, RawQueue, Value};
use std::io::{BufRead, BufReader};
use std::process::ExitCode;

/// Lines of standard input that are put at a time: enough that the round trip costs little, few
/// enough that what comes through a pipe does not wait long.
const LINES_AT_ONCE: usize = 100;

const EXAMPLES: &str = "\
Examples:
  piecework put task 3411                     a str, as Python would read it: '3411'
  piecework put task --json 3411 '[1, \"a\"]'   values: the int 3411, then a list
  ls | piecework put task                     each line of standard input is a str";

/// Puts items into a queue: the arguments, or each line of standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PutArgs {
    /// The queue, by its name or a typeid
    queue: String,

    /// What to put; without any, each line of standard input
    items: Vec<String>,

    /// Each item is JSON; without this, it is a str
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Puts everything, in order.
pub(crate) async fn run(args: PutArgs) -> anyhow::Result<ExitCode> {
    let item = |text: String| match args.json {
        true => parse(&text),
        false => Ok(Payload::from_value(&Value::Str(text))),
    };
    let given: Vec<Payload> =
        args.items.iter().cloned().map(item).collect::<anyhow::Result<_>>()?;
    let queue = args.connect.manager().await?.raw_queue(&args.queue).await.map_err(failed)?;
    if given.is_empty() {
        if output::input_is_typed() {
            output::talk("reading items from the terminal, one a line; Ctrl-D ends them");
        }
        put_lines(&queue, item).await?;
    } else {
        put(&queue, &given).await?;
    }
    queue.close().await.map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

async fn put_lines(
    queue: &RawQueue,
    item: impl Fn(String) -> anyhow::Result<Payload>,
) -> anyhow::Result<()> {
    let mut stdin = BufReader::new(std::io::stdin().lock());
    let mut items = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        let read = stdin.read_line(&mut line).context("cannot read standard input")?;
        let end = read == 0;
        if !end {
            items.push(item(line.trim_end_matches('\n').to_owned())?);
        }
        // One by one while a person or a slow program writes, in batches when lines are there.
        if end || items.len() == LINES_AT_ONCE || stdin.buffer().is_empty() {
            put(queue, &items).await?;
            items.clear();
        }
        if end {
            return Ok(());
        }
    }
}

async fn put(queue: &RawQueue, items: &[Payload]) -> anyhow::Result<()> {
    match items {
        [] => {}
        [_, _, ..] if queue.is_native() => queue.put_many(items).await.map_err(failed)?,
        items => {
            for item in items {
                queue.put(item).await.map_err(failed)?;
            }
        }
    }
    Ok(())
}

fn parse(text: &str) -> anyhow::Result<Payload> {
    let value = serde_json::from_str(text)
        .map_err(|why| exit::usage(format!("'{text}' is not JSON: {why}; hint: '\"{text}\"'?")))?;
    Ok(Payload::from_value(&plain::from_json(value)))
}
