//! `piecework purge`: drops what waits in a queue.

use crate::connect::{ConnectArgs, failed};
use crate::output;
use piecework::Value;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  piecework purge task                        prints how many items it dropped";

/// Drops the items of a queue that are ready or delayed. What a worker holds is not touched.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PurgeArgs {
    /// The queue, by its name
    queue: String,

    #[command(flatten)]
    connect: ConnectArgs,
}

/// Drops them and says how many there were.
pub(crate) async fn run(args: PurgeArgs) -> anyhow::Result<ExitCode> {
    let manager = args.connect.manager().await?;
    let dropped = manager.call("purge", &[Value::Str(args.queue)]).await.map_err(failed)?;
    output::data(&format!("{dropped}\n"));
    Ok(ExitCode::SUCCESS)
}
