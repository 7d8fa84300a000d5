//! All commands and flags in one place.

use crate::{
    BackupArgs, CheckArgs, CompletionsArgs, ConfigArgs, DeadArgs, ExecArgs, ExplainArgs, GetArgs,
    ManArgs, MapArgs, PurgeArgs, PutArgs, QueuesArgs, RunsArgs, ServeArgs, ShutdownArgs,
    WorkerArgs,
};

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
    Map(Box<MapArgs>),
    /// Run a command for each task of a manager
    Worker(WorkerArgs),
    /// Serve queues to Python programs and to workers on any machine
    Serve(ServeArgs),
    /// Put items into a queue by hand
    Put(PutArgs),
    /// Get items from a queue and print them
    Get(GetArgs),
    /// Show what is in the queues and who is connected
    Queues(QueuesArgs),
    /// Show the runs of `map` on a manager, and the workers
    Runs(RunsArgs),
    /// Drop what waits in a queue
    Purge(PurgeArgs),
    /// Look after the items that failed too often: list, show, revive, drop
    Dead(DeadArgs),
    /// Say why an item waits, who has it, and how each attempt at it ended
    Explain(ExplainArgs),
    /// Copy what a manager keeps into a file, while it runs
    Backup(BackupArgs),
    /// Check what a manager keeps, and count it
    Check(CheckArgs),
    /// Stop a manager
    Shutdown(ShutdownArgs),
    /// Show the settings from files and the environment
    Config(ConfigArgs),
    /// Print the completions for a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}
