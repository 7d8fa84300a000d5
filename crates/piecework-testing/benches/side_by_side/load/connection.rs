//! One client of the load: a connection, what was asked over it, and what was answered.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Poll, Token};

use super::{Course, Crew, Tally};
use crate::peer::{Acks, Answer, Client, Peer, Step, connect};

/// At first, and enough for one answer: what fills it less was all there is.
const BUFFER_BYTES: usize = 4096;
/// The numbers of a client's items begin with its own, which leaves it so many bits.
const NUMBER_BITS: u32 = 40;

/// Whether a client goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Await,
    End,
}

pub(super) struct Connection {
    stream: TcpStream,
    client: Box<dyn Client>,
    acks: Acks,
    crew: Crew,
    /// What was asked last, and how many answers are due.
    step: Step,
    due: usize,
    /// Items that these answers were about.
    items: u64,
    /// The number of the item that is put next.
    number: u64,
    out: Vec<u8>,
    /// What was received and not read yet lies at its beginning.
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub(super) fn open(
        peer: &dyn Peer,
        address: SocketAddr,
        name: usize,
        crew: Crew,
        poll: &Poll,
    ) -> io::Result<Self> {
        let (stream, client) = connect(peer, address, name)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(name), Interest::READABLE)?;
        Ok(Self {
            stream,
            client,
            acks: peer.acks(),
            crew,
            step: Step::Put,
            due: 0,
            items: 0,
            number: (name as u64) << NUMBER_BITS,
            out: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            filled: 0,
        })
    }

    pub(super) fn crew(&self) -> &Crew {
        &self.crew
    }

    pub(super) fn begin(&mut self, tally: &mut Tally) -> io::Result<()> {
        let first = if self.crew.course == Course::Get { Step::Get } else { Step::Put };
        self.request(first, tally).map(drop)
    }

    fn request(&mut self, step: Step, tally: &mut Tally) -> io::Result<Next> {
        self.step = step;
        if step != Step::Ack {
            self.items = 0;
        }
        // An ack at the end is for all that was got.
        let last = step == Step::Ack && self.acks == Acks::WithNextGet;
        self.due = if last { 1 } else { self.crew.in_flight };
        self.out.clear();
        for _ in 0..self.due {
            self.client.request(step, self.number, &mut self.out);
            if step == Step::Put {
                tally.put(1, self.number);
                self.number += 1;
            }
        }
        // What is in flight is far smaller than the socket's buffer, so it goes in whole.
        self.stream.write_all(&self.out)?;
        Ok(Next::Await)
    }

    /// Reads what is there; if it is the last answer that is due, sends what comes next.
    pub(super) fn receive(&mut self, tally: &mut Tally) -> io::Result<Next> {
        self.read()?;
        let mut from = 0;
        while self.due > 0 {
            let received = self.buffer.get(from..self.filled).unwrap_or_default();
            let answer = self.client.answer(self.step, received);
            let answer =
                answer.map_err(|what| io::Error::other(format!("{:?}: {what}", self.step)))?;
            from += match answer {
                Answer::Partial => break,
                Answer::Done { bytes } => {
                    self.items += u64::from(self.step == Step::Put) * self.client.items_per_put();
                    bytes
                }
                Answer::Item { bytes, number } => {
                    tally.got(1, number);
                    self.items += 1;
                    bytes
                }
                Answer::Items { bytes, items } => {
                    self.items += items;
                    bytes
                }
            };
            self.due -= 1;
        }
        self.buffer.copy_within(from..self.filled, 0);
        self.filled -= from;
        if self.due == 0 { self.go_on(tally) } else { Ok(Next::Await) }
    }

    fn read(&mut self) -> io::Result<()> {
        loop {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let bytes_max = room.len();
            match self.stream.read(room) {
                Ok(0) => return Err(io::Error::other("the server hung up")),
                Ok(bytes) => self.filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if self.filled < self.buffer.len() {
                return Ok(());
            }
            self.buffer.resize(self.filled + bytes_max.max(BUFFER_BYTES), 0);
        }
    }

    fn go_on(&mut self, tally: &mut Tally) -> io::Result<Next> {
        let (course, acks) = (self.crew.course, self.acks);
        let last = match (self.step, acks, course) {
            (Step::Put, _, Course::Put) | (Step::Get, Acks::WithNextGet | Acks::Never, _) => true,
            (Step::Ack, Acks::WithNextGet, _) => return Ok(Next::End),
            (Step::Ack, ..) => true,
            _ => false,
        };
        let next = match (self.step, course) {
            _ if last && !tally.count(course, self.items) => {
                return match (self.step, acks) {
                    (Step::Get, Acks::WithNextGet) => self.request(Step::Ack, tally),
                    _ => Ok(Next::End),
                };
            }
            _ if last && course == Course::Get => Step::Get,
            _ if last => Step::Put,
            (Step::Put, _) => Step::Get,
            _ => Step::Ack,
        };
        self.request(next, tally)
    }
}
