//! `piecework dead`: items that have used up their attempts, and what becomes of them.

use crate::commands::explain;
use crate::connect::{ConnectArgs, failed};
use crate::fields::Fields;
use crate::output::amounts;
use crate::{output, plain};
use anyhow::bail;
use piecework::{Manager, Payload, Value};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  piecework dead list task                    which items of queue task failed too often
  piecework dead show task 1764               one of them: what was put, and how each attempt ended
  piecework dead revive task 1764             makes it ready again, at its old place
  piecework dead revive task --error lost     all whose last worker was lost
  piecework dead drop task --all              drops all of them";

const LIST_EXAMPLES: &str = "\
Examples:
  piecework dead list task                    the oldest hundred, as a table
  piecework dead list task -n 10000 --json | jq '.[].id'";

const SHOW_EXAMPLES: &str = "\
Examples:
  piecework dead show task 1764               its attempts, then what was put
  piecework dead show task 1764 --json | jq .payload

What only Python can make sense of, an instance of a class, is named, not shown.

Exit code: 1 if there is no such item, or it is not dead.";

const REVIVE_EXAMPLES: &str = "\
Examples:
  piecework dead revive task 1764 1790        prints how many it made ready again
  piecework dead revive task --error run-out  all whose lease ran out at the last attempt
  piecework dead revive task --all

Exit code: 1 if one of the items is not there, or not dead; the others are revived.";

const DROP_EXAMPLES: &str = "\
Examples:
  piecework dead drop task 1764 1790          prints how many it dropped
  piecework dead drop task --error nacked     all that failed by their worker's own word at last
  piecework dead drop task --all

Exit code: 1 if one of the items is not there, or not dead; the others are dropped.";

/// How many items are asked for at a time; the manager gives no more.
const PAGE: u64 = 1_000;

/// Looks after dead items: those that failed as often as their queue lets them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DeadArgs {
    #[command(subcommand)]
    what: What,

    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show which items of a queue are dead, the oldest first
    List(ListArgs),
    /// Show a dead item: how its attempts ended, and what was put
    Show(ShowArgs),
    /// Make dead items ready again, at their old places, as if they had never been tried
    Revive(ReviveArgs),
    /// Drop dead items for good
    Drop(DropArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArgs {
    /// The queue, by its name
    queue: String,

    /// How many to show at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    count: u64,

    /// Print everything that is known, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = SHOW_EXAMPLES)]
struct ShowArgs {
    /// The queue, by its name
    queue: String,

    /// The number of the item
    item: u64,

    /// Print everything that is known, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = REVIVE_EXAMPLES)]
struct ReviveArgs {
    #[command(flatten)]
    chosen: ChosenArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = DROP_EXAMPLES)]
struct DropArgs {
    #[command(flatten)]
    chosen: ChosenArgs,
}

/// Which dead items of which queue.
#[derive(Debug, clap::Args)]
struct ChosenArgs {
    /// The queue, by its name
    queue: String,

    /// The numbers of the items
    #[arg(required_unless_present_any = ["all", "error"], conflicts_with_all = ["all", "error"])]
    item: Vec<u64>,

    /// All that are dead
    #[arg(long, conflicts_with = "error")]
    all: bool,

    /// All whose last attempt ended so
    #[arg(long, value_name = "KIND")]
    error: Option<Kind>,
}

/// How an attempt that counts can end.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// The worker said that it failed
    Nacked,
    /// The worker crashed, was killed or cut off
    Lost,
    /// The worker ended in good order, without an answer
    Unanswered,
    /// The lease ran out
    RunOut,
}

impl Kind {
    /// What the manager calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Nacked => "nacked",
            Self::Lost => "lost",
            Self::Unanswered => "unanswered",
            Self::RunOut => "run out",
        }
    }
}

/// Does what is asked for.
pub(crate) async fn run(args: DeadArgs) -> anyhow::Result<ExitCode> {
    let manager = args.connect.manager().await?;
    match args.what {
        What::List(args) => list(&manager, &args).await,
        What::Show(args) => show(&manager, &args).await,
        What::Revive(args) => change(&manager, "revive", args.chosen).await,
        What::Drop(args) => change(&manager, "drop", args.chosen).await,
    }
}

