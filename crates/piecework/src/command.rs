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

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::time::timeout;

use self::process::Process;
use self::stream::{Keep, Stream, StreamError};

pub use self::error::CommandError;
pub use self::group::Group;
pub use self::output::{End, Output};
pub use self::process::Usage;
pub(crate) use self::running::kill_all;
pub use self::signal::{Signal, UnknownSignal};
pub use self::stream::Parts;

mod error;
mod group;
mod output;
mod plain;
mod process;
mod running;
mod search;
mod signal;
mod stream;

/// How many bytes of standard output one command may write: its output travels as one frame, whose
/// own limit is 1 GiB, and is held in memory until then.
pub const STDOUT_BYTES_MAX: usize = 512 << 20;

/// How many bytes of standard error are kept, from its end: enough for any message a person reads.
pub const STDERR_BYTES_MAX: usize = 1 << 20;

/// How long a command whose time is up may take to end when it is asked to, before it is killed.
pub const STOPPING_MAX: Duration = Duration::from_secs(2);

/// A command to run: its program, arguments, environment and input.
///
/// It is spawned without a shell, as the leader of a process group of its own, so that it can be
/// stopped together with all that it started. Its standard input is empty unless
/// [`input`](Self::input) says otherwise.
///
/// It is plain data for serde, and so is its [`Output`]: both can be put into queues, and be
/// arguments and results of tasks.
#[derive(Debug)]
pub struct Command {
    program: OsString,
    inner: std::process::Command,
    /// Whether `inner` names the file that was found for the program.
    is_found: bool,
    via: Vec<OsString>,
    input: Option<Bytes>,
    stderr_bytes_max: usize,
    timeout: Option<Duration>,
}

