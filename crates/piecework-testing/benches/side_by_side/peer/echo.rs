//! The floor: a server that does nothing but answer. Its messages are as long as those of
//! piecework's clients and managers, in one thread around the system's `epoll` or its like.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use super::piecework::Sizes;
use super::{Acks, Answer, Client, Peer, Step};

/// The word that has this program be the server.
pub(crate) const WORD: &str = "echo";

/// A message says in its first bytes how long it is with them, and how long its answer is to be.
const HEAD_BYTES: usize = 8;
const LISTENER: Token = Token(usize::MAX);
const EVENTS: usize = 1024;
const BUFFER_BYTES: usize = 64 << 10;

/// A server whose messages have these sizes.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) sizes: Sizes,
}

impl Peer for Echo {
    fn command(&self, program: &Path, port: u16, _: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        command.args([WORD, &port.to_string()]);
        Ok(command)
    }

    fn client(&self, _: &mut TcpStream, _: usize) -> io::Result<Box<dyn Client>> {
        Ok(Box::new(Dialog { sizes: self.sizes, put: VecDeque::new() }))
    }

    fn acks(&self) -> Acks {
        Acks::WithNextGet
    }
}

#[derive(Debug)]
struct Dialog {
    sizes: Sizes,
    /// The numbers that were put: the server has no memory.
    put: VecDeque<u64>,
}

impl Dialog {
    fn of(&self, step: Step) -> (usize, usize) {
        let Sizes { put, get, .. } = self.sizes;
        if step == Step::Put { put } else { get }
    }
}

impl Client for Dialog {
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>) {
        let (request, answer) = self.of(step);
        let end = out.len() + request;
        out.extend((request as u32).to_be_bytes());
        out.extend((answer as u32).to_be_bytes());
        out.resize(end, b'.');
        if step == Step::Put && self.sizes.items == 1 {
            self.put.push_back(number);
        }
    }

    fn answer(&mut self, step: Step, received: &[u8]) -> Result<Answer, String> {
        let (_, bytes) = self.of(step);
        if received.len() < bytes {
            return Ok(Answer::Partial);
        }
        Ok(match step {
            Step::Get if self.sizes.items > 1 => Answer::Items { bytes, items: self.sizes.items },
            Step::Get => {
                Answer::Item { bytes, number: self.put.pop_front().ok_or("nothing was put")? }
            }
            Step::Put | Step::Ack => Answer::Done { bytes },
        })
    }

    fn items_per_put(&self) -> u64 {
        self.sizes.items
    }
}

/// Serves until it is killed.
pub(crate) fn serve(port: &str) -> io::Result<()> {
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut streams, mut events) = (Vec::new(), Events::with_capacity(EVENTS));
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(streams.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE)?;
                    streams.push(Some((stream, Vec::new())));
                }
                continue;
            }
            let Some(slot) = streams.get_mut(event.token().0) else { continue };
            let Some((stream, rest)) = slot else { continue };
            if !matches!(answer(stream, rest, &mut buffer), Ok(true)) {
                *slot = None;
            }
        }
    }
}

/// Answers what has come in over a connection; false at its end.
fn answer(
    stream: &mut mio::net::TcpStream,
    rest: &mut Vec<u8>,
    buffer: &mut [u8],
) -> io::Result<bool> {
    loop {
        let bytes = match stream.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let read = buffer.get(..bytes).unwrap_or_default();
        let whole = if rest.is_empty() {
            read
        } else {
            rest.extend(read);
            &*rest
        };
        let (used, due) = due(whole);
        let left = whole.get(used..).unwrap_or_default().to_vec();
        // The messages of one client are answered before it sends more, so this goes in whole.
        stream.write_all(buffer.get(..due).ok_or(io::ErrorKind::InvalidData)?)?;
        *rest = left;
        if bytes < buffer.len() {
            return Ok(true);
        }
    }
}

/// How many bytes of this are whole messages, and how many they are to be answered with.
fn due(mut received: &[u8]) -> (usize, usize) {
    let (mut used, mut due) = (0, 0);
    while let Some((head, _)) = received.split_first_chunk::<HEAD_BYTES>() {
        let [a, b, c, d, e, f, g, h] = *head;
        let bytes = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(next) = received.get(bytes..) else { break };
        (used, due) = (used + bytes, due + u32::from_be_bytes([e, f, g, h]) as usize);
        received = next;
    }
    (used, due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_are_answered_with_as_much_as_they_ask_for() {
        let sizes = Sizes { put: (100, 20), get: (30, 60), items: 1 };
        let mut dialog = Dialog { sizes, put: VecDeque::new() };
        let mut out = Vec::new();
        dialog.request(Step::Put, 7, &mut out);
        dialog.request(Step::Get, 0, &mut out);
        assert_eq!(out.len(), 130);
        assert_eq!(due(&out), (130, 80));
        assert_eq!(due(&out[..129]), (100, 20));
        assert_eq!(due(&out[..99]), (0, 0));
        assert_eq!(dialog.answer(Step::Put, &[0; 19]), Ok(Answer::Partial));
        assert_eq!(dialog.answer(Step::Put, &[0; 20]), Ok(Answer::Done { bytes: 20 }));
        let item = Answer::Item { bytes: 60, number: 7 };
        assert_eq!(dialog.answer(Step::Get, &[0; 61]), Ok(item));
        assert!(dialog.answer(Step::Get, &[0; 60]).is_err(), "nothing more was put");
    }
}
