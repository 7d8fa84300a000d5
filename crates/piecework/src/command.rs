//! A child command: spawn it as its own process group, feed it, collect what it writes, stop it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), piecework::command::CommandError> {
//! use piecework::command::{Command, End};
//!
//! let output = Command::new("wc").arg("-c").input("five!").spawn()?.finish().await?;
//! assert_eq!(output.end, End::Code(0));
//! assert_eq!(output.stdout.trim_ascii(), b"5");
//! # Ok(())
//! # }
//! ```
//!
//! A command ends when its first process ends. Processes that it left in the background are not
//! waited for: what they write later is not collected, and stopping them is up to whoever holds
//! the [`Group`].

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};

use self::stream::{Stream, StreamError};

mod stream;

/// How many bytes of standard output one command may write: its output travels as one frame, whose
/// own limit is 1 GiB, and is held in memory until then.
pub const STDOUT_BYTES_MAX: usize = 512 << 20;

/// How many bytes of standard error are kept, from its end: enough for any message a person reads.
pub const STDERR_BYTES_MAX: usize = 1 << 20;

/// A command to run: its program, arguments, environment and input.
///
/// It is spawned without a shell, as the leader of a process group of its own, so that it can be
/// stopped together with all that it started. Its standard input is empty unless
/// [`input`](Self::input) says otherwise.
#[derive(Debug)]
pub struct Command {
    program: OsString,
    inner: tokio::process::Command,
    input: Option<Bytes>,
    stderr_bytes_max: usize,
}

impl Command {
    /// Names the program: a path, or a name that is looked up on `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        let mut inner = tokio::process::Command::new(&program);
        inner.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Self { program, inner, input: None, stderr_bytes_max: STDERR_BYTES_MAX }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.inner.arg(argument);
        self
    }

    /// Sets one variable of the environment, which is otherwise that of this process.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Gives the bytes that the command reads from its standard input.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Bytes>) -> Self {
        self.inner.stdin(Stdio::piped());
        self.input = Some(bytes.into());
        self
    }

    /// Keeps at most this many bytes from the end of standard error, [`STDERR_BYTES_MAX`] unless
    /// told.
    #[must_use]
    pub fn stderr_bytes_max(mut self, bytes_max: usize) -> Self {
        self.stderr_bytes_max = bytes_max;
        self
    }

    /// Starts the command.
    ///
    /// # Errors
    /// [`CommandError::Spawn`] if the program is missing, is not executable, or the system lacks
    /// processes or files.
    pub fn spawn(mut self) -> Result<Running, CommandError> {
        let program = self.program;
        let started = Instant::now();
        let mut child = match self.inner.spawn() {
            Ok(child) => child,
            Err(source) => return Err(CommandError::Spawn { program, source }),
        };
        let raw = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = raw.expect("a child that was not waited for has a process id");
        let stdin = child.stdin.take().zip(self.input);
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        Ok(Running {
            stdin,
            stdout: Stream::whole(stdout, STDOUT_BYTES_MAX),
            stderr: Stream::tail(stderr, self.stderr_bytes_max),
            child,
            group: Group(pid),
            program,
            started,
            finished: false,
        })
    }
}

/// A command that runs. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct Running {
    program: OsString,
    child: Child,
    group: Group,
    stdin: Option<(ChildStdin, Bytes)>,
    stdout: Stream<tokio::process::ChildStdout>,
    stderr: Stream<tokio::process::ChildStderr>,
    started: Instant,
    finished: bool,
}

impl Running {
    /// Returns the handle with which the command and all that it started can be stopped while it
    /// runs.
    pub fn group(&self) -> Group {
        self.group
    }

    /// Feeds the command, collects what it writes, and returns when it has ended.
    ///
    /// # Errors
    /// [`CommandError::TooMuchOutput`] if it wrote more than [`STDOUT_BYTES_MAX`] and was killed,
    /// [`CommandError::Wait`] if the system refuses to tell its end.
    pub async fn finish(mut self) -> Result<Output, CommandError> {
        let status = self.until_end().await.map_err(|error| {
            let program = self.program.clone();
            match error {
                StreamError::Overfull => CommandError::TooMuchOutput { program },
                StreamError::System(source) => CommandError::Wait { program, source },
            }
        })?;
        self.finished = true;
        Ok(Output {
            end: End::from(status),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            duration: self.started.elapsed(),
        })
    }

    /// The status with which the first process ended, once its streams hold all that it wrote.
    async fn until_end(&mut self) -> Result<ExitStatus, StreamError> {
        let Self { child, stdin, stdout, stderr, .. } = self;
        let streams = async {
            let (filled, (), _) = tokio::join!(stdout.fill(), feed(stdin.take()), stderr.fill());
            match filled {
                Ok(()) => std::future::pending().await, // only the process itself tells its end
                Err(error) => error,
            }
        };
        let status = tokio::select! {
            status = child.wait() => status.map_err(StreamError::System)?,
            error = streams => return Err(error),
        };
        stdout.drain()?;
        stderr.drain()?;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.finished {
            self.group.kill();
        }
    }
}

/// Writes the input and closes the pipe. A command that does not read all of it is not at fault.
async fn feed(stdin: Option<(ChildStdin, Bytes)>) {
    if let Some((mut pipe, bytes)) = stdin {
        let _ = pipe.write_all(&bytes).await;
    }
}

/// The process group of a command: its first process and all that it started, unless they left on
/// purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(Pid);

impl Group {
    /// Returns the number of the group, which is the process id of its first process.
    pub fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Names a group by its number; `None` for numbers that no group has.
    pub fn from_id(id: i32) -> Option<Self> {
        // 1 is init, and a group that is signalled as -1 would be every process there is.
        if id > 1 { Pid::from_raw(id).map(Self) } else { None }
    }

    /// Asks every process of the group to end (SIGTERM).
    pub fn terminate(self) {
        // The only expected failure is that nobody is left to signal.
        let _ = kill_process_group(self.0, Signal::TERM);
    }

    /// Ends every process of the group at once (SIGKILL).
    pub fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// What a command that ended leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How its first process ended.
    pub end: End,
    /// All that was written to standard output.
    pub stdout: Vec<u8>,
    /// The last of what was written to standard error.
    pub stderr: Vec<u8>,
    /// The time from the spawn to the end.
    pub duration: Duration,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl End {
    /// Tells whether the exit code was 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.expect("a process ends by exit or by signal")),
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "exit code {code}"),
            Self::Signal(signal) => match Signal::from_named_raw(*signal) {
                Some(named) => {
                    let name = format!("{named:?}");
                    write!(
                        formatter,
                        "signal SIG{}",
                        name.trim_matches('"').trim_start_matches("Signal::")
                    )
                }
                None => write!(formatter, "signal {signal}"),
            },
        }
    }
}

/// Why a command gave no [`Output`].
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
        NotFound => " (hint: is it installed, and on PATH?)",
        PermissionDenied => " (hint: is it executable? chmod +x)",
        ArgumentListTooLong => " (hint: give the task on standard input or in a file)",
        WouldBlock => " (hint: too many processes; see ulimit -u)",
        _ if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            " (hint: too many open files; see ulimit -n)"
        }
        _ => "",
    }
}
