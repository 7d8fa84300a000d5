//! Starts the real binary, `piecework serve`, on a free port and waits until it answers.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use std::{env, thread};

use tempfile::TempDir;

/// How long a server may take to say where it listens. It takes some milliseconds; the rest is for
/// a loaded machine, and short of the 30 seconds after which a test is killed without a word.
const START_MAX: Duration = Duration::from_secs(20);
/// What the server's first line says in front of its address.
const GREETING: &str = "listening on ";
/// The authkey of every server here. It guards nothing: the server is on loopback, for one test.
const AUTHKEY: &str = "a key for tests alone";

/// A running `piecework serve` of its own, which ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// Holds the authkey file and what the server said on stderr; removed with the server.
    folder: TempDir,
}

impl Server {
    /// Starts a server in memory with these further options, such as `["--queue", "task"]`.
    ///
    /// The binary is the one of `PIECEWORK_BIN`, else the one cargo built beside the test.
    ///
    /// # Errors
    ///
    /// When there is no such binary, or it does not say in time where it listens; the message holds
    /// what it said instead.
    pub fn start(options: &[&str]) -> io::Result<Self> {
        Self::start_command(Command::new(binary()?), options)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that its clients need.
    #[must_use]
    pub fn authkey(&self) -> &str {
        AUTHKEY
    }

    /// What it has said on stderr so far.
    ///
    /// # Errors
    ///
    /// When the file that holds it cannot be read.
    pub fn talk(&self) -> io::Result<String> {
        fs::read_to_string(self.folder.path().join("stderr"))
    }

    fn start_command(mut command: Command, options: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let key_file = folder.path().join("authkey");
        fs::write(&key_file, AUTHKEY)?;
        command.args(["serve", "--listen", "127.0.0.1:0", "--engine", "memory"]);
        command.arg("--authkey-file").arg(&key_file).args(options);
        command.env("PIECEWORK_CONFIG", ""); // nobody's own settings are tested
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(folder.path().join("stderr"))?);
        let mut child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{command:?} does not start: {error}"))
        })?;
        let first_line = child.stdout.take().map(first_line);
        // From here on the child is owned, so it ends on every way out.
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), folder };
        let line = first_line.and_then(|line| line.recv_timeout(START_MAX).ok());
        let address = line.as_deref().and_then(|line| line.trim_end().strip_prefix(GREETING));
        match address.and_then(|address| address.parse().ok()) {
            Some(address) => server.address = address,
            None => {
                return Err(io::Error::other(format!(
                    "{command:?} said {line:?} where `{GREETING}ADDRESS:PORT` was due; on stderr: {}",
                    server.talk()?
                )));
            }
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the server has ended and been waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands over the first line, then reads on, so that the server never blocks on a full pipe.
fn first_line(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        // An unreadable line is handed over as far as it came; who waits for it reports it.
        let _ = stdout.read_line(&mut line);
        let _ = sender.send(line);
        let _ = io::copy(&mut stdout.by_ref(), &mut io::sink());
    });
    receiver
}

/// The binary under test. Cargo puts a test into `deps`, in the folder that holds the binaries.
pub(crate) fn binary() -> io::Result<PathBuf> {
    let beside = || -> io::Result<PathBuf> {
        let test = env::current_exe()?;
        let folder = test.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        Ok(folder.join(format!("piecework{}", env::consts::EXE_SUFFIX)))
    };
    let path = env::var_os("PIECEWORK_BIN").map_or_else(beside, |path| Ok(path.into()))?;
    if !path.is_file() {
        return Err(io::Error::other(format!(
            "{} is not there\nhint: cargo build -p piecework-cli, or set PIECEWORK_BIN",
            path.display()
        )));
    }
    Ok(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Starts a shell script in the place of the binary.
    fn start(script: &str) -> io::Result<Server> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script, "piecework"]);
        Server::start_command(shell, &["--queue", "task"])
    }

    #[test]
    fn the_address_is_read_from_the_first_line() {
        let server = start("echo listening on 127.0.0.1:1234; exec cat >/dev/null").unwrap();
        assert_eq!(server.address(), "127.0.0.1:1234".parse().unwrap());
    }

    #[test]
    fn the_options_arrive_and_the_key_file_holds_the_key() {
        let script = r#"
            test "$1 $2 $3" = "serve --listen 127.0.0.1:0" || exit 1
            while test "$1" != --authkey-file; do shift; done
            cat "$2" >&2
            test "$3 $4" = "--queue task" && echo listening on "[::1]:9""#;
        let server = start(script).unwrap();
        assert_eq!(server.address(), "[::1]:9".parse().unwrap());
        assert_eq!(server.talk().unwrap(), server.authkey());
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_words() {
        let error = start("echo the port is taken >&2; exit 1").unwrap_err();
        assert!(error.to_string().contains("the port is taken"), "{error}");
    }

    #[test]
    fn a_server_that_says_something_else_is_an_error_with_its_words() {
        let error = start("echo good morning; exec cat >/dev/null").unwrap_err();
        assert!(error.to_string().contains("good morning"), "{error}");
    }
}
