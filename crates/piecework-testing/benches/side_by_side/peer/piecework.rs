//! piecework: its requests are those of Python's own managers, made once and sent again and again.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use bytes::{Bytes, BytesMut};
use piecework_wire::auth::{self, AUTH_FRAME_BYTES_MAX, Challenge, Key};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use piecework_wire::reply::Returned;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Reply, WireError};

use super::{Answer, Client, Peer, Step, ask};
use crate::item::{self, ITEM_BYTES, Template, blank};

/// The key of every manager here. It guards nothing: the manager is on loopback, for one run.
const AUTHKEY: &str = "a key for figures alone";
/// What a reply's pickle holds where the call went well; it stands near the beginning.
const RETURN: &[u8] = b"#RETURN";
/// Behind the returned object: the opcodes that make the reply a pair, and end it.
const AFTER_RETURNED: usize = 2;

/// A manager that keeps what it has in memory or on disk.
#[derive(Debug)]
pub(crate) enum Piecework {
    Memory,
    /// With this `--sync`.
    Disk(&'static str),
}

impl Peer for Piecework {
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command> {
        let key_file = folder.join("authkey");
        std::fs::write(&key_file, AUTHKEY)?;
        let mut command = Command::new(program);
        command.args(["serve", "--queue", "task", "--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--authkey-file").arg(key_file);
        match self {
            Self::Memory => command.args(["--engine", "memory"]),
            Self::Disk(sync) => {
                command.args(["--engine", "disk", "--sync", sync]);
                command.arg("--data-dir").arg(folder.join("data"))
            }
        };
        command.env("PIECEWORK_CONFIG", ""); // nobody's own settings
        Ok(command)
    }

    fn client(&self, stream: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>> {
        let mut once = TcpStream::connect(stream.peer_addr()?)?;
        let created = call(&mut once, "create", &[ArgOut::Str("get_task_queue")])?;
        let (ident, _) = created.created().map_err(io::Error::other)?;
        call(stream, "accept_connection", &[ArgOut::Str(&format!("client-{name}"))])?;
        let made = |method: &str, args: &[ArgOut<'_>]| {
            let mut out = BytesMut::new();
            request(&mut out, Some(&ident), method, args, &[]);
            out.to_vec()
        };
        let put = Template::new(made("put", &[ArgOut::Bytes(&blank())]));
        Ok(Box::new(Dialog { put, get: made("get", &[]), ack: made("ack", &[]) }))
    }

    fn acks_with_next_get(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Dialog {
    put: Template,
    get: Vec<u8>,
    ack: Vec<u8>,
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
        let beginning = reply.get(..RETURN.len() * 2).unwrap_or(reply);
        if !beginning.windows(RETURN.len()).any(|window| window == RETURN) {
            return Err(format!("refused: {:?}", Reply::parse(Bytes::copy_from_slice(reply))));
        }
        let bytes = head.len() + length;
        if step != Step::Get {
            return Ok(Answer::Done { bytes });
        }
        let end = length.saturating_sub(AFTER_RETURNED);
        let item = reply.get(end.saturating_sub(ITEM_BYTES)..end).unwrap_or_default();
        Ok(Answer::Item { bytes, number: item::number(item)? })
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
    use piecework_wire::{Value, reply};

    fn dialog() -> Dialog {
        Dialog { put: Template::new(blank()), get: Vec::new(), ack: Vec::new() }
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
