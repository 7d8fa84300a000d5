//! Why a command gave no output, and what to do about it.

use std::ffi::OsString;
use std::io;

use super::STDOUT_BYTES_MAX;

/// Why a command gave no [`Output`](super::Output).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::{Command, CommandError};
///
/// let error = Command::new("no-such-program").run().await.unwrap_err();
/// assert!(matches!(&error, CommandError::Spawn { program, .. } if program == "no-such-program"));
/// assert!(error.to_string().contains("hint: is it installed, and on PATH?"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The program could not be started.
    #[error("cannot run {}: {source}{}", .program.display(), spawn_hint(.source))]
    Spawn {
        /// The program as it was named.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// The system did not tell how the command ended.
    #[error("cannot learn how {} ended: {source}", .program.display())]
    Wait {
        /// The program as it was named.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// The command was killed because it wrote more than fits.
    #[error(
        "{} wrote more than {STDOUT_BYTES_MAX} bytes to standard output and was killed \
         (hint: let it write to a file)",
        .program.display()
    )]
    TooMuchOutput {
        /// The program as it was named.
        program: OsString,
    },
}

fn spawn_hint(error: &io::Error) -> &'static str {
    use io::ErrorKind::{ArgumentListTooLong, NotFound, PermissionDenied, WouldBlock};
    match error.kind() {
        NotFound => " (hint: is it installed, and on PATH? does its working directory exist?)",
        PermissionDenied => " (hint: is it executable? chmod +x)",
        ArgumentListTooLong => " (hint: give the task on standard input or in a file)",
        WouldBlock => " (hint: too many processes; see ulimit -u)",
        _ if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            " (hint: too many open files; see ulimit -n)"
        }
        _ => "",
    }
}
