//! One connection to a manager: a stream around the wire, one request after the other.
//!
//! Requests are never pipelined: replies carry no number by which to tell them apart, and a stock
//! manager would answer the second one some 40 ms late, when our acknowledgement of the first
//! reply comes.
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use piecework_net::{Address, Stream};
use piecework_wire::auth::{self, AUTH_FRAME_BYTES_MAX, AuthError, Challenge, Key};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use piecework_wire::reply::Returned;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Reply, WireError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::{Error, ProtocolError};

/// How long a manager may take to accept a connection and to prove that it knows the key. Both take
/// milliseconds; a manager that is a busy Python process may take seconds.
const OPEN_MAX: Duration = Duration::from_secs(20);
/// A manager's host that vanishes without a word is noticed this much later, at the latest.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Room made for reading, so that most replies come in with one system call.
const READ_BYTES: usize = 8 * 1024;
/// A buffer that grew beyond this for one large item is not kept for the next request.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Where a manager is, and the key to it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: Arc<Address>,
    pub(crate) key: Key,
}

impl Place {
    /// Makes one call to the manager on a connection of its own, which then ends.
    pub(crate) async fn call_once(
        &self,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, Error> {
        Connection::open(self).await?.call(None, method, args).await
    }

    /// The error of a manager whose bytes make no sense.
    pub(crate) fn protocol(&self, source: impl Into<ProtocolError>) -> Error {
        Error::Protocol { address: self.address.to_string(), source: source.into() }
    }
}

/// A connection on which both sides have proved that they know the key.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    place: Place,
    received: BytesMut,
    /// What is to be sent with the next request, so that both travel in one packet.
    unsent: BytesMut,
    state: State,
}

#[derive(Debug)]
enum State {
    Ready,
    /// A request is out whose reply has not come. If a call finds this, the future of the call
    /// before was dropped, and the next reply would be that call's.
    Awaiting,
    /// Nothing can be sent any more, for this reason.
    Ended(String),
}

impl Connection {
    /// Connects, and exchanges challenges.
    pub(crate) async fn open(place: &Place) -> Result<Self, Error> {
        let unreachable =
            |source| Error::Unreachable { address: place.address.to_string(), source };
        let stream = match timeout(OPEN_MAX, Stream::connect(&place.address)).await {
            Ok(stream) => stream.map_err(unreachable)?,
            Err(_) => return Err(unreachable(io::ErrorKind::TimedOut.into())),
        };
        stream.set_up(SILENCE_MAX).map_err(unreachable)?;
        let (received, unsent) = (BytesMut::new(), BytesMut::new());
        let mut connection =
            Self { stream, place: place.clone(), received, unsent, state: State::Ready };
        match timeout(OPEN_MAX, connection.shake_hands()).await {
            Ok(done) => done?,
            Err(_) => return Err(connection.closed("it did not answer the challenge in time")),
        }
        Ok(connection)
    }

    /// Proves to the manager that we know the key, then has it prove that it does.
    async fn shake_hands(&mut self) -> Result<(), Error> {
        let challenge = self.read(AUTH_FRAME_BYTES_MAX).await?;
        let answer =
            auth::answer(&self.place.key, &challenge).map_err(|e| self.place.protocol(e))?;
        frame::put(&mut self.unsent, &answer);
        self.flush().await?;
        let verdict = self.read(AUTH_FRAME_BYTES_MAX).await?;
        if verdict == auth::FAILURE {
            return Err(self.wrong_key());
        } else if verdict != auth::WELCOME {
            let what = format!("{verdict:?}");
            return Err(self.place.protocol(WireError::Shape { message: "verdict", what }));
        }
        let mut random = [0; 40];
        getrandom::fill(&mut random).expect("the system has random numbers");
        let challenge = Challenge::new(random);
        frame::put(&mut self.unsent, &challenge.message());
        self.flush().await?;
        let answer = self.read(AUTH_FRAME_BYTES_MAX).await?;
        match challenge.verify(&self.place.key, &answer) {
            Ok(_) => frame::put(&mut self.unsent, auth::WELCOME),
            Err(AuthError::WrongKey) => return Err(self.wrong_key()),
            Err(other) => return Err(self.place.protocol(other)),
        }
        Ok(())
    }

