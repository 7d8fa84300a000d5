//! A command that runs: it is fed, what it writes is collected, and its end is told.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, PipeReader};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::time::timeout;

use super::process::Process;
use super::running::Entry;
use super::stream::{Keep, Stream, StreamError};
use super::{
    Command, CommandError, End, Group, Output, Parts, STDOUT_BYTES_MAX, STOPPING_MAX, Usage,
};

/// What a running command wrote since the last part.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::{Command, Part, Parts};
///
/// let mut running = Command::new("sh").arg("-c").arg("echo oh >&2; sleep 60").spawn()?;
/// let part = running.part(Parts { lines: true, bytes_max: 4096 }).await?;
/// assert_eq!(part, Some(Part::Stderr(b"oh\n".to_vec())));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// To standard output.
    Stdout(Vec<u8>),
    /// To standard error.
    Stderr(Vec<u8>),
}

/// A command that runs. Dropping it kills its whole process group.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::Command;
///
/// let running = Command::new("sleep").arg("60").spawn()?;
/// let group = running.group();
/// drop(running); // nothing of it goes on
/// # while group.is_alive() {
/// #     tokio::task::yield_now().await;
/// # }
/// assert!(!group.is_alive());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Running {
    program: OsString,
    group: Group,
    timeout: Option<Duration>,
    /// Until its end is told.
    process: Option<Process>,
    stdin: Option<(ChildStdin, Bytes)>,
    stdout: Stream,
    stderr: Stream,
    /// Holds the writing ends of both as well. So neither ends before this does, and the end of the
    /// command is one event instead of three.
    _writers: std::process::Command,
    /// The last to go: until then the end of this process is the end of the command.
    _entry: Entry,
    started: Instant,
}

impl Running {
    /// Takes the child of a command and its pipes into the event loop.
    pub(super) fn attend(
        command: Command,
        mut child: Child,
        [stdout, stderr]: [PipeReader; 2],
        group: Group,
        started: Instant,
    ) -> io::Result<Self> {
        let stdin = child.stdin.take().map(ChildStdin::from_std).transpose()?;
        Ok(Self {
            program: command.program,
            group,
            _entry: Entry::new(group),
            timeout: command.timeout,
            process: Some(Process::new(child)?),
            stdin: stdin.zip(command.input),
            stdout: Stream::new(stdout, Keep::Whole(STDOUT_BYTES_MAX))?,
            stderr: Stream::new(stderr, Keep::Tail(command.stderr_bytes_max))?,
            _writers: command.inner,
            started,
        })
    }

    /// Returns the handle with which the command and all that it started can be stopped while it
    /// runs.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let running = Command::new("sleep").arg("60").spawn()?;
    /// let group = running.group(); // to be kept by whoever may stop it
    /// let finishing = tokio::spawn(running.finish());
    /// group.kill();
    /// assert_eq!(finishing.await.expect("it does not panic")?.end.to_string(), "signal SIGKILL");
    /// # Ok(())
    /// # }
    /// ```
    pub fn group(&self) -> Group {
        self.group
    }

    /// Feeds the command until it has written a part, or has ended: then there is `None`, and
    /// [`finish`](Self::finish) tells the end and what came after the last part.
    ///
    /// Nothing is read between two calls, so that a command which writes faster than its parts are
    /// taken has to wait, and no output is too much. May be dropped at any time: nothing is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// use piecework::command::{Command, Part, Parts};
    ///
    /// let mut running = Command::new("seq").arg("100000").spawn()?;
    /// let (parts, mut bytes) = (Parts { lines: true, bytes_max: 4096 }, 0);
    /// while let Some(part) = running.part(parts).await? {
    ///     let (Part::Stdout(lines) | Part::Stderr(lines)) = part;
    ///     bytes += lines.len();
    /// }
    /// let output = running.finish().await?;
    /// assert_eq!(bytes + output.stdout.len(), 588_895);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CommandError::Wait`] if the system refuses to tell the end.
    pub async fn part(&mut self, parts: Parts) -> Result<Option<Part>, CommandError> {
        self.stdout.in_parts(parts);
        self.stderr.in_parts(parts);
        self.next().await.map_err(|error| self.failed(error))
    }

    /// Feeds the command, collects what it writes, and returns when it has ended.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let running = Command::new("sort").input("pear\napple\n").spawn()?;
    /// assert_eq!(running.finish().await?.stdout, b"apple\npear\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CommandError::TooMuchOutput`] if it wrote more than [`STDOUT_BYTES_MAX`] and was killed,
    /// [`CommandError::Wait`] if the system refuses to tell its end.
    pub async fn finish(mut self) -> Result<Output, CommandError> {
        let timed_out = match self.timeout {
            None => false,
            Some(time) => {
                let left = time.saturating_sub(self.started.elapsed());
                timeout(left, self.ended()).await.is_err()
            }
        };
        if timed_out {
            self.group.terminate();
            let _ = timeout(STOPPING_MAX, self.ended()).await;
            // Not reaped yet, so the group is nobody else's.
            self.group.kill();
        }
        let (status, usage) = self.until_end().await.map_err(|error| self.failed(error))?;
        Ok(Output {
            end: End::from(status),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            duration: self.started.elapsed(),
            usage,
            timed_out,
        })
    }

    /// How the first process ended, once the streams hold all that it wrote.
    async fn until_end(&mut self) -> Result<(ExitStatus, Usage), StreamError> {
        self.ended().await?;
        self.stdout.drain()?;
        self.stderr.drain()?;
        let ended = self.process.take().expect("only this takes it, once");
        ended.reap().map_err(StreamError::System)
    }

    /// Feeds the command and keeps what it writes until its first process has ended.
    async fn ended(&mut self) -> Result<(), StreamError> {
        self.stdout.in_one(STDOUT_BYTES_MAX);
        self.stderr.in_one(STDOUT_BYTES_MAX);
        let part = self.next().await?;
        assert_eq!(part, None, "streams that are kept in one have no parts");
        Ok(())
    }

    /// The next part; `None` once the process has ended.
    async fn next(&mut self) -> Result<Option<Part>, StreamError> {
        let Self { process, stdin, stdout, stderr, .. } = self;
        let process = process.as_mut().expect("it is taken at the end, by value");
        tokio::select! {
            ended = process.ended() => ended.map(|()| None).map_err(StreamError::System),
            part = stdout.part() => part.map(Part::Stdout).map(Some),
            part = stderr.part() => part.map(Part::Stderr).map(Some),
            never = feed(stdin) => match never {},
        }
    }

    fn failed(&self, error: StreamError) -> CommandError {
        let program = self.program.clone();
        match error {
            StreamError::Overfull => CommandError::TooMuchOutput { program },
            StreamError::System(source) => CommandError::Wait { program, source },
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.group.kill();
        }
    }
}

/// Writes the input and closes the pipe; never returns, as that is not the end of the command. A
/// command that does not read all of it is not at fault.
async fn feed(stdin: &mut Option<(ChildStdin, Bytes)>) -> Infallible {
    while let Some((pipe, bytes)) = stdin {
        let written = pipe.write_buf(bytes).await;
        if bytes.is_empty() || written.is_err() {
            *stdin = None;
        }
    }
    std::future::pending().await
}
