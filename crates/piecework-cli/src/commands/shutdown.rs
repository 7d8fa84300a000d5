//! `piecework shutdown`: stops a manager.

use crate::connect::{ConnectArgs, failed};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  piecework shutdown                          the manager of this machine
  piecework shutdown --connect 10.0.0.5       of another one, if it was started to allow that";

/// Stops a manager: one of this machine and user, or one that was started with --allow-shutdown.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ShutdownArgs {
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Asks it to stop.
pub(crate) async fn run(args: ShutdownArgs) -> anyhow::Result<ExitCode> {
    args.connect.manager().await?.call("shutdown", &[]).await.map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
