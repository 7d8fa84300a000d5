//! One task per connection: socket bytes to the session, the session's calls to the hub, replies
//! to the socket. It decides nothing.

use crate::config::Shutdown;
use crate::failures::Failures;
use crate::hub::{Called, Hub};
use crate::keyring::Keyring;
use crate::limits::{
    COPY_BYTES_MAX, LINGER, Limits, OUT_BYTES_KEPT, PASSED_OVER_BYTES_MAX, PASSED_OVER_READ_BYTES,
    PIPELINE_BYTES_MAX, READ_BYTES, RESERVE_BYTES_MAX,
};
use crate::session::{self, Fault, First, ManagerCall, Next, ObjectCall, PyError, Session, Step};
use crate::{netstat, tcp};
use bytes::{Buf, Bytes, BytesMut};
use piecework_state::{Peer, Reply, SessionId};
use piecework_wire::{Policy, WireError, frame};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

/// How far a server has stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    /// It has not.
    Serving,
    /// Nobody else comes in, and nobody waits any more; calls that need no wait are answered.
    LastCalls,
    /// Every connection ends.
    Over,
}

/// What every connection of a server shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) keys: Keyring,
    /// What payloads are held against, where any queue wants that.
    pub(crate) policy: Option<Policy>,
    pub(crate) failures: Mutex<Failures>,
    pub(crate) limits: Limits,
    pub(crate) shutdown: Shutdown,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) stage: watch::Receiver<Stage>,
}

/// Serves a connection until it ends, and says in the log how it ended.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, shared: &Shared) {
    let mut connection = Connection {
        host: peer.ip().to_canonical().to_string(),
        session: Session::challenge(random()),
        input: BytesMut::new(),
        stage: shared.stage.clone(),
        open: None,
        stream,
        peer,
        shared,
    };
    let ended = connection.run().await;
    if *shared.stage.borrow() > Stage::Serving {
        // A request may have come in that nobody reads any more: closed like this, the connection
        // would be reset. Its client is to see an end of file, as from a manager that exits.
        let _ = connection.stream.shutdown().await;
    }
    match ended {
        Ok(()) => tracing::debug!(%peer, "connection ended"),
        Err(Ended::Refused(fault)) => {
            tracing::warn!(%peer, "refused a connection: {fault}");
            connection.linger().await;
        }
        Err(Ended::Fault(fault)) => tracing::warn!(%peer, "closed a connection: {fault}"),
        Err(Ended::TooSlow) => tracing::warn!(%peer, "closed a connection that made no request"),
        Err(Ended::Gone(error)) => tracing::debug!(%peer, %error, "connection lost"),
    }
}

/// Why a connection ended before its peer closed it.
enum Ended {
    Refused(Fault),
    Fault(Fault),
    TooSlow,
    Gone(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
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
    stream: TcpStream,
    peer: SocketAddr,
    host: String,
    session: Session,
    input: BytesMut,
    stage: watch::Receiver<Stage>,
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
        tcp::set_up(&self.stream)?;
        let handshake = timeout(self.shared.limits.handshake_max, self.run_control());
        if !handshake.await.map_err(|_| Ended::TooSlow)?? {
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
            let Some(frame) = self.next_frame().await? else { return Ok(false) };
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
                self.stream.shutdown().await?;
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
        self.open.as_ref().is_some_and(|open| !open.native) && !self.input.is_empty()
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
            let listening = self.input.len() < PIPELINE_BYTES_MAX;
            if self.is_interrupted() {
                hub.cancel(id, reply);
                return Ok(None);
            }
            let gone = tokio::select! {
                biased;
                served = &mut reply => {
                    let served = served.map_err(|_| not_kept())?;
                    // Served at the same moment as its end came: it must not take the item along.
                    if listening && let Err(gone) = look(&self.stream, &mut self.input) {
                        hub.unsent(id, served);
                        return Err(gone.into());
                    }
                    return Ok(Some(served));
                }
                _ = self.stage.wait_for(|stage| *stage > Stage::Serving) => {
                    io::Error::new(io::ErrorKind::Interrupted, "the manager stops")
                }
                read = read_some(&self.stream, &mut self.input), if listening => match read {
                    Ok(0) => io::ErrorKind::UnexpectedEof.into(),
                    Ok(_) => continue,
                    Err(error) => error,
                },
            };
            hub.cancel(id, reply);
            return Err(gone.into());
        }
    }

