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
use std::io::{self, PipeReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use self::child::{Part, Running};
pub use self::error::CommandError;
pub use self::group::Group;
pub use self::output::{End, Output};
pub use self::process::Usage;
pub(crate) use self::running::kill_all;
pub use self::signal::{Signal, UnknownSignal};
pub use self::stream::Parts;

mod child;
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
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::Command;
///
/// let command = Command::new("sh").arg("-c").arg("tr a-z A-Z").input("five!");
/// assert_eq!(command.run().await?.stdout, b"FIVE!");
/// # Ok(())
/// # }
/// ```
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
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let output = Command::new("echo").arg("one word").run().await?;
    /// assert_eq!(output.stdout, b"one word\n");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let output = Command::new("echo").arg("$HOME").arg("*").run().await?;
    /// assert_eq!(output.stdout, b"$HOME *\n"); // there is no shell to look into it
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.inner.arg(argument);
        self
    }

    /// Sets one variable of the environment, which is otherwise that of this process.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let output = Command::new("printenv").arg("COLOUR").env("COLOUR", "red").run().await?;
    /// assert_eq!(output.stdout, b"red\n");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.look_up_in(name.as_ref());
        self.inner.env(name, value);
        self
    }

    /// Takes one variable out of the environment.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let output = Command::new("printenv").arg("HOME").env_remove("HOME").run().await?;
    /// assert!(output.stdout.is_empty() && !output.end.is_success());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.look_up_in(name.as_ref());
        self.inner.env_remove(name);
        self
    }

    /// Names the directory that the command works in, which is otherwise that of this process.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// assert_eq!(Command::new("pwd").current_dir("/").run().await?.stdout, b"/\n");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.inner.current_dir(directory);
        self
    }

    /// Lets another program start the command, as `nice -n 5 COMMAND` does: these are its name and
    /// its own arguments.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let command = Command::new("printenv").arg("COLOUR");
    /// assert_eq!(command.via(["env", "COLOUR=red"]).run().await?.stdout, b"red\n");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn via(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.via = words.into_iter().map(Into::into).collect();
        self
    }

    /// Gives the bytes that the command reads from its standard input.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let output = Command::new("wc").arg("-c").input(vec![0; 1_000]).run().await?;
    /// assert_eq!(output.stdout.trim_ascii(), b"1000");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Bytes>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Keeps at most this many bytes from the end of standard error, [`STDERR_BYTES_MAX`] unless
    /// told.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let command = Command::new("sh").arg("-c").arg("seq 1000 >&2");
    /// assert_eq!(command.stderr_bytes_max(9).run().await?.stderr, b"999\n1000\n");
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let running = Command::new("sleep").arg("60").spawn()?; // does not wait
    /// running.group().terminate();
    /// assert!(!running.finish().await?.end.is_success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CommandError::Spawn`] if the program is missing, is not executable, or the system lacks
    /// processes or files.
    ///
    /// # Panics
    /// Outside of a tokio runtime: its pipes are read there.
    pub fn spawn(mut self) -> Result<Running, CommandError> {
        let started = Instant::now();
        let program = self.program.clone();
        if let Some((first, words)) = self.via.split_first() {
            self.inner = led_by(first, words, Some(&program), &self.inner);
            self.is_found = false;
        }
        let running = self.start().and_then(|(child, output)| {
            let group = Group(process::pid_of(&child));
            Running::attend(self, child, output, group, started).inspect_err(|_| group.kill())
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
}

/// Runs a command, as a task: what a pool's children can be given.
///
/// The command and all that it started are killed when the pool ends or the program does, however
/// that ends. Where a child of the pool itself is killed, as by
/// [`Process::kill`](crate::Process::kill) or by somebody else, the command goes on.
///
/// ```
/// use piecework::Pool;
/// use piecework::command::{self, Command};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     piecework::init(); // first: the children are this program, too
///     let names = ["a.txt", "b.txt", "c.txt"];
///     let files = names.map(|name| Command::new("basename").arg(name).arg(".txt"));
///     for output in Pool::local(2).map(command::run, files).await? {
///         assert!(output?.end.is_success());
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
