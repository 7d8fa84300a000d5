//! piecework: its requests are those of Python's own managers, made once and sent again and again.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use bytes::{Bytes, BytesMut};
use piecework_wire::auth::{self, AUTH_FRAME_BYTES_MAX, Challenge, Key};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use piecework_wire::reply::{self, Returned};
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Reply, Value, WireError};

use super::{Acks, Answer, Client, Peer, Step, ask};
use crate::item::{self, Template, blank};

/// The key of every manager here. It guards nothing: the manager is on loopback, for one run.
pub(super) const AUTHKEY: &str = "a key for figures alone";
/// What a reply's pickle holds where the call went well; it stands near the beginning.
const RETURN: &[u8] = b"#RETURN";
/// The most of a reply that stands before that.
const RETURN_AFTER: usize = 32;
/// How a client names itself that may send requests before it has its answers.
const NATIVE: &str = "piecework/";
/// A get that takes several items waits so long for the first one: for ever, more or less.
const PATIENCE: f64 = 1e6;

/// A manager.
#[derive(Debug)]
pub(crate) struct Piecework {
    pub(crate) kept: Kept,
    /// Whether its clients send several requests at a time.
    pub(crate) pipelined: bool,
    /// How many items a request puts or gets.
    pub(crate) items: usize,
    /// Its clients are spread over so many queues.
    pub(crate) queues: usize,
}

/// Where a manager has what it has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    Memory,
    /// On disk, with this `--sync`.
    Disk(&'static str),
}

impl Piecework {
    /// One queue, and clients that put and get one item at a time.
    pub(crate) fn new(kept: Kept) -> Self {
        Self { kept, pipelined: false, items: 1, queues: 1 }
    }
}

impl Peer for Piecework {
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command> {
        let key_file = folder.join("authkey");
        std::fs::write(&key_file, AUTHKEY)?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
        for queue in 0..self.queues {
            command.args(["--queue", &queue_name(queue)]);
        }
        command.arg("--authkey-file").arg(key_file);
        match self.kept {
            Kept::Memory => command.args(["--engine", "memory"]),
            Kept::Disk(sync) => {
                command.args(["--engine", "disk", "--sync", sync]);
                command.arg("--data-dir").arg(folder.join("data"))
            }
        };
        command.env("PIECEWORK_CONFIG", ""); // nobody's own settings
        Ok(command)
    }

    fn client(&self, stream: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>> {
        let queue = queue_name(name % self.queues);
        let name = format!("{}client-{name}", if self.pipelined { NATIVE } else { "" });
        dialog(stream, &name, &format!("get_{queue}_queue"), self.items)
    }

    fn acks(&self) -> Acks {
        Acks::WithNextGet
    }
}

fn queue_name(number: usize) -> String {
    if number == 0 { "task".to_owned() } else { format!("task{number}") }
}

/// Makes a connection a client's main connection, for puts and gets of so many items.
pub(super) fn dialog(
    stream: &mut TcpStream,
    name: &str,
    typeid: &str,
    items: usize,
) -> io::Result<Box<dyn Client>> {
    let mut once = TcpStream::connect(stream.peer_addr()?)?;
    let created = call(&mut once, "create", &[ArgOut::Str(typeid)])?;
    let (ident, _) = created.created().map_err(io::Error::other)?;
    call(stream, "accept_connection", &[ArgOut::Str(name)])?;
    Ok(Box::new(Dialog::new(&ident, items)))
}

/// How long requests and their answers are, with their headers, and how many items are in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) put: (usize, usize),
    pub(crate) get: (usize, usize),
    pub(crate) items: u64,
}

impl Sizes {
    /// Those of puts and gets of so many items.
    pub(crate) fn of(items: usize) -> Self {
        let dialog = Dialog::new("5eed5eed5eed", items);
        let answer = |value: &Value| {
            let mut out = BytesMut::new();
            reply::returned(&mut out, value);
            out.len()
        };
        let got = match items {
            1 => Value::Bytes(blank()),
            _ => Value::List(vec![Value::Bytes(blank()); items]),
        };
        let put = (dialog.put.len(), answer(&Value::None));
        Self { put, get: (dialog.get.len(), answer(&got)), items: items as u64 }
    }
}

#[derive(Debug)]
struct Dialog {
    put: Template,
    get: Vec<u8>,
    ack: Vec<u8>,
    items: usize,
}

