//! A session without I/O: frames in, what to do out, replies as bytes.
//!
//! ```text
//!  frame ──▶ handshake ──▶ control ──▶ serving ─┐   Step::First and Next tell the
//!            (answer,      (one call,   ▲       │   connection what the hub is to
//!             challenge,    or accept_  └───────┘   decide; the bytes to send gather
//!             welcome)      connection)             in `out`
//! ```

mod arguments;
mod asked;
mod containers;
mod control;
mod error;
mod familiars;
mod fault;
mod handshake;
mod item_value;
mod items;
mod iterables;
mod look;
mod manager;
mod methods;
mod numbers;
mod order;
mod proxied;
mod same;
mod serving;
mod sets;
mod shared;
mod value;

pub(crate) use control::First;
pub(crate) use error::PyError;
pub(crate) use fault::Fault;
pub(crate) use manager::{IDENT as MANAGER_IDENT, ManagerCall};
pub(crate) use methods::Seen;
pub(crate) use serving::{Large, Next, ObjectCall, write};

use crate::keyring::Keyring;
use bytes::BytesMut;
use familiars::Familiars;
use handshake::{Challenging, Handshake, Shaken};
use piecework_state::Shown;
use piecework_wire::auth::AUTH_FRAME_BYTES_MAX;
use std::sync::Arc;

/// One connection's conversation.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    /// The name of the key that the client knows.
    key: Option<Arc<str>>,
    /// What the client says over and over.
    familiars: Familiars,
    /// Bytes to send.
    pub(crate) out: BytesMut,
}

#[derive(Debug)]
enum Phase {
    /// Boxed: most connections have it behind them.
    Handshake(Box<Handshake>),
    Control,
    Serving,
}

/// What a frame leads to before the connection is a main one.
#[derive(Debug)]
pub(crate) enum Step {
    /// The handshake goes on with what is in `out`.
    Shaking,
    /// The connection's first request.
    First(First),
}

impl Session {
    /// Begins with the manager's challenge.
    pub(crate) fn challenge(random: [u8; 40]) -> Self {
        let mut out = BytesMut::new();
        let handshake = Challenging::begin(random, &mut out);
        let familiars = Familiars::default();
        Self { phase: Phase::Handshake(Box::new(handshake)), key: None, familiars, out }
    }

    /// How long the next frame may be.
    pub(crate) fn frame_bytes_max(&self, limit: usize) -> usize {
        match self.phase {
            Phase::Handshake(_) => AUTH_FRAME_BYTES_MAX,
            Phase::Control | Phase::Serving => limit,
        }
    }

    /// Whether the client has shown a key.
    pub(crate) fn knows_key(&self) -> bool {
        self.key.is_some()
    }

    /// Whether this is a main connection by now.
    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }

    /// Reads a frame of the handshake, or the first request.
    pub(crate) fn receive(
        &mut self,
        frame: &[u8],
        keys: &Keyring,
        host: &str,
    ) -> Result<Step, Fault> {
        match std::mem::replace(&mut self.phase, Phase::Control) {
            Phase::Handshake(handshake) => {
                match handshake.handle(frame, keys, &mut self.out)? {
                    Shaken::On(next) => self.phase = Phase::Handshake(Box::new(next)),
                    Shaken::Done(key) => self.key = Some(key),
                }
                Ok(Step::Shaking)
            }
            Phase::Control | Phase::Serving => {
                let mut first = control::read(frame, host, &mut self.out)?;
                if let (First::Open(peer), Some(key)) = (&mut first, &self.key) {
                    *peer = peer.clone().with_key(Arc::clone(key));
                }
                if matches!(first, First::Open(_)) {
                    self.phase = Phase::Serving;
                }
                Ok(Step::First(first))
            }
        }
    }

    /// Reads a request over a main connection; `contents` says what an object holds that is this
    /// manager's, by an ident.
    pub(crate) fn call(
        &mut self,
        frame: &[u8],
        contents: impl Fn(&str) -> Option<Shown>,
    ) -> Next<'_> {
        serving::read(frame, &mut self.familiars, contents, &mut self.out)
    }
}
