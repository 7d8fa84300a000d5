//! The load: clients that put, get and acknowledge items, in one thread around the system's `epoll`
//! or its like. It is the same for every server.

mod connection;
mod tally;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Poll, Token};

use crate::peer::{Peer, SILENCE_MAX};
use connection::{Connection, Next};
pub(crate) use tally::Tally;

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Not counted: buffers and files grow to the size they will have.
    pub(crate) warm_up: Duration,
    pub(crate) counted: Duration,
}

/// What a client does over and over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Course {
    /// Puts an item, gets one, acknowledges it.
    Cycle,
    /// Puts items.
    Put,
    /// Gets items and acknowledges them, and waits where there are none.
    Get,
}

/// So many clients on one course.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew {
    pub(crate) clients: usize,
    pub(crate) course: Course,
    /// How many requests a client sends before it awaits an answer.
    pub(crate) in_flight: usize,
}

impl Crew {
    /// Clients that do all that can be done with an item, with one request in flight.
    pub(crate) fn cycling(clients: usize) -> Self {
        Self { clients, course: Course::Cycle, in_flight: 1 }
    }
}

/// When a load has an end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// When the time is up.
    Over(Window),
    /// When so many items went as far as they go, and then what was asked is answered: a few more.
    Items(u64),
}

/// What clients got, where they alone have put it: other items than were put are an error.
///
/// # Errors
/// As of [`run`].
pub(crate) fn items_per_second(
    peer: &dyn Peer,
    address: SocketAddr,
    crew: Crew,
    window: Window,
) -> io::Result<f64> {
    let tally = run(peer, address, &[crew], Until::Over(window))?;
    tally.balance()?;
    Ok(tally.rate())
}

/// Has all clients work until the end, and tells what they did.
///
/// # Errors
/// The server cannot be reached, refuses something, or falls silent.
pub(crate) fn run(
    peer: &dyn Peer,
    address: SocketAddr,
    crews: &[Crew],
    until: Until,
) -> io::Result<Tally> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    for crew in crews {
        for _ in 0..crew.clients {
            let name = connections.len();
            connections.push(Connection::open(peer, address, name, *crew, &poll)?);
        }
    }
    let mut tally = Tally::begin(until, counted_on(crews));
    // Whoever gets waits already when the first item is put.
    for connection in connections.iter_mut().rev() {
        connection.begin(&mut tally)?;
    }
    // Whoever gets what others put may wait for ever.
    let alone = crews.iter().all(|crew| crew.course == Course::Get);
    let ends = |crew: &Crew| alone || crew.course != Course::Get;
    let mut running: usize = crews.iter().filter(|crew| ends(crew)).map(|crew| crew.clients).sum();
    let clients = connections.len();
    let mut events = Events::with_capacity(clients);
    while running > 0 {
        poll.poll(&mut events, Some(SILENCE_MAX))?;
        if events.is_empty() {
            let what = format!("{running} of {clients} clients had no answer for {SILENCE_MAX:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        for event in &events {
            let Token(at) = event.token();
            let connection = connections.get_mut(at).expect("only connections are registered");
            if connection.receive(&mut tally)? == Next::End && ends(connection.crew()) {
                running -= 1;
            }
        }
    }
    Ok(tally)
}

/// On which course the items are counted: where some put and others get, they count when got.
fn counted_on(crews: &[Crew]) -> Course {
    let get = crews.iter().find(|crew| crew.course == Course::Get).or(crews.first());
    get.map_or(Course::Cycle, |crew| crew.course)
}

#[cfg(test)]
mod tests;
