//! A server that is measured: a process on a free port, with a folder of its own; both end with it.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::peer::Peer;

/// How long a server may take to listen. It takes less than a second; the rest is for a busy disk.
const START_MAX: Duration = Duration::from_secs(20);
/// How often it is asked meanwhile.
const START_STEP: Duration = Duration::from_millis(5);
/// Its last words, as many as help when it failed.
const TALK_BYTES_MAX: usize = 2_000;

/// Has the system kill a program when the thread that started it ends without having done so, as
/// when somebody kills this program; not every system knows this.
const WITH_US: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];
static HAS_WITH_US: LazyLock<bool> = LazyLock::new(|| {
    let [program, words @ ..] = WITH_US;
    let mut trial = Command::new(program);
    trial.args(words).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    trial.status().is_ok_and(|status| status.success())
});

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts a server in a new folder within this one, and waits until it listens.
    pub(crate) fn start(peer: &dyn Peer, program: &Path, within: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir_in(within)?;
        // It is free again when the server takes it; that nobody else does is likely enough.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = with_us(peer.command(program, address.port(), folder.path())?);
        let talk = File::create(folder.path().join("talk"))?;
        command.current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(talk.try_clone()?).stderr(talk);
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{command:?} does not start: {error}"))
        })?;
        let mut server = Self { child, address, folder };
        server.await_listening(&command)?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes of its memory are resident, as the system counts them.
    ///
    /// # Errors
    /// The system does not tell: only Linux does.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        // `setpriv` has become the server: the process is the same.
        let file = format!("/proc/{}/status", self.child.id());
        let failed = |kind: io::ErrorKind| io::Error::new(kind, format!("{file}: {kind}"));
        let status = fs::read_to_string(&file).map_err(|error| failed(error.kind()))?;
        resident(&status).ok_or_else(|| failed(io::ErrorKind::InvalidData))
    }

    /// Adds what the server said last to an error that may be its fault.
    pub(crate) fn blame(&self, error: &io::Error) -> io::Error {
        let talk = fs::read(self.folder.path().join("talk")).unwrap_or_default();
        let last = talk.get(talk.len().saturating_sub(TALK_BYTES_MAX)..).unwrap_or_default();
        let last = String::from_utf8_lossy(last);
        io::Error::new(error.kind(), format!("{error}\nthe server's last words: {last}"))
    }

    fn await_listening(&mut self, command: &Command) -> io::Result<()> {
        let begin = Instant::now();
        loop {
            let Err(refused) = TcpStream::connect(self.address) else { return Ok(()) };
            let ended = self.child.try_wait()?;
            if ended.is_some() || begin.elapsed() > START_MAX {
                let ended = ended.map_or("it runs still".to_owned(), |status| status.to_string());
                let what = format!("{command:?} does not listen ({ended}): {refused}");
                return Err(self.blame(&io::Error::other(what)));
            }
            thread::sleep(START_STEP);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the server has ended and been waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the status of a process says of its resident memory, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}

/// The same command, which ends when we do where the system can see to that.
fn with_us(command: Command) -> Command {
    if !*HAS_WITH_US {
        return command;
    }
    let [program, words @ ..] = WITH_US;
    let mut wrapped = Command::new(program);
    wrapped.args(words).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::peer::Client;

    /// A shell script in the place of a server.
    struct Script(&'static str);

    impl Peer for Script {
        fn command(&self, shell: &Path, _: u16, _: &Path) -> io::Result<Command> {
            let mut command = Command::new(shell);
            command.args(["-c", self.0]);
            Ok(command)
        }

        fn client(&self, _: &mut TcpStream, _: usize) -> io::Result<Box<dyn Client>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    #[test]
    fn resident_memory_is_read_from_a_status() {
        let status = "Name:\tx\nVmHWM:\t   99 kB\nVmRSS:\t    2048 kB\nThreads:\t1\n";
        assert_eq!(resident(status), Some(2 << 20));
        assert_eq!(resident("Name:\tx\n"), None, "a process that has ended");
    }

    #[test]
    fn a_server_that_ends_at_once_leaves_its_words_and_nothing_else() {
        let within = tempfile::tempdir().unwrap();
        let script = Script("printf 'the %s is gone' disk >&2; exit 3");
        let error = Server::start(&script, Path::new("/bin/sh"), within.path()).unwrap_err();
        assert!(error.to_string().contains("the disk is gone"), "{error}");
        assert_eq!(fs::read_dir(within.path()).unwrap().count(), 0);
    }
}
