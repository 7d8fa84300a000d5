//! What a command that ended leaves behind: its end, what it wrote, what it used.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Signal, Usage};

/// What a command that ended leaves behind.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::{Command, End};
///
/// let output = Command::new("sh").arg("-c").arg("echo out; echo err >&2; exit 3").run().await?;
/// assert_eq!(output.end, End::Code(3));
/// assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
/// assert!(!output.timed_out);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Output {
    /// How its first process ended.
    pub end: End,
    /// What was written to standard output: all of it, or what came after the last
    /// [`Part`](super::Part).
    #[serde(with = "super::plain")]
    pub stdout: Vec<u8>,
    /// What was written to standard error: the last of it, or what came after the last
    /// [`Part`](super::Part).
    #[serde(with = "super::plain")]
    pub stderr: Vec<u8>,
    /// The time from the spawn to the end.
    pub duration: Duration,
    /// What it used.
    pub usage: Usage,
    /// Whether it was stopped because it took too long, by its [`timeout`](super::Command::timeout)
    /// or by whoever sets this.
    pub timed_out: bool,
}

/// How a process ended.
///
/// ```
/// use piecework::command::End;
///
/// assert_eq!(End::Code(3).to_string(), "exit code 3");
/// assert_eq!(End::Signal(9).to_string(), "signal SIGKILL");
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum End {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl End {
    /// Tells whether the exit code was 0.
    ///
    /// ```
    /// # use piecework::command::End;
    /// assert!(End::Code(0).is_success());
    /// assert!(!End::Code(1).is_success() && !End::Signal(15).is_success());
    /// ```
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

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "exit code {code}"),
            Self::Signal(number) => match Signal::from_number(*number) {
                Some(signal) => write!(formatter, "signal SIG{signal}"),
                None => write!(formatter, "signal {number}"),
            },
        }
    }
}
