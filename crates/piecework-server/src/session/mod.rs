//! A session without I/O: frames in, what to do out, replies as bytes.
//!
//! ```text
//!  frame ──▶ handshake ──▶ control ──▶ serving ─┐   Step::Control, Step::Call
//!            (answer,      (one call,   ▲       │   tell the connection what the hub
//!             challenge,    or accept_  └───────┘   is to decide; the reply's bytes
//!             welcome)      connection)             gather in `out`
//! ```

mod arguments;
mod control;
mod error;
mod handshake;
mod manager;
mod methods;
mod serving;
mod value;

pub(crate) use control::Control;
pub(crate) use error::PyError;
pub(crate) use manager::ManagerCall;
pub(crate) use methods::Method;
pub(crate) use serving::write;

use bytes::{Bytes, BytesMut};
use handshake::{Challenging, Handshake};
use piecework_state::Peer;
use piecework_wire::auth::{AUTH_FRAME_BYTES_MAX, Key};
use piecework_wire::{Request, WireError};

/// How native clients begin the name that they give in `accept_connection`.
const NATIVE_PREFIX: &str = "piecework/";

/// One connection's conversation.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    /// Bytes to send.
    pub(crate) out: BytesMut,
}

#[derive(Debug)]
enum Phase {
    Handshake(Handshake),
    Control,
    Serving,
}

/// What a frame asks for.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "calls are nearly all there is; a box would cost each"
)]
pub(crate) enum Step {
    /// Nothing but what is in `out`, and to go on reading.
    Continue,
    /// One call about handles or the manager; the connection ends with its reply.
    Control(Control),
    /// This becomes a main connection, with a session of this peer.
    Open(Peer),
    /// A call on an object.
    Call(ObjectCall),
    /// A call on the manager itself, over a main connection.
    Manager(ManagerCall),
    /// Nothing but what is in `out`: a reply that needs nobody's decision.
    Replied,
}

/// A call on the object that `request` names.
#[derive(Debug)]
pub(crate) struct ObjectCall {
    pub(crate) request: Request,
    pub(crate) method: Method,
}

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The peer does not know the key; `#FAILURE#` is in `out`.
    #[error("{0}")]
    Refused(#[source] piecework_wire::auth::AuthError),
    /// The peer breaks the protocol.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The peer says something else than the handshake asks for.
    #[error("handshake: expected {expected}, got {got} bytes that are not it")]
    Handshake {
        /// What should have come.
        expected: &'static str,
        /// How many bytes came.
        got: usize,
    },
}

impl Session {
    /// Begins with the manager's challenge.
    pub(crate) fn challenge(random: [u8; 40]) -> Self {
        let mut out = BytesMut::new();
        let handshake = Challenging::begin(random, &mut out);
        Self { phase: Phase::Handshake(handshake), out }
    }

    /// How long the next frame may be.
    pub(crate) fn frame_bytes_max(&self, limit: usize) -> usize {
        match self.phase {
            Phase::Handshake(_) => AUTH_FRAME_BYTES_MAX,
            Phase::Control | Phase::Serving => limit,
        }
    }

    /// Whether this is a main connection by now.
    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }

    /// Reads one frame.
    pub(crate) fn receive(&mut self, frame: Bytes, key: &Key, host: &str) -> Result<Step, Fault> {
        match std::mem::replace(&mut self.phase, Phase::Control) {
            Phase::Handshake(handshake) => {
                if let Some(next) = handshake.handle(&frame, key, &mut self.out)? {
                    self.phase = Phase::Handshake(next);
                }
                Ok(Step::Continue)
            }
            Phase::Control => {
                let step = control::read(frame, host, &mut self.out)?;
                if matches!(step, Step::Open(_)) {
                    self.phase = Phase::Serving;
                }
                Ok(step)
            }
            Phase::Serving => {
                self.phase = Phase::Serving;
                Ok(serving::read(frame, &mut self.out))
            }
        }
    }
}

/// Who a client says it is in `accept_connection`.
fn peer(name: &str, host: &str) -> Peer {
    match name.starts_with(NATIVE_PREFIX) {
        true => Peer::native(name).at(host),
        false => Peer::stock(name, host),
    }
}
