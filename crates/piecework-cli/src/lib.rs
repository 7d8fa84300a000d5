//! The `piecework` command as a function, called by `main` and by whoever embeds it.

mod args;
mod authkey;
mod commands;
mod config;
mod connect;
mod declined;
mod exec;
mod exit;
mod fields;
mod folders;
mod input;
mod logging;
mod output;
mod plain;
mod record;
mod run;
mod template;

pub use args::{Arguments, Command};
pub use commands::backup::BackupArgs;
pub use commands::check::CheckArgs;
pub use commands::completions::CompletionsArgs;
pub use commands::config::ConfigArgs;
pub use commands::dead::DeadArgs;
pub use commands::exec::ExecArgs;
pub use commands::explain::ExplainArgs;
pub use commands::get::GetArgs;
pub use commands::man::ManArgs;
pub use commands::map::MapArgs;
pub use commands::purge::PurgeArgs;
pub use commands::put::PutArgs;
pub use commands::queues::QueuesArgs;
pub use commands::runs::RunsArgs;
pub use commands::serve::ServeArgs;
pub use commands::shutdown::ShutdownArgs;
pub use commands::worker::WorkerArgs;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::run::{guard, rlimit};

/// Runs the command that these arguments name, the name of the program first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter().collect::<Vec<_>>();
    if arguments.get(1).is_some_and(|command| command == guard::GUARD_COMMAND) {
        guard::run(&arguments.pop().unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    if arguments.get(1).is_some_and(|command| command == rlimit::LIMITED_COMMAND) {
        return rlimit::run(arguments.get(2..).unwrap_or_default());
    }
    let root = Arguments::command();
    let arguments = match config::parse(&root, &arguments) {
        Ok(matches) => Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()),
        Err(error) => return failed(&error),
    };
    // Everything but a manager waits most of the time.
    let mut runtime = match arguments.command {
        Command::Exec(_) | Command::Serve(_) => {
            // Also where it is one thread: the other runtime takes some percent less for each
            // request of few clients, and half as much again where there are 4,096.
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(threads_of_manager());
            runtime
        }
        _ => Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        // What goes on beside each other in a run, or in a worker, stays on this thread.
        let tasks = LocalSet::new();
        runtime.block_on(async {
            match arguments.command {
                Command::Backup(args) => commands::backup::run(args).await,
                Command::Check(args) => commands::check::run(args),
                Command::Dead(args) => commands::dead::run(args).await,
                Command::Explain(args) => commands::explain::run(args).await,
                Command::Exec(args) => commands::exec::run(args).await,
                Command::Map(args) => tasks.run_until(commands::map::run(*args)).await,
                Command::Get(args) => commands::get::run(args).await,
                Command::Purge(args) => commands::purge::run(args).await,
                Command::Put(args) => commands::put::run(args).await,
                Command::Queues(args) => commands::queues::run(args).await,
                Command::Runs(args) => commands::runs::run(args).await,
                Command::Serve(args) => commands::serve::run(args).await,
                Command::Shutdown(args) => commands::shutdown::run(args).await,
                Command::Worker(args) => tasks.run_until(commands::worker::run(args)).await,
                Command::Config(args) => commands::config::run(&args, &root),
                Command::Completions(args) => commands::completions::run(&args, &root),
                Command::Man(args) => commands::man::run(&args, &root),
            }
        })
    });
    ended.unwrap_or_else(|error| failed(&error))
}

/// As many threads as half the cores: what a thread does for a request takes less time than to wake
/// another one for it, and clients on the same machine need cores as well. On two cores, one thread
/// serves 64 clients a fifth faster than two.
fn threads_of_manager() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

/// Tells an error, and gives the exit code that it stands for.
fn failed(error: &anyhow::Error) -> ExitCode {
    output::talk(format_args!("{error:#}"));
    exit::code(error)
}
