//! The program that `piecework exec` runs: our folder in its environment, signals passed on.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::exec::folder::Folder;
use crate::output;

/// The variable that tells Python where we listen.
const SOCKET_VARIABLE: &str = "PIECEWORK_EXEC";

/// Exit codes of a shell that cannot run a program, because it is not there or for another reason.
const NOT_FOUND_CODE: u8 = 127;
const NOT_RUNNABLE_CODE: u8 = 126;

/// What a shell adds to the number of a signal that ended a program.
const SIGNAL_CODE_BASE: i32 = 128;

/// Signals that wait to be passed on; a program that gets more at once has enough of them.
const SIGNALS_WAITING_MAX: usize = 16;

/// Signals that others send to us and mean for the program.
const PASSED_ON: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::USR1, Signal::USR2];

/// Runs the program to its end, and gives its exit code.
pub(crate) async fn run(command: &[OsString], folder: &Folder) -> anyhow::Result<ExitCode> {
    let (name, arguments) = command.split_first().context("name a command to run")?;
    let mut signals = signals()?; // before there is a program that they could miss
    let spawned = Command::new(name)
        .args(arguments)
        .env("PYTHONPATH", folder.python_path())
        .env(SOCKET_VARIABLE, folder.socket())
        .spawn();
    match spawned {
        Ok(program) => wait(program, &mut signals).await,
        Err(error) => {
            output::talk(format_args!("cannot run {}: {error}", name.display()));
            let missing = error.kind() == io::ErrorKind::NotFound;
            Ok(ExitCode::from(if missing { NOT_FOUND_CODE } else { NOT_RUNNABLE_CODE }))
        }
    }
}

async fn wait(
    mut program: Child,
    signals: &mut mpsc::Receiver<Signal>,
) -> anyhow::Result<ExitCode> {
    let pid = program.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    loop {
        tokio::select! {
            ended = program.wait() => {
                return Ok(exit_code(ended.context("cannot wait for the program")?));
            }
            Some(number) = signals.recv() => {
                if let Some(pid) = pid {
                    // It may have ended just now, which is no error.
                    let _ = kill_process(pid, number);
                }
            }
        }
    }
}

/// All signals that are to be passed on, as they come.
fn signals() -> anyhow::Result<mpsc::Receiver<Signal>> {
    let (sender, signals) = mpsc::channel(SIGNALS_WAITING_MAX);
    for number in PASSED_ON {
        listen(number, Some(sender.clone()))?;
    }
    // A terminal gives Ctrl-C to the program as well as to us; a second one would break off what
    // the program does about the first.
    listen(Signal::INT, Some(sender).filter(|_| !output::input_is_typed()))?;
    Ok(signals)
}

/// Takes note of a signal, which no longer ends us; passes it on if there is someone to take it.
fn listen(number: Signal, sender: Option<mpsc::Sender<Signal>>) -> anyhow::Result<()> {
    let mut stream = signal(SignalKind::from_raw(number.as_raw()))
        .with_context(|| format!("cannot listen for signal {number:?}"))?;
    if let Some(sender) = sender {
        tokio::spawn(async move {
            while stream.recv().await.is_some() && sender.send(number).await.is_ok() {}
        });
    }
    Ok(())
}

/// The program's own exit code; as in a shell, 128 and the signal's number if one ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|number| SIGNAL_CODE_BASE + number));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
