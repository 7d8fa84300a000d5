//! Drives the built `piecework` as a user does: arguments and input in, output and exit code out.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

pub(crate) mod manager;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Longer than anything here takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A `piecework` command to be run.
pub(crate) struct TestCommand(Command);

/// Begins a command: `piecework(["map", "wc"])`.
pub(crate) fn piecework<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> TestCommand {
    let mut command = Command::new(env!("CARGO_BIN_EXE_piecework"));
    command.args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What the caller's own environment says of piecework is not what is tested.
    let ours = |name: &OsStr| name.as_encoded_bytes().starts_with(b"PIECEWORK_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.env("PIECEWORK_CONFIG", ""); // nor what their files of settings say
    // Nor is anything kept in the user's own folders; whoever tests that names a --data-dir.
    command.env("PIECEWORK_SERVE_ENGINE", "memory");
    TestCommand(command)
}

impl TestCommand {
    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments);
        self
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Sets the folder it runs in.
    pub(crate) fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Takes a variable out of its environment.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Runs it to its end with nothing on standard input.
    pub(crate) fn run(self) -> Ran {
        self.run_with(b"")
    }

    /// Runs it to its end with these bytes on standard input.
    pub(crate) fn run_with(mut self, input: &[u8]) -> Ran {
        let mut child = self.0.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let _ = stdin.write_all(input); // who reads only a part is not wrong
            });
            let output = child.wait_with_output().unwrap();
            Ran { code: code(output.status), stdout: output.stdout, stderr: text(&output.stderr) }
        })
    }

    /// Starts it, to be talked to while it runs.
    pub(crate) fn start(mut self) -> Started {
        Started::spawn(&mut self.0)
    }
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    /// What it printed, as text.
    pub(crate) fn text(&self) -> String {
        text(&self.stdout)
    }

    /// Insists on the exit code and the output.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, stdout: &str) {
        assert_eq!((self.code, self.text().as_str()), (code, stdout), "stderr: {}", self.stderr);
    }
}

/// A command that runs. It is killed when the test ends before it.
pub(crate) struct Started {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Started {
    /// Starts any program, with pipes.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Self { child, stdin, stdout }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the next line of its output, which is given without its newline.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Closes our end of its output.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for its next line on standard error.
    pub(crate) fn error_line(&mut self) -> String {
        let mut line = Vec::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while stderr.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
            line.extend(byte);
        }
        text(&line)
    }

    /// Waits for its end; the output is what was not read before.
    pub(crate) fn end(mut self) -> Ran {
        self.stdin = None;
        let mut stdout = Vec::new();
        if let Some(mut rest) = self.stdout.take() {
            rest.read_to_end(&mut stdout).unwrap();
        }
        let mut stderr = Vec::new();
        self.child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        Ran { code: code(self.child.wait().unwrap()), stdout, stderr: text(&stderr) }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The words of each command, those of commands within commands after them.
pub(crate) fn commands() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, words: &[String]) -> Vec<Vec<String>> {
        let of_one = |inner: &clap::Command| {
            let words = [words, &[inner.get_name().to_owned()]].concat();
            let nested = below(inner, &words);
            std::iter::once(words).chain(nested)
        };
        command.get_subcommands().flat_map(of_one).collect()
    }
    below(&<piecework_cli::Arguments as clap::CommandFactory>::command(), &[])
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2)); // rhythm: looks again, decides nothing
    }
}

/// Tells whether a process has ended: it is gone, or nobody has asked for its exit code yet.
pub(crate) fn is_gone(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state == Some('Z') || test_kill_process(Pid::from_raw(pid).unwrap()).is_err()
}

/// The exit code as a shell shows it.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
