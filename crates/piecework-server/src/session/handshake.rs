//! The handshake: the manager challenges, then is challenged. Each state is consumed by its
//! `handle`, which returns the next one.

use super::fault::Fault;
use bytes::BytesMut;
use piecework_wire::auth::{self, CHALLENGE, Challenge, FAILURE, Key, WELCOME};
use piecework_wire::frame;

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

/// The client knows the key; its own challenge comes next.
#[derive(Debug)]
pub(crate) struct Answering;

/// The manager has answered; the client's welcome comes next.
#[derive(Debug)]
pub(crate) struct Welcomed;

impl Handshake {
    /// Reads one message; `None` when both sides know each other.
    pub(crate) fn handle(
        self,
        message: &[u8],
        key: &Key,
        out: &mut BytesMut,
    ) -> Result<Option<Self>, Fault> {
        match self {
            Self::Challenging(state) => state.handle(message, key, out).map(Some),
            Self::Answering(state) => state.handle(message, key, out).map(Some),
            Self::Welcomed(state) => state.handle(message).map(|()| None),
        }
    }
}

impl Challenging {
    pub(crate) fn begin(random: [u8; 40], out: &mut BytesMut) -> Handshake {
        let challenge = Challenge::new(random);
        frame::put(out, &challenge.message());
        Handshake::Challenging(Self(challenge))
    }

    fn handle(self, answer: &[u8], key: &Key, out: &mut BytesMut) -> Result<Handshake, Fault> {
        match self.0.verify(key, answer) {
            Ok(_) => {
                frame::put(out, WELCOME);
                Ok(Handshake::Answering(Answering))
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
    fn handle(self, message: &[u8], key: &Key, out: &mut BytesMut) -> Result<Handshake, Fault> {
        if !message.starts_with(CHALLENGE) {
            return Err(Fault::Handshake { expected: "a challenge", got: message.len() });
        }
        let answer = auth::answer(key, message).map_err(Fault::Refused)?;
        frame::put(out, &answer);
        Ok(Handshake::Welcomed(Welcomed))
    }
}

impl Welcomed {
    fn handle(self, message: &[u8]) -> Result<(), Fault> {
        match message == WELCOME {
            true => Ok(()),
            false => Err(Fault::Handshake { expected: "#WELCOME#", got: message.len() }),
        }
    }
}
