//! The servers that are compared: how each is started, and what its clients say.

mod beanstalkd;
mod cpython;
mod echo;
mod jetstream;
mod piecework;
mod redis;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) use beanstalkd::Beanstalkd;
pub(crate) use cpython::CPython;
pub(crate) use echo::{Echo, WORD as ECHO, serve as serve_echo};
pub(crate) use jetstream::JetStream;
pub(crate) use piecework::{Kept, Piecework, Sizes};
pub(crate) use redis::{Redis, Take};

use crate::item::{self, ITEM_BYTES};

/// When nobody was answered for so long, something has gone wrong. A sync takes milliseconds.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(20);

/// A kind of server in one configuration.
pub(crate) trait Peer {
    /// The command that runs it on this port of the loopback, with its files in this empty folder.
    ///
    /// # Errors
    /// Its configuration cannot be written.
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command>;

    /// Makes a connection ready for a client's first request.
    ///
    /// # Errors
    /// The server does not answer, or not as it should.
    fn client(&self, stream: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>>;

    /// How its items are acknowledged.
    fn acks(&self) -> Acks {
        Acks::Apart
    }
}

/// Connects a client, which then is ready for its first request.
///
/// # Errors
/// The server cannot be reached, or does not answer as it should.
pub(crate) fn connect(
    peer: &dyn Peer,
    address: SocketAddr,
    name: usize,
) -> io::Result<(TcpStream, Box<dyn Client>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let client = peer.client(&mut stream, name)?;
    Ok((stream, client))
}

/// How items are acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Acks {
    /// Each by a request of its own.
    Apart,
    /// Each by the next get of its client; only the last one of a client by a request apart.
    WithNextGet,
    /// Not at all: whoever gets an item and dies has lost it.
    Never,
}

/// One client: it makes requests and reads their answers, one at a time.
pub(crate) trait Client {
    /// Appends a request. The number is that of the item to put, and nothing to the others.
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>);

    /// Reads the answer to the last request.
    ///
    /// # Errors
    /// It is not what it must be; the message says what it is.
    fn answer(&mut self, step: Step, received: &[u8]) -> Result<Answer, String>;

    /// How many items a put puts.
    fn items_per_put(&self) -> u64 {
        1
    }
}

/// What a client does with an item, in this order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Put,
    Get,
    Ack,
}

/// What has come of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// Not all of it.
    Partial,
    /// All of it in so many bytes: the request is done, and the server stands by it.
    Done { bytes: usize },
    /// All of it: an item of this number.
    Item { bytes: usize, number: u64 },
    /// All of it: so many items, which are not looked at.
    Items { bytes: usize, items: u64 },
}

impl Answer {
    /// An answer that is a line, which must be this one.
    fn exactly(wanted: &[u8], received: &[u8]) -> Result<Self, String> {
        if received.starts_with(wanted) {
            Ok(Self::Done { bytes: wanted.len() })
        } else if wanted.starts_with(received) {
            Ok(Self::Partial)
        } else {
            Err(unexpected(received))
        }
    }

    /// How long it is, if it is whole.
    pub(crate) fn bytes(self) -> Option<usize> {
        match self {
            Self::Partial => None,
            Self::Done { bytes } | Self::Item { bytes, .. } | Self::Items { bytes, .. } => {
                Some(bytes)
            }
        }
    }

    /// The same, with so many other bytes in front of it.
    fn after(self, before: usize) -> Self {
        match self {
            Self::Partial => Self::Partial,
            Self::Done { bytes } => Self::Done { bytes: before + bytes },
            Self::Item { bytes, number } => Self::Item { bytes: before + bytes, number },
            Self::Items { bytes, items } => Self::Items { bytes: before + bytes, items },
        }
    }
}

/// The first line of what was received, without its end, and what follows it.
fn line(received: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = received.windows(2).position(|pair| pair == b"\r\n")?;
    Some((received.get(..end)?, received.get(end + 2..)?))
}

/// An item of which a line said that it comes, and the line's end behind it.
fn item_after(head: &[u8], rest: &[u8]) -> Result<Answer, String> {
    let Some(item) = rest.get(..ITEM_BYTES + 2) else { return Ok(Answer::Partial) };
    let item = item.strip_suffix(b"\r\n").ok_or_else(|| unexpected(rest))?;
    let bytes = head.len() + 2 + item.len() + 2;
    Ok(Answer::Item { bytes, number: item::number(item)? })
}

fn unexpected(received: &[u8]) -> String {
    format!("an unexpected answer: {:?}", String::from_utf8_lossy(received))
}

/// Sends a request before the load begins, and reads on until what came is `whole`.
fn ask(
    stream: &mut TcpStream,
    request: &[u8],
    mut whole: impl FnMut(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    let (mut received, mut chunk) = (Vec::new(), [0; 4096]);
    while !whole(&received) {
        let bytes = stream.read(&mut chunk)?;
        if bytes == 0 {
            return Err(io::Error::other(format!("the server hung up: {}", unexpected(&received))));
        }
        received.extend(chunk.iter().take(bytes));
    }
    Ok(received)
}
