//! One task per connection: socket bytes to the session, the session's calls to the hub, replies
//! to the socket. It decides nothing.

mod reply;
#[cfg(test)]
mod tests;
mod wait;

use crate::complaints::Complaints;
use crate::config::Shutdown;
use crate::ended::Ended;
use crate::failures::Failures;
use crate::groups;
use crate::hub::{Called, Hub};
use crate::keyring::Keyring;
use crate::limits::{Limits, OUT_BYTES_KEPT, PROCESS_END_MAX};
use crate::lobby::Lobby;
use crate::netstat;
use crate::session::{
    self, Fault, First, ManagerCall, Next, ObjectCall, PyError, Seen, Session, Step,
};
use crate::socket::{Broken, Socket};
use crate::stage::Stages;
use crate::unsent::Unsent;
use bytes::BytesMut;
use piecework_net::{Peer, Stream};
use piecework_state::{Reply, SessionId};
use piecework_wire::{Policy, WireError, may_hold_proxies};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What every connection of a server shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) keys: Keyring,
    /// What payloads are held against, where any queue wants that.
    pub(crate) policy: Option<Policy>,
    /// Whether any queue goes by the values of what is put.
    pub(crate) sorts: bool,
    pub(crate) lobby: Lobby,
    pub(crate) failures: Mutex<Failures>,
    pub(crate) complaints: Complaints,
    pub(crate) limits: Limits,
    pub(crate) shutdown: Shutdown,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) stages: Arc<Stages>,
}

/// Serves a connection until it ends, and says in the log how it ended.
pub(crate) async fn serve(stream: Stream, shared: &Shared) {
    let set_up = stream.peer().and_then(|peer| {
        let silence_max = shared.limits.silence_max;
        Ok((peer, Socket::new(stream, &peer, silence_max, Arc::clone(&shared.stages))?))
    });
    let (peer, socket) = match set_up {
        Ok(set_up) => set_up,
        Err(error) => return tracing::debug!(%error, "connection lost"),
    };
    let (host, session) = (peer.label(), Session::challenge(random()));
    let unsent = Unsent::default();
    let mut connection =
        Connection { socket, peer, host, session, open: None, client: None, unsent, shared };
    let ended = connection.run().await;
    // Boxed, like all that lasts for a moment only: an idle connection is to be small.
    Box::pin(connection.look_after_process()).await;
    if connection.socket.is_stopping() {
        // A request may have come in that nobody reads any more: closed like this, the connection
        // would be reset. Its client is to see an end of file, as from a manager that exits.
        let _ = connection.socket.close().await;
    }
    match &ended {
        Ok(()) => tracing::debug!(%peer, "connection ended"),
        Err(ended) => ended.log(&peer, &shared.complaints),
    }
    if let Err(Ended::Refused(_)) = ended {
        Box::pin(connection.socket.linger()).await;
    }
}

struct Connection<'a> {
    socket: Socket,
    peer: Peer,
    host: String,
    session: Session,
    /// The session in the hub, once there is one.
    open: Option<OpenSession<'a>>,
    /// Who opened it.
    client: Option<piecework_state::Peer>,
    /// What the replies carry that are in `session.out`.
    unsent: Unsent,
    shared: &'a Shared,
}