impl Command {
    /// Names the program: a path, or a name that is looked up on `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        let found = search::find(&program);
        let is_found = found.is_some();
        let mut inner = std::process::Command::new(found.as_deref().unwrap_or(program.as_ref()));
        inner.arg0(&program);
        Self {
            inner,
            program,
            is_found,
            via: Vec::new(),
            input: None,
            stderr_bytes_max: STDERR_BYTES_MAX,
            timeout: None,
        }
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
        self.look_up_in(name.as_ref());
        self.inner.env(name, value);
        self
    }

    /// Takes one variable out of the environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.look_up_in(name.as_ref());
        self.inner.env_remove(name);
        self
    }

    /// Names the directory that the command works in, which is otherwise that of this process.
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.inner.current_dir(directory);
        self
    }

    /// Lets another program start the command, as `nice -n 5 COMMAND` does: these are its name and
    /// its own arguments.
    #[must_use]
    pub fn via(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.via = words.into_iter().map(Into::into).collect();
        self
    }

    /// Gives the bytes that the command reads from its standard input.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Bytes>) -> Self {
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

    /// Has [`Running::finish`] stop the command, and all that it started, when it has run for so
    /// long: its group is asked to end, and killed when it has not ended after [`STOPPING_MAX`] or
    /// what is left of it when its first process has. [`Output::timed_out`] tells of it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// use std::time::Duration;
    ///
    /// use piecework::command::Command;
    ///
    /// let command = Command::new("sh").arg("-c").arg("echo begun; sleep 60 & wait");
    /// let output = command.timeout(Duration::from_millis(100)).run().await?;
    /// assert!(output.timed_out && !output.end.is_success());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Starts the command, feeds it, and collects what it writes until it has ended. A future that
    /// is dropped kills the whole group.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// let output = piecework::command::Command::new("sort").input("pear\napple\n").run().await?;
    /// assert_eq!(output.stdout, b"apple\npear\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Command::spawn`] and [`Running::finish`].
    pub async fn run(self) -> Result<Output, CommandError> {
        self.spawn()?.finish().await
    }

    /// Starts the command.
    ///
    /// # Errors
    /// [`CommandError::Spawn`] if the program is missing, is not executable, or the system lacks
    /// processes or files.
    pub fn spawn(mut self) -> Result<Running, CommandError> {
        let started = Instant::now();
        let program = self.program.clone();
        if let Some((first, words)) = self.via.split_first() {
            self.inner = led_by(first, words, Some(&program), &self.inner);
            self.is_found = false;
        }
        let running = self.start().and_then(|(child, output)| {
            let group = Group(process::pid_of(&child));
            self.attend(child, output, group, started).inspect_err(|_| group.kill())
        });
        running.map_err(|source| CommandError::Spawn { program, source })
    }

    /// A command of another `PATH` is looked up there.
    fn look_up_in(&mut self, variable: &OsStr) {
        if self.is_found && variable == "PATH" {
            self.is_found = false;
            self.inner = led_by(&self.program, &[], None, &self.inner);
        }
    }

    /// Starts it, with what it writes.
    fn start(&mut self) -> io::Result<(Child, [PipeReader; 2])> {
        let output = self.connect()?;
        match self.inner.spawn() {
            // It was moved, and may be found elsewhere.
            Err(error) if self.is_found && error.kind() == io::ErrorKind::NotFound => {
                search::forget(&self.program);
                self.inner = led_by(&self.program, &[], None, &self.inner);
                let output = self.connect()?;
                Ok((self.inner.spawn()?, output))
            }
            started => Ok((started?, output)),
        }
    }

    /// Gives it its own group and its streams, and returns standard output and standard error.
    fn connect(&mut self) -> io::Result<[PipeReader; 2]> {
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let (stdout, to_stdout) = io::pipe()?;
        let (stderr, to_stderr) = io::pipe()?;
        self.inner.stdin(stdin).stdout(to_stdout).stderr(to_stderr).process_group(0);
        Ok([stdout, stderr])
    }

    /// Takes the child and its pipes into the event loop.
    fn attend(
        self,
        mut child: Child,
        [stdout, stderr]: [PipeReader; 2],
        group: Group,
        started: Instant,
    ) -> io::Result<Running> {
        let stdin = child.stdin.take().map(ChildStdin::from_std).transpose()?;
        Ok(Running {
            program: self.program,
            group,
            _entry: running::Entry::new(group),
            timeout: self.timeout,
            process: Some(Process::new(child)?),
            stdin: stdin.zip(self.input),
            stdout: Stream::new(stdout, Keep::Whole(STDOUT_BYTES_MAX))?,
            stderr: Stream::new(stderr, Keep::Tail(self.stderr_bytes_max))?,
            _writers: self.inner,
            started,
        })
    }
}

/// Runs a command, as a task: what a pool's children can be given.
///
/// The command and all that it started are killed when the pool ends or the program does, however
/// that ends. Where a child of the pool itself is killed, as by
/// [`Process::kill`](crate::Process::kill) or by somebody else, the command goes on.
///
/// ```no_run
/// use piecework::Pool;
/// use piecework::command::{self, Command};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     piecework::init(); // first: the children are this program, too
///     let files = ["a", "b", "c"].map(|name| Command::new("gzip").arg("--keep").arg(name));
///     for output in Pool::local(2).map(command::run, files).await? {
///         println!("{}", output?.end);
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
/// What [`Command::run`] says, in words.
#[crate::task]
pub async fn run(command: Command) -> Result<Output, String> {
    command.run().await.map_err(|error| error.to_string())
}

/// The same command with other words in front of its arguments.
fn led_by(
    first: &OsStr,
    words: &[OsString],
    program: Option<&OsStr>,
    command: &std::process::Command,
) -> std::process::Command {
    let mut led = std::process::Command::new(first);
    led.args(words).args(program).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => led.env(name, value),
            None => led.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        led.current_dir(directory);
    }
    led
}

/// What a running command wrote since the last part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// To standard output.
    Stdout(Vec<u8>),
    /// To standard error.
    Stderr(Vec<u8>),
}

/// A command that runs. Dropping it kills its whole process group.
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
    _entry: running::Entry,
    started: Instant,
}

impl Running {
    /// Returns the handle with which the command and all that it started can be stopped while it
    /// runs.
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
