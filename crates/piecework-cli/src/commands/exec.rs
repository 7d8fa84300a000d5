//! `piecework exec`: a Python program, unchanged, whose managers are served by piecework.

use std::ffi::OsString;
use std::process::ExitCode;

use tracing::level_filters::LevelFilter;

use crate::exec::control::Control;
use crate::exec::folder::Folder;
use crate::exec::program;
use crate::logging::{LogArgs, LogFormat};

const EXAMPLES: &str = "\
Examples:
  piecework exec -- python3 task_master.py    its start() or serve_forever() is served by piecework,
                                              at the address and authkey that it names
  piecework exec -- ./run-all.sh              the same for every Python that the script starts

Nothing is installed in that Python and nothing is changed in the program. Queues are new for each
run. What a program registers besides queue.Queue and multiprocessing.Queue is refused by name when
a client asks for it. Managers without an address, and a Python that is started with -E, -I or -S,
stay as they are.

Exit code: that of the program; 126 or 127 if it cannot be run, 128 and the number of the signal if
one ended it.";

/// Runs a Python program whose managers are served by piecework.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExecArgs {
    /// Serve other machines even with an authkey of less than 16 bytes
    #[arg(long)]
    allow_weak_authkey: bool,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command to its end.
pub(crate) async fn run(args: ExecArgs) -> anyhow::Result<ExitCode> {
    log_warnings()?;
    let folder = Folder::create()?;
    let control = Control::listen(&folder.socket(), args.allow_weak_authkey)?;
    let ended = program::run(&args.command, &folder).await;
    control.stop().await;
    ended
}

/// The program owns the terminal: of the managers it hears only what somebody must look at.
fn log_warnings() -> anyhow::Result<()> {
    let log_level = LevelFilter::WARN;
    LogArgs { log_level, log_file: None, log_format: LogFormat::Text }.begin()
}