/// What a request came to, so far.
enum Decided {
    /// The reply is written.
    Answered,
    /// Nothing yet: items that it may be about are to be sent first.
    Later,
    /// A call on the object of this ident.
    Called(String, Called),
    /// A call on an object that is done.
    Replied(Reply),
    /// A call on the manager.
    Manager(ManagerCall),
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
        if !Box::pin(self.come_in()).await? {
            return Ok(());
        }
        loop {
            match self.serve_request().await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(Ended::Orphaned) => self.orphan(),
                Err(ended) => return Err(ended),
            }
        }
    }

    /// Handshake and first request, at the place of a stranger until a key was shown; true if this
    /// is a main connection from here on.
    async fn come_in(&mut self) -> Result<bool, Ended> {
        let shared = self.shared;
        let place = shared.lobby.enter();
        let first = tokio::select! {
            done = timeout(shared.limits.handshake_max, self.run_control()) => {
                done.unwrap_or(Err(Ended::TooSlow))
            }
            () = place.shown_out() => Err(Ended::Crowded),
        };
        match self.session.knows_key() {
            true => place.welcome(),
            false => drop(place),
        }
        // The handshake's messages are longer than most replies, and nobody asks for the host again.
        self.session.out = BytesMut::new();
        self.host = String::new();
        first
    }

    /// Serves one request of a main connection; false at its end.
    async fn serve_request(&mut self) -> Result<bool, Ended> {
        if !self.next_request().await? {
            return Ok(false);
        }
        if self.open.is_none() {
            // The process that opened it has ended; this comes from one that inherited it.
            let Some(client) = self.client.clone() else { return Ok(false) };
            self.open(client);
        }
        let mut decided = self.decide();
        if let Decided::Later = decided {
            self.flush().await?;
            decided = self.decide();
        }
        match decided {
            Decided::Answered | Decided::Later => {}
            Decided::Replied(reply) => self.reply(reply).await?,
            Decided::Called(ident, called) => Box::pin(self.answer(&ident, called)).await?,
            Decided::Manager(call) => Box::pin(self.manager(&call)).await?,
        }
        if self.is_interrupted() {
            debug_assert!(self.unsent.is_empty(), "what it carried was taken back");
            self.session.out.clear();
            // What it decided counts, though nobody is told.
            Box::pin(self.shared.hub.keep_soon()).await;
        }
        if self.session.out.len() > OUT_BYTES_KEPT {
            self.socket.forget_frame();
            self.flush().await?;
        }
        // One client with much to say is not to keep others from being heard.
        tokio::task::coop::consume_budget().await;
        Ok(true)
    }

    /// Reads the request in front, and has the hub decide what it comes to.
    fn decide(&mut self) -> Decided {
        let shared = self.shared;
        let ObjectCall { ident, method } =
            match self.session.call(self.socket.frame(), |ident| shared.hub.contents(ident)) {
                Next::Object(call) => call,
                Next::Manager(call) => return Decided::Manager(call),
                Next::Answered => return Decided::Answered,
            };
        let Some(open) = &self.open else { return Decided::Answered };
        let under_way = self.unsent.items();
        if under_way > 0 && !method.takes() {
            return Decided::Later;
        }
        // Before the hub is asked: a payload may be long, and the hub's lock is everybody's.
        let has_proxies = method.puts() && may_hold_proxies(self.socket.frame());
        let seen = match has_proxies || shared.sorts || shared.policy.is_some() {
            true => method.look(shared.policy.as_ref(), shared.sorts, has_proxies),
            false => Seen::default(),
        };
        if has_proxies {
            open.hub.pin(seen.proxied());
        }
        match open.hub.call(open.id, &ident, under_way, |desk, at| method.on(desk, at, seen)) {
            Ok(Called::Replied(reply)) => Decided::Replied(reply),
            Ok(called) => Decided::Called(ident.into_owned(), called),
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    tracing::warn!(peer = %self.peer, "refused an item: {refusal}");
                }
                error.write(&mut self.session.out);
                Decided::Answered
            }
        }
    }

    /// Its process has ended, and the connection has not: what the process held goes to others, and
    /// whoever inherited the connection may go on with it.
    fn orphan(&mut self) {
        if let Some(open) = self.open.take() {
            open.hub.process_ended(open.id);
        }
        self.socket.process().forget();
    }

    /// The end of a thread's connection does not tell whether its process lives. Where the process
    /// is known, its end comes at the same moment, if it comes.
    async fn look_after_process(&mut self) {
        let Some(open) = &self.open else { return };
        let process = self.socket.process();
        if self.client.as_ref().is_some_and(piecework_state::Peer::is_thread)
            && process.is_watched()
            && timeout(PROCESS_END_MAX, process.ended()).await.is_ok()
        {
            open.hub.process_ended(open.id);
        }
    }

    /// Handshake and first request; true if this is a main connection from here on.
    async fn run_control(&mut self) -> Result<bool, Ended> {
        loop {
            self.write_out().await?;
            let max = self.session.frame_bytes_max(self.shared.limits.frame_bytes_max);
            // A stock client writes its last word and its request apart, and waits in between.
            if !self.socket.read_frame(max, true).await? {
                return Ok(false);
            }
            let step = self.session.receive(self.socket.frame(), &self.shared.keys, &self.host);
            let out = &mut self.session.out;
            match step {
                Ok(Step::Shaking) => continue,
                Ok(Step::First(First::Open(client))) => {
                    self.open(client.of_group(groups::of(&self.peer)));
                }
                Ok(Step::First(First::Control(control))) => {
                    let shared = self.shared;
                    let may_shut_down = || may_shut_down(shared, self.peer);
                    let group = || groups::of(&self.peer);
                    let policy = shared.policy.as_ref();
                    control.run(&shared.hub, policy, group, may_shut_down, out);
                    self.flush().await?;
                }
                Ok(Step::First(First::Answered)) => {}
                Err(fault) => {
                    if matches!(fault, Fault::Refused(_)) {
                        self.slow_down().await;
                    }
                    self.write_out().await?;
                    return Err(fault.into());
                }
            }
            self.write_out().await?;
            if !self.session.is_serving() {
                self.socket.close().await?;
            }
            return Ok(self.session.is_serving());
        }
    }

    /// Counts a failed authentication; an address with many of them waits for each answer.
    async fn slow_down(&mut self) {
        let now = self.shared.hub.look(|_, now| now);
        let origin = self.peer.origin();
        let (count, delay) = {
            let failures = self.shared.failures.lock();
            failures.unwrap_or_else(PoisonError::into_inner).count(now, origin)
        };
        if !delay.is_zero() {
            let slow = format!("{count} failed authentications; the answer takes {delay:?}");
            self.shared.complaints.say(&origin, slow);
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                // The manager's end does not wait for those who are made to wait.
                _ = self.socket.stopping() => {}
            }
        }
    }

    fn open(&mut self, client: piecework_state::Peer) {
        let native = client.is_native();
        tracing::debug!(peer = %self.peer, name = client.name(), "session opened");
        let hub = &*self.shared.hub;
        self.open = Some(OpenSession { hub, id: hub.open(client.clone()), native });
        self.client = Some(client);
    }

    /// A stock client waits for its reply before it says more. If it has said more, its call was
    /// interrupted, and the reply would be taken for that of the next one.
    fn is_interrupted(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.native) && self.socket.unread() > 0
    }

    /// One call on the manager.
    async fn manager(&mut self, call: &ManagerCall) -> Result<(), Ended> {
        let Some(open) = &self.open else { return Ok(()) };
        let (hub, id) = (open.hub, open.id);
        let out = &mut self.session.out;
        match call.run(hub, id, || may_shut_down(self.shared, self.peer), out) {
            Ok(None) => Ok(()),
            Ok(Some(called)) => self.answer(session::MANAGER_IDENT, called).await,
            Err(error) => {
                error.write(out);
                Ok(())
            }
        }
    }

    /// Goes on to the next frame of a main connection; false at its end. Replies wait in a buffer
    /// for as long as there are requests. A frame that is too long is passed over and answered: a
    /// stock client whose connection ends can never call again.
    async fn next_request(&mut self) -> Result<bool, Ended> {
        let bytes_max = self.shared.limits.frame_bytes_max;
        loop {
            let next = match self.socket.next_frame(bytes_max) {
                Ok(true) => return Ok(true),
                Ok(false) => {
                    self.flush().await?;
                    self.socket.read_frame(bytes_max, false).await
                }
                Err(error) => Err(error.into()),
            };
            match next {
                Err(Broken::Wire(error @ WireError::FrameTooLong { .. })) => {
                    tracing::warn!(peer = %self.peer, "passed over a message: {error}");
                    Box::pin(self.socket.pass_over(error.clone())).await?;
                    PyError::value_error(error.to_string()).write(&mut self.session.out);
                }
                other => return other.map_err(Ended::from),
            }
        }
    }
}

/// Whether the client at `peer` may stop the manager.
fn may_shut_down(shared: &Shared, peer: Peer) -> bool {
    let user = || match peer {
        Peer::Process { user, .. } => Some(user),
        Peer::Host(at) if at.ip().to_canonical().is_loopback() => netstat::user_of(at),
        Peer::Host(_) => None,
    };
    match shared.shutdown {
        Shutdown::Anyone => true,
        Shutdown::SameUser => user().is_some_and(|user| Some(user) == netstat::own_user()),
    }
}

/// The random part of a challenge.
fn random() -> [u8; 40] {
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).expect("the system has randomness to give");
    bytes
}