impl Dialog {
    fn new(ident: &str, items: usize) -> Self {
        let made = |method: &str, args: &[ArgOut<'_>]| {
            let mut out = BytesMut::new();
            request(&mut out, Some(ident), method, args, &[]);
            out.to_vec()
        };
        let (put, get) = match items {
            1 => (made("put", &[ArgOut::Bytes(&blank())]), made("get", &[])),
            _ => {
                let many = Value::List(vec![Value::Bytes(blank()); items]);
                let max = ArgOut::Int(items as i64);
                let get = made("get_many", &[max, ArgOut::Float(PATIENCE)]);
                (made("put_many", &[ArgOut::Value(&many)]), get)
            }
        };
        Self { put: Template::new(put), get, ack: made("ack", &[]), items }
    }
}

impl Client for Dialog {
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>) {
        out.extend(match step {
            Step::Put => self.put.with(number),
            Step::Get => &self.get,
            Step::Ack => &self.ack,
        });
    }

    fn answer(&mut self, step: Step, received: &[u8]) -> Result<Answer, String> {
        let Some((head, rest)) = received.split_first_chunk() else { return Ok(Answer::Partial) };
        let length = u32::from_be_bytes(*head) as usize;
        let Some(reply) = rest.get(..length) else { return Ok(Answer::Partial) };
        let beginning = reply.get(..RETURN_AFTER).unwrap_or(reply);
        if !beginning.windows(RETURN.len()).any(|window| window == RETURN) {
            return Err(format!("refused: {:?}", Reply::parse(Bytes::copy_from_slice(reply))));
        }
        let bytes = head.len() + length;
        if step != Step::Get {
            return Ok(Answer::Done { bytes });
        }
        if self.items > 1 {
            return Ok(Answer::Items { bytes, items: item::count(reply) });
        }
        Ok(Answer::Item { bytes, number: item::find(reply)? })
    }

    fn items_per_put(&self) -> u64 {
        self.items as u64
    }
}

/// Makes the first call on a connection, after both sides have shown that they know the key.
fn call(stream: &mut TcpStream, method: &str, args: &[ArgOut<'_>]) -> io::Result<Returned> {
    let key = Key::new(AUTHKEY);
    let challenge = exchange(stream, b"", AUTH_FRAME_BYTES_MAX)?;
    let mut out = BytesMut::new();
    frame::put(&mut out, &auth::answer(&key, &challenge).map_err(io::Error::other)?);
    let verdict = exchange(stream, &out, AUTH_FRAME_BYTES_MAX)?;
    if verdict != auth::WELCOME {
        return Err(io::Error::other(format!("not welcome: {verdict:?}")));
    }
    // Not random: whoever listens on loopback may learn this key.
    let challenge = Challenge::new([7; 40]);
    out.clear();
    frame::put(&mut out, &challenge.message());
    let answer = exchange(stream, &out, AUTH_FRAME_BYTES_MAX)?;
    challenge.verify(&key, &answer).map_err(io::Error::other)?;
    out.clear();
    frame::put(&mut out, auth::WELCOME);
    request(&mut out, None, method, args, &[]);
    match Reply::parse(exchange(stream, &out, FRAME_BYTES_MAX)?).map_err(io::Error::other)? {
        Reply::Return(returned) => Ok(returned),
        other => Err(io::Error::other(format!("{method}: {other:?}"))),
    }
}

/// Sends bytes and reads the frame that answers them.
fn exchange(stream: &mut TcpStream, bytes: &[u8], bytes_max: usize) -> io::Result<Bytes> {
    let cut = |received: &[u8]| -> Result<Option<Bytes>, WireError> {
        frame::cut(&mut BytesMut::from(received), bytes_max)
    };
    // A frame that makes no sense ends the reading, and is the error below.
    let received = ask(stream, bytes, |received| !matches!(cut(received), Ok(None)))?;
    let frame = cut(&received).map_err(io::Error::other)?;
    Ok(frame.expect("it was read until it was whole"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog() -> Dialog {
        Dialog::new("1", 1)
    }

    #[test]
    fn an_item_is_found_in_its_reply() {
        let mut got = BytesMut::new();
        reply::returned(&mut got, &Value::Bytes(blank()));
        for partial in 0..got.len() {
            let answer = dialog().answer(Step::Get, &got[..partial]);
            assert_eq!(answer, Ok(Answer::Partial), "{partial} bytes");
        }
        let answer = dialog().answer(Step::Get, &got);
        assert_eq!(answer, Ok(Answer::Item { bytes: got.len(), number: 0 }));
        assert_eq!(dialog().answer(Step::Put, &got), Ok(Answer::Done { bytes: got.len() }));
    }

    #[test]
    fn a_refusal_is_an_error_with_its_words() {
        let mut refusal = BytesMut::new();
        reply::error(&mut refusal, "queue", "Full", None);
        let error = dialog().answer(Step::Put, &refusal).unwrap_err();
        assert!(error.contains("Full"), "{error}");
    }
}
