//! `piecework shutdown`: stops a manager.

use crate::connect::{ConnectArgs, failed};
use std::process::ExitCode;

/// Stops a manager: one of this machine and user, or one that was started with --allow-shutdown.
#[derive(Debug, clap::Args)]
pub struct ShutdownArgs {
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Asks it to stop.
pub(crate) async fn run(args: ShutdownArgs) -> anyhow::Result<ExitCode> {
    args.connect.manager().await?.call("shutdown", &[]).await.map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
