//! The handshake: the manager challenges, then is challenged. Each state is consumed by its
//! `handle`, which returns the next one.

use super::fault::Fault;
use crate::keyring::{Keyring, Known};
use bytes::BytesMut;
use piecework_wire::auth::{CHALLENGE, Challenge, FAILURE, WELCOME};
use piecework_wire::frame;
use std::sync::Arc;

/// Where the handshake stands.
#[derive(Debug)]
pub(crate) enum Handshake {
    Challenging(Challenging),
    Answering(Answering),
    Welcomed(Welcomed),
}

/// The manager's challenge is out; the client's answer comes next.
#[derive(Debug)]
pub(crate) struct Challenging(Challenge);

/// The client knows a key; its own challenge comes next.
#[derive(Debug)]
pub(crate) struct Answering(Known);

/// The manager has answered; the client's welcome comes next.
#[derive(Debug)]
pub(crate) struct Welcomed(Known);

/// What a message leads to.
#[derive(Debug)]
pub(crate) enum Shaken {
    /// The next message.
    On(Handshake),
    /// Both sides know each other, by this key.
    Done(Arc<str>),
}

impl Handshake {
    /// Reads one message.
    pub(crate) fn handle(
        self,
        message: &[u8],
        keys: &Keyring,
        out: &mut BytesMut,
    ) -> Result<Shaken, Fault> {
        match self {
            Self::Challenging(state) => state.handle(message, keys, out).map(Shaken::On),
            Self::Answering(state) => state.handle(message, out).map(Shaken::On),
            Self::Welcomed(state) => state.handle(message).map(Shaken::Done),
        }
    }
}

impl Challenging {
    pub(crate) fn begin(random: [u8; 40], out: &mut BytesMut) -> Handshake {
        let challenge = Challenge::new(random);
        frame::put(out, &challenge.message());
        Handshake::Challenging(Self(challenge))
    }

    fn handle(self, answer: &[u8], keys: &Keyring, out: &mut BytesMut) -> Result<Handshake, Fault> {
        match keys.verify(&self.0, answer) {
            Ok(known) => {
                frame::put(out, WELCOME);
                Ok(Handshake::Answering(Answering(known)))
            }
            // Without this word a stock client would report EOFError, not a wrong key. Nothing
            // else is told to somebody who does not know the key.
            Err(why) => {
                frame::put(out, FAILURE);
                Err(Fault::Refused(why))
            }
        }
    }
}

impl Answering {
    fn handle(self, message: &[u8], out: &mut BytesMut) -> Result<Handshake, Fault> {
        if !message.starts_with(CHALLENGE) {
            return Err(Fault::Handshake { expected: "a challenge", got: message.len() });
        }
        let answer = self.0.answer(message).map_err(Fault::Refused)?;
        frame::put(out, &answer);
        Ok(Handshake::Welcomed(Welcomed(self.0)))
    }
}

impl Welcomed {
    fn handle(self, message: &[u8]) -> Result<Arc<str>, Fault> {
        match message == WELCOME {
            true => Ok(self.0.named.name),
            false => Err(Fault::Handshake { expected: "#WELCOME#", got: message.len() }),
        }
    }
}
