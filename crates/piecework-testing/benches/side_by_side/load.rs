//! The load: clients that put, get and acknowledge items, each with one request in flight, in one
//! thread around the system's `epoll` or its like. It is the same for every server.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::peer::{Answer, Client, Peer, Step};

/// When nobody was answered for so long, something has gone wrong. A sync takes milliseconds.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// More than any answer has: what fills it less was all there is.
const CHUNK_BYTES: usize = 4096;
/// The numbers of a client's items begin with its own, which leaves it so many bits.
const NUMBER_BITS: u32 = 40;

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Not counted: buffers and files grow to the size they will have.
    pub(crate) warm_up: Duration,
    pub(crate) counted: Duration,
}

/// How many items so many clients put, get and acknowledge per second, all together.
///
/// # Errors
/// The server cannot be reached, refuses something, falls silent, or delivers other items than were
/// put.
pub(crate) fn items_per_second(
    peer: &dyn Peer,
    address: SocketAddr,
    clients: usize,
    window: Window,
) -> io::Result<f64> {
    let mut poll = Poll::new()?;
    let mut connections = (0..clients)
        .map(|name| Connection::open(peer, address, name, &poll))
        .collect::<io::Result<Vec<_>>>()?;
    let mut tally = Tally::begin(window);
    for connection in &mut connections {
        connection.request(Step::Put, &mut tally)?;
    }
    let (mut events, mut running) = (Events::with_capacity(clients), clients);
    while running > 0 {
        poll.poll(&mut events, Some(SILENCE_MAX))?;
        if events.is_empty() {
            let what = format!("{running} of {clients} clients had no answer for {SILENCE_MAX:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        for event in &events {
            let Token(at) = event.token();
            let connection = connections.get_mut(at).expect("only connections are registered");
            if connection.receive(&mut tally)? == Next::End {
                running -= 1;
            }
        }
    }
    tally.balance()?;
    Ok(tally.items as f64 / window.counted.as_secs_f64())
}

/// What has been done so far, by all clients.
#[derive(Debug)]
struct Tally {
    begin: Instant,
    end: Instant,
    /// Items that were put, got and acknowledged between these two.
    items: u64,
    /// How many were put at all, and the sum of their numbers.
    put: (u64, u64),
    got: (u64, u64),
}

impl Tally {
    fn begin(window: Window) -> Self {
        let begin = Instant::now() + window.warm_up;
        Self { begin, end: begin + window.counted, items: 0, put: (0, 0), got: (0, 0) }
    }

    /// Counts an item that went all its way; false when the time is up.
    fn count(&mut self) -> bool {
        let now = Instant::now();
        if (self.begin..self.end).contains(&now) {
            self.items += 1;
        }
        now < self.end
    }

    /// What was put and what was got must be the same items.
    fn balance(&self) -> io::Result<()> {
        if self.put == self.got {
            return Ok(());
        }
        let what = format!("put (number, sum of ids) {:?}, got {:?}", self.put, self.got);
        Err(io::Error::other(format!("the server delivered other items than were put: {what}")))
    }
}

fn add(sum: &mut (u64, u64), number: u64) {
    *sum = (sum.0 + 1, sum.1.wrapping_add(number));
}

/// Whether a client goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Await,
    End,
}

struct Connection {
    stream: TcpStream,
    client: Box<dyn Client>,
    acks_with_next_get: bool,
    /// What was asked last.
    step: Step,
    /// The number of the item that is put next.
    number: u64,
    out: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    fn open(peer: &dyn Peer, address: SocketAddr, name: usize, poll: &Poll) -> io::Result<Self> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        let client = peer.client(&mut stream, name)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(name), Interest::READABLE)?;
        Ok(Self {
            stream,
            client,
            acks_with_next_get: peer.acks_with_next_get(),
            step: Step::Put,
            number: (name as u64) << NUMBER_BITS,
            out: Vec::new(),
            received: Vec::new(),
        })
    }

    fn request(&mut self, step: Step, tally: &mut Tally) -> io::Result<Next> {
        self.out.clear();
        self.client.request(step, self.number, &mut self.out);
        if step == Step::Put {
            add(&mut tally.put, self.number);
            self.number += 1;
        }
        self.step = step;
        // One request is far smaller than the socket's buffer, so it goes in whole.
        self.stream.write_all(&self.out)?;
        Ok(Next::Await)
    }

    /// Reads what is there; if it is an answer, sends what comes next.
    fn receive(&mut self, tally: &mut Tally) -> io::Result<Next> {
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::Error::other("the server hung up")),
                Ok(bytes) => {
                    self.received.extend(chunk.iter().take(bytes));
                    if bytes < CHUNK_BYTES {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let answer = self.client.answer(self.step, &self.received);
        let answer = answer.map_err(|what| io::Error::other(format!("{:?}: {what}", self.step)))?;
        let bytes = match answer {
            Answer::Partial => return Ok(Next::Await),
            Answer::Done { bytes } => bytes,
            Answer::Item { bytes, number } => {
                add(&mut tally.got, number);
                bytes
            }
        };
        self.received.drain(..bytes);
        self.go_on(tally)
    }

    fn go_on(&mut self, tally: &mut Tally) -> io::Result<Next> {
        match (self.step, self.acks_with_next_get) {
            (Step::Put, _) => self.request(Step::Get, tally),
            (Step::Get, false) => self.request(Step::Ack, tally),
            (Step::Get, true) if !tally.count() => self.request(Step::Ack, tally),
            (Step::Get, true) => self.request(Step::Put, tally),
            (Step::Ack, true) => Ok(Next::End),
            (Step::Ack, false) if !tally.count() => Ok(Next::End),
            (Step::Ack, false) => self.request(Step::Put, tally),
        }
    }
}

#[cfg(test)]
mod tests;
