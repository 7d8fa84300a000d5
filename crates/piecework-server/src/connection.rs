//! One task per connection: socket bytes to the session, the session's calls to the hub, replies
//! to the socket. It decides nothing.

use crate::config::Shutdown;
use crate::failures::Failures;
use crate::hub::{Called, Hub};
use crate::keyring::Keyring;
use crate::limits::{COPY_BYTES_MAX, Limits, OUT_BYTES_KEPT, PIPELINE_BYTES_MAX};
use crate::lobby::Lobby;
use crate::netstat;
use crate::session::{self, Fault, First, ManagerCall, Next, ObjectCall, PyError, Session, Step};
use crate::socket::{Broken, Socket, Stage};
use bytes::{Buf, Bytes};
use piecework_state::{Peer, Reply, SessionId};
use piecework_wire::{Policy, WireError};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

/// What every connection of a server shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) keys: Keyring,
    /// What payloads are held against, where any queue wants that.
    pub(crate) policy: Option<Policy>,
    pub(crate) lobby: Lobby,
    pub(crate) failures: Mutex<Failures>,
    pub(crate) limits: Limits,
    pub(crate) shutdown: Shutdown,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) stage: watch::Receiver<Stage>,
}

/// Serves a connection until it ends, and says in the log how it ended.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, shared: &Shared) {
    let socket = match Socket::new(stream, shared.stage.clone()) {
        Ok(socket) => socket,
        Err(error) => return tracing::debug!(%peer, %error, "connection lost"),
    };
    let host = peer.ip().to_canonical().to_string();
    let session = Session::challenge(random());
    let mut connection = Connection { socket, peer, host, session, open: None, shared };
    let ended = connection.run().await;
    if connection.socket.is_stopping() {
        // A request may have come in that nobody reads any more: closed like this, the connection
        // would be reset. Its client is to see an end of file, as from a manager that exits.
        let _ = connection.socket.close().await;
    }
    match ended {
        Ok(()) => tracing::debug!(%peer, "connection ended"),
        Err(Ended::Refused(fault)) => {
            tracing::warn!(%peer, "refused a connection: {fault}");
            connection.socket.linger().await;
        }
        Err(Ended::Fault(fault)) => tracing::warn!(%peer, "closed a connection: {fault}"),
        Err(Ended::Crowded) => {
            tracing::warn!(%peer, "closed the oldest of too many connections that made no request");
        }
        Err(Ended::TooSlow) => tracing::warn!(%peer, "closed a connection that made no request"),
        Err(Ended::Gone(error)) => tracing::debug!(%peer, %error, "connection lost"),
    }
}

/// Why a connection ended before its peer closed it.
enum Ended {
    Refused(Fault),
    Fault(Fault),
    TooSlow,
    Crowded,
    Gone(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Io(error) => Self::Gone(error),
            Broken::Wire(error) => Self::Fault(error.into()),
        }
    }
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_) => Self::Refused(fault),
            Fault::Wire(_) | Fault::Handshake { .. } => Self::Fault(fault),
        }
    }
}

struct Connection<'a> {
    socket: Socket,
    peer: SocketAddr,
    host: String,
    session: Session,
    /// The session in the hub, once there is one.
    open: Option<OpenSession<'a>>,
    shared: &'a Shared,
}

/// A session in the hub, ended with the connection however that ends.
struct OpenSession<'a> {
    hub: &'a Hub,
    id: SessionId,
    native: bool,
}

impl Drop for OpenSession<'_> {
    fn drop(&mut self) {
        self.hub.end(self.id);
    }
}