    /// Makes one call and waits for its result.
    ///
    /// A call whose future is dropped while it waits leaves the connection unusable.
    pub(crate) async fn call(
        &mut self,
        ident: Option<&str>,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, Error> {
        match &self.state {
            State::Ready => self.state = State::Awaiting,
            State::Awaiting => return Err(self.closed("a call was given up before its reply")),
            State::Ended(why) => return Err(self.closed(why)),
        }
        request(&mut self.unsent, ident, method, args, &[]);
        let frame = match self.exchange().await {
            Ok(frame) => frame,
            Err(error) => {
                self.state = State::Ended(why(&error));
                return Err(error);
            }
        };
        self.state = State::Ready;
        match Reply::parse(frame).map_err(|error| self.place.protocol(error))? {
            Reply::Return(returned) => Ok(returned),
            Reply::Error { class, message, .. } => {
                Err(Error::Remote { class, message: message.unwrap_or_default() })
            }
            Reply::Traceback(text) => Err(from_traceback(&text)),
            Reply::Unserializable(_) => Err(Error::Remote {
                class: "TypeError".to_owned(),
                message: format!("the result of {method} cannot be pickled"),
            }),
            other => {
                let what = format!("{other:?}");
                Err(self.place.protocol(WireError::Shape { message: "reply that is known", what }))
            }
        }
    }

    async fn exchange(&mut self) -> Result<Bytes, Error> {
        self.flush().await?;
        self.read(FRAME_BYTES_MAX).await
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let sent = self.stream.write_all(&self.unsent).await;
        self.unsent.clear();
        if self.unsent.capacity() > KEPT_BYTES_MAX {
            self.unsent = BytesMut::new();
        }
        sent.map_err(|error| self.ended(&error))
    }

    async fn read(&mut self, bytes_max: usize) -> Result<Bytes, Error> {
        loop {
            let cut = frame::cut(&mut self.received, bytes_max);
            if let Some(frame) = cut.map_err(|error| self.place.protocol(error))? {
                return Ok(frame);
            }
            if !self.received.is_empty() {
                self.stream.acknowledge_now();
            }
            let missing = frame::missing(&self.received).unwrap_or_default();
            self.received.reserve(missing.max(READ_BYTES));
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => return Err(self.closed("the manager ended it")),
                Ok(_) => {}
                Err(error) => return Err(self.ended(&error)),
            }
        }
    }

    fn closed(&self, why: &str) -> Error {
        Error::Closed { address: self.place.address.to_string(), why: why.to_owned() }
    }

    fn ended(&self, error: &io::Error) -> Error {
        self.closed(&error.to_string())
    }

    fn wrong_key(&self) -> Error {
        Error::WrongKey { address: self.place.address.to_string() }
    }
}

fn why(error: &Error) -> String {
    match error {
        Error::Closed { why, .. } => why.clone(),
        other => other.to_string(),
    }
}

/// A stock manager tells what went wrong as a traceback; its last line names the exception.
fn from_traceback(text: &str) -> Error {
    tracing::debug!(traceback = text, "the manager refused a call");
    let is_last = |line: &&str| !line.trim().is_empty() && !line.starts_with("---");
    let last = text.lines().rev().find(is_last).unwrap_or_default();
    let (class, message) = last.split_once(": ").unwrap_or((last, ""));
    let class = class.rsplit_once('.').map_or(class, |(_, class)| class);
    Error::Remote { class: class.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_traceback_names_the_exception() {
        let text = "\n----\nTraceback (most recent call last):\n  File \"x.py\"\n_queue.Empty\n\n";
        assert_eq!(from_traceback(text).to_string(), "Empty");
        let text = "Traceback (most recent call last):\nKeyError: 'a: b'\n-----\n";
        assert_eq!(from_traceback(text).to_string(), "KeyError: 'a: b'");
    }
}
