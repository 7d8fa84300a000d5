//! A TCP proxy in front of the manager, whose connections can be cut, half closed and stalled.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use super::schedule::Fault;

/// What is passed on at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// A running proxy; its threads end with their connections, and with the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    /// The connections there are; the threads of each own it.
    links: Arc<Mutex<Vec<Weak<Link>>>>,
}

impl Proxy {
    /// Listens on a free port of this machine and passes on what comes to `manager`.
    pub(crate) fn start(manager: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let links = Arc::new(Mutex::new(Vec::new()));
        let open = links.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A manager that is down: the client sees its connection end at once.
                let Ok(link) = Link::open(client, manager) else { continue };
                let mut open = lock(&open);
                open.retain(|link: &Weak<Link>| link.strong_count() > 0);
                open.push(Arc::downgrade(&link));
                link.start();
            }
        });
        Ok(Self { address, links })
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets a fault happen to the `nth` of the connections; `false` if there is none.
    pub(crate) fn strike(&self, fault: Fault, lasts: Duration, nth: usize) -> bool {
        let links: Vec<_> = lock(&self.links).iter().filter_map(Weak::upgrade).collect();
        let Some(link) = nth.checked_rem(links.len()).and_then(|at| links.get(at)) else {
            return false;
        };
        link.suffer(fault, lasts);
        true
    }
}

/// A connection of a client, and the one to the manager that belongs to it.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    manager: TcpStream,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Passing,
    Stalled { until: Instant, then_reset: bool },
    Reset,
}

impl Link {
    fn open(client: TcpStream, manager: SocketAddr) -> io::Result<Arc<Self>> {
        let manager = TcpStream::connect(manager)?;
        for stream in [&client, &manager] {
            stream.set_nodelay(true)?;
        }
        Ok(Arc::new(Self { client, manager, state: Mutex::new(State::Passing) }))
    }

    /// Begins to pass on, in both directions.
    fn start(self: Arc<Self>) {
        let other = self.clone();
        thread::spawn(move || other.pass(&other.client, &other.manager));
        thread::spawn(move || self.pass(&self.manager, &self.client));
    }

    /// Passes on one direction until it ends; an end in good order is passed on too.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = from.read(&mut chunk);
            if !self.may_pass() {
                return;
            }
            let Ok(bytes @ 1..) = read else { break };
            // After a half close nobody hears what is read: it is dropped, as on a dead wire.
            let _ = chunk.get(..bytes).is_some_and(|chunk| to.write_all(chunk).is_ok());
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Waits while nothing may pass; `false` once nothing ever will.
    fn may_pass(&self) -> bool {
        loop {
            let mut state = lock(&self.state);
            let (until, then_reset) = match *state {
                State::Passing => return true,
                State::Reset => return false,
                State::Stalled { until, then_reset } => (until, then_reset),
            };
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                drop(state);
                thread::sleep(left);
            } else if then_reset {
                drop(state);
                self.reset();
            } else {
                *state = State::Passing;
            }
        }
    }

    fn suffer(&self, fault: Fault, lasts: Duration) {
        // What fails here does so on a connection that has just ended by itself.
        match fault {
            Fault::Cut => {
                let _ = self.client.shutdown(Shutdown::Both);
                let _ = self.manager.shutdown(Shutdown::Both);
            }
            Fault::Reset => self.reset(),
            Fault::ManagerHearsNoMore => drop(self.manager.shutdown(Shutdown::Write)),
            Fault::ClientHearsNoMore => drop(self.client.shutdown(Shutdown::Write)),
            Fault::Stall | Fault::StallAndReset => {
                let then_reset = fault == Fault::StallAndReset;
                *lock(&self.state) = State::Stalled { until: Instant::now() + lasts, then_reset };
            }
        }
    }

    /// Ends both so that a reset goes out when they are closed, which is when their threads end.
    fn reset(&self) {
        *lock(&self.state) = State::Reset;
        for stream in [&self.client, &self.manager] {
            let _ = set_socket_linger(stream, Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Read);
        }
    }
}

/// What a thread left that panicked is still whole: every change here is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// A client's end and the manager's end of a connection through a proxy.
    fn connection() -> (Proxy, TcpStream, TcpStream) {
        let manager = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(manager.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let (mut far, _) = manager.accept().unwrap();
        assert_eq!(passed(&mut client, &mut far), "word");
        assert_eq!(passed(&mut far, &mut client), "word");
        (proxy, client, far)
    }

    fn passed(from: &mut TcpStream, to: &mut TcpStream) -> String {
        from.write_all(b"word").unwrap();
        let mut read = [0; 4];
        to.read_exact(&mut read).unwrap();
        String::from_utf8_lossy(&read).into_owned()
    }

    fn end(stream: &mut TcpStream) -> io::Result<usize> {
        stream.read(&mut [0; 4])
    }

    #[test]
    fn a_cut_is_an_end_on_both_sides() {
        let (proxy, mut client, mut far) = connection();
        assert!(proxy.strike(Fault::Cut, LONG, 5));
        assert_eq!((end(&mut client).unwrap(), end(&mut far).unwrap()), (0, 0));
    }

    #[test]
    fn a_reset_is_one_on_both_sides() {
        let (proxy, mut client, mut far) = connection();
        assert!(proxy.strike(Fault::Reset, LONG, 5));
        for stream in [&mut client, &mut far] {
            assert_eq!(end(stream).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        }
    }

    #[test]
    fn a_half_close_leaves_the_other_half() {
        let (proxy, mut client, mut far) = connection();
        assert!(proxy.strike(Fault::ManagerHearsNoMore, LONG, 0));
        assert_eq!(end(&mut far).unwrap(), 0);
        assert_eq!(passed(&mut far, &mut client), "word");
        let (proxy, mut client, mut far) = connection();
        assert!(proxy.strike(Fault::ClientHearsNoMore, LONG, 0));
        assert_eq!(end(&mut client).unwrap(), 0);
        assert_eq!(passed(&mut client, &mut far), "word");
    }

    #[test]
    fn a_stall_holds_back_and_then_passes_or_resets() {
        let short = Duration::from_millis(30);
        let (proxy, mut client, mut far) = connection();
        let begin = Instant::now();
        assert!(proxy.strike(Fault::Stall, short, 0));
        assert_eq!(passed(&mut client, &mut far), "word");
        assert!(begin.elapsed() >= short);
        assert!(proxy.strike(Fault::StallAndReset, short, 0));
        client.write_all(b"lost").unwrap();
        assert_eq!(end(&mut far).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn without_connections_nothing_is_hit() {
        let proxy = Proxy::start("127.0.0.1:1".parse().unwrap()).unwrap();
        assert!(!proxy.strike(Fault::Cut, LONG, 3));
    }
}