impl Connection<'_> {
    async fn run(&mut self) -> Result<(), Ended> {
        let shared = self.shared;
        let place = shared.lobby.enter();
        let serving = tokio::select! {
            done = timeout(shared.limits.handshake_max, self.run_control()) => {
                done.map_err(|_| Ended::TooSlow)??
            }
            () = place.shown_out() => return Err(Ended::Crowded),
        };
        drop(place);
        if !serving {
            return Ok(());
        }
        while let Some(frame) = self.next_request().await? {
            let step = self.session.receive(frame, &self.shared.keys, &self.host)?;
            match step {
                Step::Call(Next::Object(call)) => self.call(call).await?,
                Step::Call(Next::Manager(call)) => self.manager(&call),
                Step::Call(Next::Answered) | Step::First(_) | Step::Shaking => {}
            }
            if self.is_interrupted() {
                self.session.out.clear();
            }
            self.flush().await?;
        }
        Ok(())
    }

    /// Handshake and first request; true if this is a main connection from here on.
    async fn run_control(&mut self) -> Result<bool, Ended> {
        loop {
            self.flush().await?;
            let max = self.session.frame_bytes_max(self.shared.limits.frame_bytes_max);
            // A stock client writes its last word and its request apart, and waits in between.
            let Some(frame) = self.socket.next_frame(max, true).await? else { return Ok(false) };
            let step = self.session.receive(frame, &self.shared.keys, &self.host);
            let out = &mut self.session.out;
            match step {
                Ok(Step::Shaking) => continue,
                Ok(Step::First(First::Open(peer))) => self.open(peer),
                Ok(Step::First(First::Control(control))) => {
                    control.run(&self.shared.hub, || may_shut_down(self.shared, self.peer), out);
                }
                Ok(Step::First(First::Answered) | Step::Call(_)) => {}
                Err(fault) => {
                    if matches!(fault, Fault::Refused(_)) {
                        self.slow_down().await;
                    }
                    self.flush().await?;
                    return Err(fault.into());
                }
            }
            self.flush().await?;
            if !self.session.is_serving() {
                self.socket.close().await?;
            }
            return Ok(self.session.is_serving());
        }
    }

    /// Counts a failed authentication; an address with many of them waits for each answer.
    async fn slow_down(&self) {
        let now = self.shared.hub.look(|_, now| now);
        let address = self.peer.ip().to_canonical();
        let (count, delay) = {
            let failures = self.shared.failures.lock();
            failures.unwrap_or_else(PoisonError::into_inner).count(now, address)
        };
        if !delay.is_zero() {
            tracing::warn!(%address, "{count} failed authentications; the answer takes {delay:?}");
            tokio::time::sleep(delay).await;
        }
    }

    fn open(&mut self, peer: Peer) {
        let native = peer.is_native();
        tracing::debug!(peer = %self.peer, name = peer.name(), "session opened");
        let hub = &*self.shared.hub;
        self.open = Some(OpenSession { hub, id: hub.open(peer), native });
    }

    /// One call on an object: the reply is sent, or taken back if nobody waits for it any more.
    async fn call(&mut self, call: ObjectCall) -> Result<(), Ended> {
        let Some(open) = &self.open else { return Ok(()) };
        let (hub, id) = (open.hub, open.id);
        let ObjectCall { request, method } = call;
        let ident = request.ident().unwrap_or_default();
        // Before the hub is asked: a payload may be long, and the hub's lock is everybody's.
        let refused = self.shared.policy.as_ref().and_then(|policy| method.refused_by(policy));
        let called = hub.call(id, ident, |desk, queue| method.on(desk, queue, refused.as_ref()));
        drop(request);
        let reply = match called {
            Ok(Called::Replied(reply)) => Some(reply),
            Ok(Called::Parked(reply)) => self.wait(id, reply).await?,
            Ok(Called::Lost) => return Err(Ended::Gone(not_kept())),
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    tracing::warn!(peer = %self.peer, "refused an item: {refusal}");
                }
                error.write(&mut self.session.out);
                return Ok(());
            }
        };
        let Some(reply) = reply else { return Ok(()) };
        if self.is_interrupted() {
            hub.unsent(id, reply);
            return Ok(());
        }
        self.send(id, reply).await
    }

    /// A stock client waits for its reply before it says more. If it has said more, its call was
    /// interrupted, and the reply would be taken for that of the next one.
    fn is_interrupted(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.native) && self.socket.unread() > 0
    }

    /// Waits for a parked call. `None` means that its client has given it up; an error, that the
    /// client is gone. Either way the call is cancelled and took nothing.
    async fn wait(
        &mut self,
        id: SessionId,
        reply: oneshot::Receiver<Reply>,
    ) -> Result<Option<Reply>, Ended> {
        let hub = &*self.shared.hub;
        let mut reply = reply;
        loop {
            if self.is_interrupted() {
                hub.cancel(id, reply);
                return Ok(None);
            }
            let listening = self.socket.unread() < PIPELINE_BYTES_MAX;
            let heard = tokio::select! {
                biased;
                served = &mut reply => {
                    let served = served.map_err(|_| not_kept())?;
                    // Served at the same moment as its end came: it must not take the item along.
                    if listening && let Err(gone) = self.socket.look() {
                        hub.unsent(id, served);
                        return Err(gone.into());
                    }
                    return Ok(Some(served));
                }
                heard = async {
                    match listening {
                        true => self.socket.more().await,
                        false => Err(self.socket.stopping().await),
                    }
                } => heard,
            };
            if let Err(gone) = heard {
                hub.cancel(id, reply);
                return Err(gone.into());
            }
        }
    }

    /// Sends the reply to a call; what it carries goes back if it cannot be sent.
    async fn send(&mut self, id: SessionId, reply: Reply) -> Result<(), Ended> {
        let large = session::write(&reply, COPY_BYTES_MAX, &mut self.session.out);
        let sent = match large {
            None => self.flush().await,
            Some(large) => {
                let head = Buf::chain(large.head.as_slice(), large.body);
                self.socket.write(&mut Buf::chain(head, large.tail)).await
            }
        };
        sent.map_err(|error| {
            self.shared.hub.unsent(id, reply);
            error.into()
        })
    }

    fn manager(&mut self, call: &ManagerCall) {
        let Some(open) = &self.open else { return };
        let out = &mut self.session.out;
        let done = call.run(open.hub, open.id, || may_shut_down(self.shared, self.peer), out);
        if let Err(error) = done {
            error.write(out);
        }
    }

    /// The next whole frame of a main connection. One that is too long is passed over and answered:
    /// a stock client whose connection ends can never call again.
    async fn next_request(&mut self) -> Result<Option<Bytes>, Ended> {
        loop {
            match self.socket.next_frame(self.shared.limits.frame_bytes_max, false).await {
                Err(Broken::Wire(error @ WireError::FrameTooLong { .. })) => {
                    tracing::warn!(peer = %self.peer, "passed over a message: {error}");
                    self.socket.pass_over(error.clone()).await?;
                    PyError::value_error(error.to_string()).write(&mut self.session.out);
                    self.flush().await?;
                }
                other => return other.map_err(Ended::from),
            }
        }
    }

    /// Writes what the session has to say.
    async fn flush(&mut self) -> io::Result<()> {
        if self.session.out.is_empty() {
            return Ok(());
        }
        let mut out = std::mem::take(&mut self.session.out);
        let written = self.socket.write(&mut out.as_ref()).await;
        if out.capacity() <= OUT_BYTES_KEPT {
            out.clear();
            self.session.out = out;
        }
        written
    }
}

/// The end of a connection whose call was decided and not kept.
fn not_kept() -> io::Error {
    io::Error::other("what was decided could not be kept")
}

/// Whether the client at `peer` may stop the manager.
fn may_shut_down(shared: &Shared, peer: SocketAddr) -> bool {
    match shared.shutdown {
        Shutdown::Anyone => true,
        Shutdown::SameUser => {
            let user = netstat::user_of(peer);
            peer.ip().to_canonical().is_loopback() && user.is_some() && user == netstat::own_user()
        }
    }
}

/// The random part of a challenge.
fn random() -> [u8; 40] {
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).expect("the system has randomness to give");
    bytes
}
