//! A socket that listens, TCP or Unix.

use crate::{Address, Stream};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// How often the lock on a socket's folder is asked for. Those who keep it are at it for a
/// millisecond; after five seconds it is somebody who keeps it for something else.
const LOCK_TRIES: u32 = 500;

/// How long between two times.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A socket that listens. The file of a Unix socket goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    /// Removed with this, and before the socket ends: at no moment is our file one at which nobody
    /// listens, which somebody else would replace, and we then remove theirs.
    _file: Option<SocketFile>,
    socket: Listening,
    address: Address,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The file of a Unix socket, by which it is known that it is still ours.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Listener {
    /// Listens at an address and port; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// What the system says, `AddrInUse` above all.
    pub fn tcp(address: SocketAddr, backlog: i32) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // Connections of an earlier run that linger must not keep this one from starting.
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // `[::]` is every address of this machine, whatever the system's default.
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        let socket = TcpListener::from_std(socket.into())?;
        let address = socket.local_addr()?.into();
        Ok(Self { _file: None, socket: Listening::Tcp(socket), address })
    }

    /// Listens at the path of a Unix socket. The file that a manager left which was killed is
    /// replaced; one that somebody listens at is not.
    ///
    /// # Errors
    ///
    /// What the system says, `AddrInUse` above all.
    pub async fn unix(path: &Path, backlog: i32) -> io::Result<Self> {
        let address = Address::Unix(path.to_owned());
        // Between the look at a file and its end, and until we listen at ours, nobody else may
        // come to think that it is left over.
        let locked = match address.file() {
            Some(file) => Some(lock_folder(file).await?),
            None => None,
        };
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let name = SockAddr::unix(path)?;
        match socket.bind(&name) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_over(path).await => {
                fs::remove_file(path)?;
                socket.bind(&name)?;
            }
            bound => bound?,
        }
        let file = address.file().map(SocketFile::of).transpose()?;
        socket.listen(backlog)?;
        drop(locked);
        let socket = UnixListener::from_std(socket.into())?;
        Ok(Self { _file: file, socket: Listening::Unix(socket), address })
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Accepts the next connection.
    ///
    /// # Errors
    ///
    /// When that connection is gone already, or the process has no descriptors left; neither is a
    /// reason to stop listening.
    pub async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Listening::Tcp(socket) => socket.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Listening::Unix(socket) => {
                socket.accept().await.map(|(stream, _)| Stream::Unix(stream))
            }
        }
    }
}

/// Waits until nobody else who begins to listen in the folder of `file` is at it: a lock on the
/// folder leaves nothing behind, and goes with the process.
async fn lock_folder(file: &Path) -> io::Result<File> {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let lock = File::open(folder)?;
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    let folder = folder.display();
    let kept = format!("somebody keeps a lock on the folder {folder}; hint: another folder");
    Err(io::Error::new(io::ErrorKind::TimedOut, kept))
}

/// Whether a path is a socket at which nobody listens.
async fn is_left_over(path: &Path) -> bool {
    // A connection to what is no socket is refused, too.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        return false;
    }
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    UnixStream::connect(path).await.err().is_some_and(refused)
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have put another file there meanwhile: theirs stays.
        let metadata = fs::metadata(&self.path);
        if metadata.is_ok_and(|now| (now.dev(), now.ino()) == (self.device, self.inode)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Peer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Says a word over a connection, and gives back who the listener sees.
    async fn talk(listener: &Listener) -> Peer {
        let mut client = Stream::connect(listener.address()).await.unwrap();
        client.write_all(b"word").await.unwrap();
        let mut accepted = listener.accept().await.unwrap();
        let mut word = [0; 4];
        accepted.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"word");
        accepted.peer().unwrap()
    }

    #[tokio::test]
    async fn tcp_listens_at_both_kinds_of_address() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let address: SocketAddr = address.parse().unwrap();
            let listener = Listener::tcp(address, 16).unwrap();
            let Peer::Host(peer) = talk(&listener).await else { panic!("a peer over TCP") };
            assert_eq!(peer.ip(), address.ip());
        }
    }

    #[tokio::test]
    async fn a_unix_socket_knows_its_peer_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::unix(&path, 16).await.unwrap();
        assert_eq!(talk(&listener).await.pid(), Some(std::process::id()));
        let second = Listener::unix(&path, 16).await.unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_manager_left_is_replaced_and_what_is_no_socket_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        // Dropped without removing its file, as by a kill.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        talk(&Listener::unix(&path, 16).await.unwrap()).await;
        fs::write(&path, "a file of somebody's").unwrap();
        let error = Listener::unix(&path, 16).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).unwrap(), b"a file of somebody's");
    }

    #[tokio::test]
    async fn a_file_that_somebody_else_put_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = Listener::unix(&path, 16).await.unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(folder.path().join("keeps the inode busy"), "").unwrap();
        let second = Listener::unix(&path, 16).await.unwrap();
        drop(first);
        talk(&second).await;
    }

    #[tokio::test]
    async fn whoever_begins_to_listen_waits_for_those_who_are_at_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let lock = lock_folder(&path).await.unwrap();
        let mut second = std::pin::pin!(Listener::unix(&path, 16));
        tokio::select! {
            biased;
            early = &mut second => panic!("{early:?}"),
            () = tokio::task::yield_now() => {}
        }
        assert!(!path.exists());
        drop(lock);
        talk(&second.await.unwrap()).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_abstract_name_is_no_file() {
        let name = format!("unix:@piecework-test-{}", std::process::id());
        let Address::Unix(path) = name.parse().unwrap() else { panic!("a Unix socket") };
        let listener = Listener::unix(&path, 16).await.unwrap();
        assert_eq!(listener.address().to_string(), name);
        talk(&listener).await;
    }
}
