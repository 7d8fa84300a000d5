//! `memory`: how much resident memory a server takes for each item it holds, and for each client
//! that is connected and asks nothing.

use std::io;
use std::path::Path;

use crate::caller::Caller;
use crate::candidate::{Candidate, in_memory};
use crate::descriptors;
use crate::item::ITEM_BYTES;
use crate::load::{self, Course, Crew, Until};
use crate::peer::{Kept, Peer, Piecework, Step};
use crate::server::Server;
use crate::subject::{Tell, Unit, in_rounds, thousands};
use crate::words::Words;

/// Items that are queued, and connections that are opened: enough that what a server has once for
/// all of them does not show. Fewer where they are not for figures.
const ITEMS: u64 = 1_000_000;
const ITEMS_QUICK: u64 = 10_000;
const CONNECTIONS: usize = 1_000;
const CONNECTIONS_QUICK: usize = 50;

/// What a server has been through before it counts: it has then what it needs once.
const ITEMS_BEFORE: u64 = 1_000;
const CONNECTIONS_BEFORE: usize = 8;

/// Who fills the queue.
const FILLING: Crew = Crew { clients: 8, course: Course::Put, in_flight: 32 };

/// Measures all in turn, round by round, and tells each figure. For each of the two a server is
/// started: memory that was let go would be taken again, and not seen.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    let connections = words.amount(CONNECTIONS, CONNECTIONS_QUICK);
    let items = words.amount(ITEMS, ITEMS_QUICK);
    let servers = || in_memory(Piecework { pipelined: true, ..Piecework::new(Kept::Memory) });
    let idle = |server: Candidate| {
        server.measured(words, folder, move |peer, server, tell| {
            per_connection(peer, server, connections, tell)
        })
    };
    let queued = |server: Candidate| {
        server
            .measured(words, folder, move |peer, server, tell| per_item(peer, server, items, tell))
    };
    let mut subjects = Vec::new();
    if descriptors::allow(connections + CONNECTIONS_BEFORE) {
        subjects.extend(servers().into_iter().filter_map(idle));
    }
    subjects.extend(servers().into_iter().filter_map(queued));
    in_rounds(words.rounds, &subjects)
}

fn per_connection(
    peer: &dyn Peer,
    server: &Server,
    connections: usize,
    tell: &mut Tell<'_>,
) -> io::Result<()> {
    let mut kept = Vec::new();
    connect(peer, server, CONNECTIONS_BEFORE, &mut kept)?;
    let before = server.resident()?;
    connect(peer, server, connections, &mut kept)?;
    let what =
        format!("resident bytes per idle connection, {} connected", thousands(connections as u64));
    tell(&what, Unit::Bytes, each(before, server.resident()?, connections as u64))
}

/// Adds so many clients. The last one puts an item: connections are accepted in their order, so
/// that the server has all of them when it answers, also where clients need not say hello.
fn connect(
    peer: &dyn Peer,
    server: &Server,
    connections: usize,
    kept: &mut Vec<Caller>,
) -> io::Result<()> {
    for _ in 0..connections {
        kept.push(Caller::connect(peer, server.address(), kept.len())?);
    }
    kept.last_mut().map_or(Ok(()), |last| last.call(Step::Put, 0).map(drop))
}

fn per_item(peer: &dyn Peer, server: &Server, items: u64, tell: &mut Tell<'_>) -> io::Result<()> {
    let fill = |items| load::run(peer, server.address(), &[FILLING], Until::Items(items));
    fill(ITEMS_BEFORE)?;
    let before = server.resident()?;
    let filled = fill(items)?.items;
    let items = thousands(items);
    let what = format!("resident bytes per queued item of {ITEM_BYTES} bytes, {items} queued");
    tell(&what, Unit::Bytes, each(before, server.resident()?, filled))
}

fn each(before: u64, after: u64, number: u64) -> f64 {
    (after as f64 - before as f64) / number as f64
}