async fn list(manager: &Manager, args: &ListArgs) -> anyhow::Result<ExitCode> {
    let mut dead = Vec::new();
    // One more than is shown, to know whether there are more.
    while (dead.len() as u64) <= args.count {
        let after = dead.last().map_or(Value::None, |item| Fields::of(item).get("id").clone());
        let missing = args.count + 1 - dead.len() as u64;
        let max = Value::Int(i64::try_from(missing.min(PAGE)).unwrap_or(i64::MAX));
        let asked = [Value::Str(args.queue.clone()), after, max];
        match manager.call("dead", &asked).await.map_err(failed)? {
            Value::List(items) if !items.is_empty() => dead.extend(items),
            _ => break,
        }
    }
    let shown = usize::try_from(args.count).unwrap_or(usize::MAX);
    let are_more = dead.len() > shown;
    dead.truncate(shown);
    if args.json {
        output::data(&format!("{}\n", plain::json(&Value::List(dead))?));
    } else {
        output::data(&table(&dead));
    }
    if are_more {
        output::talk(format_args!("there are more; hint: -n {}", args.count.saturating_mul(10)));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(dead: &[Value]) -> String {
    let columns = [
        ("ITEM", false),
        ("PUT", true),
        ("DIED", true),
        ("ATTEMPTS", false),
        ("BYTES", false),
        ("LAST ENDED", true),
        ("LAST WORKER", true),
    ];
    let row = |item: &Value| {
        let item = Fields::of(item);
        let moment = |key| item.number(key).map_or_else(|| "-".to_owned(), amounts::moment);
        vec![
            item.count("id").to_string(),
            moment("put_at"),
            moment("died_at"),
            item.count("attempts").to_string(),
            amounts::bytes(item.count("bytes")),
            item.text("error").to_owned(),
            explain::who(item),
        ]
    };
    output::table(&columns, &dead.iter().map(row).collect::<Vec<_>>())
}

async fn show(manager: &Manager, args: &ShowArgs) -> anyhow::Result<ExitCode> {
    // First, as it says whether the item is dead at all.
    let payload = manager.dead_payload(&args.queue, args.item).await.map_err(failed)?;
    let mut known = explain::ask(manager, &args.queue, args.item).await?;
    if !args.json {
        let story = explain::story(Fields::of(&known));
        output::data(&format!("{story}\nWhat was put:\n{}\n", readable(&payload)));
        return Ok(ExitCode::SUCCESS);
    }
    if let Value::Dict(entries) = &mut known {
        // Bytes have no form in JSON; whoever wants them revives the item and gets it.
        let value = payload.value().ok().filter(|value| plain::json(value).is_ok());
        let class = payload.class_name().map_or(Value::None, Value::Str);
        entries.push((Value::from("payload"), value.unwrap_or(Value::None)));
        entries.push((Value::from("payload_class"), class));
    }
    output::data(&format!("{}\n", plain::json(&known)?));
    Ok(ExitCode::SUCCESS)
}

/// What was put, as far as it is plain data.
fn readable(payload: &Payload) -> String {
    if let Some(class) = payload.class_name() {
        return format!("(an instance of {class}, which only Python can make sense of)");
    }
    match payload.value() {
        Ok(Value::Str(text)) => text,
        Ok(value) => plain::json(&value).unwrap_or_else(|_| value.to_string()),
        Err(why) => format!("(no plain data: {why})"),
    }
}

/// Revives or drops, and prints how many those were.
async fn change(manager: &Manager, verb: &str, chosen: ChosenArgs) -> anyhow::Result<ExitCode> {
    let ChosenArgs { queue, item, all, error } = chosen;
    let which = match error {
        Some(kind) => vec![Value::from(kind.name())],
        None if all => vec![Value::from("all")],
        None => item.iter().map(|id| Value::Int(i64::try_from(*id).unwrap_or(i64::MAX))).collect(),
    };
    let (mut changed, mut missing) = (0, Vec::new());
    for which in which {
        let asked = [Value::Str(queue.clone()), which.clone()];
        match manager.call(verb, &asked).await.map_err(failed)? {
            Value::Int(0) if !item.is_empty() => missing.push(which.to_string()),
            Value::Int(count) => changed += count,
            other => bail!("the manager's reply to {verb} is {other}, no count"),
        }
    }
    output::data(&format!("{changed}\n"));
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("not dead in queue '{queue}', or not there at all: {}", missing.join(", "))
}
