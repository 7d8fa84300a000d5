//! All commands and flags in one place.

use crate::{ExecArgs, MapArgs, ServeArgs};

/// Work paid by the piece: spreads tasks over processes and machines.
#[derive(Debug, clap::Parser)]
#[command(name = "piecework", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Run a Python program, unchanged, with its managers served by piecework
    Exec(ExecArgs),
    /// Run a command for each argument, on all cores, results in order
    Map(MapArgs),
    /// Serve queues to Python programs and to workers on any machine
    Serve(ServeArgs),
}