    /// Sends the reply to a call; what it carries goes back if it cannot be sent.
    async fn send(&mut self, id: SessionId, reply: Reply) -> Result<(), Ended> {
        let large = session::write(&reply, COPY_BYTES_MAX, &mut self.session.out);
        let sent = match large {
            None => self.flush().await,
            Some(large) => {
                let head = Buf::chain(large.head.as_slice(), large.body);
                self.write(&mut Buf::chain(head, large.tail)).await
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
            match self.next_frame().await {
                Err(Ended::Fault(Fault::Wire(error @ WireError::FrameTooLong { .. }))) => {
                    tracing::warn!(peer = %self.peer, "passed over a message: {error}");
                    self.pass_over(error.clone()).await?;
                    PyError::value_error(error.to_string()).write(&mut self.session.out);
                    self.flush().await?;
                }
                other => return other,
            }
        }
    }

    /// Reads the frame at the front of the input to its end, and keeps nothing of it.
    async fn pass_over(&mut self, error: WireError) -> Result<(), Ended> {
        let announced = frame::announced(&self.input).unwrap_or(u64::MAX);
        if announced > PASSED_OVER_BYTES_MAX {
            return Err(Ended::Fault(error.into()));
        }
        let mut left = announced;
        loop {
            let here = self.input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.input.advance(here);
            left -= here as u64;
            if left == 0 {
                return Ok(());
            }
            self.input.reserve(PASSED_OVER_READ_BYTES);
            let read = tokio::select! {
                biased;
                read = self.stream.read_buf(&mut self.input) => read?,
                _ = self.stage.wait_for(|stage| *stage == Stage::Over) => 0,
            };
            if read == 0 {
                return Err(Ended::Gone(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// The next whole frame; `None` when the peer has closed the connection between two frames,
    /// or the manager stops.
    async fn next_frame(&mut self) -> Result<Option<Bytes>, Ended> {
        let max = self.session.frame_bytes_max(self.shared.limits.frame_bytes_max);
        let mut first = true;
        loop {
            let whole = frame::cut(&mut self.input, max).map_err(Fault::from)?;
            if whole.is_some() {
                return Ok(whole);
            }
            if !first || !self.session.is_serving() {
                tcp::acknowledge_now(&self.stream);
            }
            first = false;
            let missing = frame::missing(&self.input).unwrap_or(0);
            self.input.reserve(missing.clamp(READ_BYTES, RESERVE_BYTES_MAX));
            let read = tokio::select! {
                biased;
                read = self.stream.read_buf(&mut self.input) => read?,
                _ = self.stage.wait_for(|stage| *stage == Stage::Over) => return Ok(None),
            };
            match (read, self.input.is_empty()) {
                (0, true) => return Ok(None),
                (0, false) => return Err(Ended::Gone(io::ErrorKind::UnexpectedEof.into())),
                _ => {}
            }
        }
    }

    /// Writes what the session has to say.
    async fn flush(&mut self) -> io::Result<()> {
        if self.session.out.is_empty() {
            return Ok(());
        }
        let mut out = std::mem::take(&mut self.session.out);
        let written = self.write(&mut out.as_ref()).await;
        if out.capacity() <= OUT_BYTES_KEPT {
            out.clear();
            self.session.out = out;
        }
        written
    }

    /// Writes everything, for as long as the manager runs: a peer that does not read must not keep
    /// it from stopping.
    async fn write(&mut self, bytes: &mut impl Buf) -> io::Result<()> {
        tokio::select! {
            biased;
            written = self.stream.write_all_buf(bytes) => written,
            _ = self.stage.wait_for(|stage| *stage == Stage::Over) => {
                Err(io::Error::new(io::ErrorKind::Interrupted, "the manager stops"))
            }
        }
    }

    /// Closes so that the peer can read the last word: input that nobody reads would make the
    /// kernel reset the connection, and the reset might overtake it.
    async fn linger(&mut self) {
        let drain = async {
            self.stream.shutdown().await?;
            let mut rest = [0; 256];
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(LINGER, drain).await;
    }
}

/// Reads what there is; for one who waits for something else at the same time.
async fn read_some(stream: &TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        input.reserve(READ_BYTES);
        match stream.try_read_buf(input) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// Reads what there is already, without waiting; an error if the connection has ended.
fn look(stream: &TcpStream, input: &mut BytesMut) -> io::Result<()> {
    input.reserve(READ_BYTES);
    match stream.try_read_buf(input) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
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
