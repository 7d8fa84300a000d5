//! One connection to a manager: a stream around the wire.
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use piecework_net::Stream;
use piecework_wire::auth::{self, AUTH_FRAME_BYTES_MAX, AuthError, Challenge};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use piecework_wire::reply::Returned;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Reply, WireError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::CallError;
use crate::place::Place;

/// How long a manager may take to accept a connection and to prove that it knows the key. Both take
/// milliseconds; a manager that is a busy Python process may take seconds.
const OPEN_MAX: Duration = Duration::from_secs(20);
/// A manager's host that vanishes without a word is noticed this much later, at the latest.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Room made for reading, so that most replies come in with one system call.
const READ_BYTES: usize = 8 * 1024;
/// A buffer that grew beyond this for one large item is not kept for the next request.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// A connection on which both sides have proved that they know the key.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    place: Place,
    received: BytesMut,
    /// What is to be sent with the next turn, so that all of it travels in one packet.
    unsent: BytesMut,
    /// Whether nothing is sent after that.
    is_last: bool,
}

impl Connection {
    /// Connects, and exchanges challenges.
    pub(crate) async fn open(place: &Place) -> Result<Self, CallError> {
        let stream = match timeout(OPEN_MAX, place.connect()).await {
            Ok(stream) => stream.map_err(|error| place.unreachable(error))?,
            Err(_) => return Err(place.unreachable(io::ErrorKind::TimedOut.into())),
        };
        stream.set_up(SILENCE_MAX).map_err(|error| place.unreachable(error))?;
        let (received, unsent) = (BytesMut::new(), BytesMut::new());
        let mut connection =
            Self { stream, place: place.clone(), received, unsent, is_last: false };
        match timeout(OPEN_MAX, connection.shake_hands()).await {
            Ok(done) => done?,
            Err(_) => return Err(connection.closed("it did not answer the challenge in time")),
        }
        Ok(connection)
    }

    /// Proves to the manager that we know the key, then has it prove that it does.
    async fn shake_hands(&mut self) -> Result<(), CallError> {
        let challenge = self.read(AUTH_FRAME_BYTES_MAX).await?;
        let answer =
            auth::answer(&self.place.key, &challenge).map_err(|e| self.place.protocol(e))?;
        frame::put(&mut self.unsent, &answer);
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
        let answer = self.read(AUTH_FRAME_BYTES_MAX).await?;
        match challenge.verify(&self.place.key, &answer) {
            Ok(_) => frame::put(&mut self.unsent, auth::WELCOME),
            Err(AuthError::WrongKey) => return Err(self.wrong_key()),
            Err(other) => return Err(self.place.protocol(other)),
        }
        Ok(())
    }

    /// Makes one call to the manager on a connection of its own, which then ends.
    pub(crate) async fn call_once(
        place: &Place,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, CallError> {
        Self::open(place).await?.call(None, method, args).await
    }

    /// Makes one call and waits for its result.
    pub(crate) async fn call(
        &mut self,
        ident: Option<&str>,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, CallError> {
        request(&mut self.unsent, ident, method, args, &[]);
        let frame = self.turn().await?;
        self.read_reply(frame)
    }

    /// Has this sent with the next turn.
    pub(crate) fn send(&mut self, request: &[u8]) {
        self.unsent.extend_from_slice(request);
    }

    /// Says so when all is sent that is to be sent: the manager sees the end of this connection,
    /// and what it has sent until then still comes.
    pub(crate) fn say_no_more(&mut self) {
        self.is_last = true;
    }

    /// Sends what is to be sent, and waits for the next reply. May be dropped and called again.
    pub(crate) async fn turn(&mut self) -> Result<Bytes, CallError> {
        self.read(FRAME_BYTES_MAX).await
    }

    /// What a reply says.
    pub(crate) fn read_reply(&self, frame: Bytes) -> Result<Returned, CallError> {
        match Reply::parse(frame).map_err(|error| self.place.protocol(error))? {
            Reply::Return(returned) => Ok(returned),
            Reply::Error { class, message, .. } => {
                Err(CallError::Remote { class, message: message.unwrap_or_default() })
            }
            Reply::Traceback(text) => Err(from_traceback(&text)),
            Reply::Unserializable(_) => Err(CallError::Remote {
                class: "TypeError".to_owned(),
                message: "the result of the call cannot be pickled".to_owned(),
            }),
            other => {
                let what = format!("{other:?}");
                Err(self.place.protocol(WireError::Shape { message: "reply that is known", what }))
            }
        }
    }

    async fn read(&mut self, bytes_max: usize) -> Result<Bytes, CallError> {
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
            let come = poll_fn(|cx| self.poll_both(cx)).await;
            if come.map_err(|error| self.closed(&error.to_string()))? == 0 {
                return Err(self.closed("the manager ended it"));
            }
        }
    }

    /// Writes what is to be sent, and reads what has come: at the same time, or two sides that both
    /// have much to say would wait for each other.
    fn poll_both(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while !self.unsent.is_empty() {
            match pin!(self.stream.write_buf(&mut self.unsent)).poll(cx)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        if self.unsent.is_empty() && self.is_last {
            self.is_last = pin!(self.stream.shutdown()).poll(cx)?.is_pending();
        }
        if self.unsent.is_empty() && self.unsent.capacity() > KEPT_BYTES_MAX {
            self.unsent = BytesMut::new();
        }
        pin!(self.stream.read_buf(&mut self.received)).poll(cx)
    }

    pub(crate) fn closed(&self, why: &str) -> CallError {
        self.place.closed(why)
    }

    fn wrong_key(&self) -> CallError {
        CallError::WrongKey { address: self.place.to_string() }
    }
}

pub(crate) fn why(error: &CallError) -> String {
    match error {
        CallError::Closed { why, .. } => why.clone(),
        other => other.to_string(),
    }
}

/// A stock manager tells what went wrong as a traceback; its last line names the exception.
fn from_traceback(text: &str) -> CallError {
    tracing::debug!(traceback = text, "the manager refused a call");
    let is_last = |line: &&str| !line.trim().is_empty() && !line.starts_with("---");
    let last = text.lines().rev().find(is_last).unwrap_or_default();
    let (class, message) = last.split_once(": ").unwrap_or((last, ""));
    let class = class.rsplit_once('.').map_or(class, |(_, class)| class);
    CallError::Remote { class: class.to_owned(), message: message.to_owned() }
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
