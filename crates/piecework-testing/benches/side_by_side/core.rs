//! `core`: put, get and ack of small items in memory, by one client and by thousands.

use std::io;
use std::path::Path;

use crate::candidate::Candidate;
use crate::descriptors;
use crate::load::{self, Course, Crew, Until};
use crate::peer::{
    Beanstalkd, CPython, Echo, JetStream, Kept, Peer, Piecework, Redis, Sizes, Take,
};
use crate::server::Server;
use crate::subject::{Role, Tell, Unit, clients, in_rounds};
use crate::words::Words;

/// How many clients at a time, each with one request in flight.
const CLIENTS: [usize; 5] = [1, 8, 64, 512, 4096];
/// Those with a thread for each client are not asked for more.
const THREADS_MAX: usize = 64;
/// So many requests in flight, of so many clients.
const PIPELINED: Crew = Crew { clients: 16, course: Course::Cycle, in_flight: 32 };
/// So many items in a request.
pub(crate) const BATCH: usize = 100;
/// So many clients put and get batches, and so many items in all.
const BATCH_CLIENTS: usize = 8;
const BATCH_ITEMS: u64 = 2_000_000;

/// What is measured of a server.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// One request in flight, for up to so many clients.
    Single(usize),
    Pipelined,
    Batches,
}

/// Of a server that does not need a thread for each client, and of one that does.
const SINGLE: Part = Part::Single(usize::MAX);
const FEW: Part = Part::Single(THREADS_MAX);

/// Measures all in turn, round by round, and tells each figure.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    let own = || Piecework::new(Kept::Memory);
    let (pipelined, batches) =
        (Piecework { pipelined: true, ..own() }, Piecework { items: BATCH, ..own() });
    let echo = |items| Echo { sizes: Sizes::of(items) };
    let redis = |take| Redis { synced: false, take };
    let (nats, beanstalkd) = (JetStream { synced: false }, Beanstalkd { synced: false });
    let servers: Vec<(Candidate, &'static [Part])> = vec![
        (Candidate::new(Role::Floor, "echo", "echo", echo(1)), &[SINGLE, Part::Pipelined]),
        (Candidate::new(Role::Floor, "echo", "echo", echo(BATCH)), &[Part::Batches]),
        (Candidate::new(Role::Peer, "CPython", "python", CPython), &[FEW]),
        (
            Candidate::new(Role::Peer, "Redis without ack", "redis", redis(Take::Pop)),
            &[SINGLE, Part::Pipelined],
        ),
        (Candidate::new(Role::Peer, "Redis", "redis", redis(Take::Move)), &[SINGLE]),
        (Candidate::new(Role::Peer, "beanstalkd", "beanstalkd", beanstalkd), &[SINGLE]),
        (Candidate::new(Role::Peer, "JetStream", "nats", nats), &[FEW]),
        (Candidate::new(Role::Own, "piecework", "piecework", own()), &[SINGLE]),
        (Candidate::new(Role::Own, "piecework", "piecework", pipelined), &[Part::Pipelined]),
        (Candidate::new(Role::Own, "piecework", "piecework", batches), &[Part::Batches]),
    ];
    let measured = |(server, parts): (Candidate, &'static [Part])| {
        server.measured(words, folder, move |peer, server, tell| {
            parts.iter().try_for_each(|part| part.measure(peer, server, words, tell))
        })
    };
    let subjects: Vec<_> = servers.into_iter().filter_map(measured).collect();
    in_rounds(words.rounds, &subjects)
}

/// Clients that put or get batches.
pub(crate) fn batching(course: Course) -> Crew {
    Crew { clients: BATCH_CLIENTS, course, in_flight: 1 }
}

impl Part {
    fn measure(
        self,
        peer: &dyn Peer,
        server: &Server,
        words: &Words,
        tell: &mut Tell<'_>,
    ) -> io::Result<()> {
        let address = server.address();
        match self {
            Self::Single(max) => {
                let has_room = |clients: &usize| *clients <= max && descriptors::allow(*clients);
                for each in CLIENTS.into_iter().filter(has_room) {
                    let crew = Crew::cycling(each);
                    let rate = load::items_per_second(peer, address, crew, words.window)?;
                    tell(&format!("items/s, {}", clients(each)), Unit::PerSecond, rate)?;
                }
            }
            Self::Pipelined => {
                let rate = load::items_per_second(peer, address, PIPELINED, words.window)?;
                let Crew { clients, in_flight, .. } = PIPELINED;
                let what = format!("items/s, {clients} clients with {in_flight} requests each");
                tell(&what, Unit::PerSecond, rate)?;
            }
            Self::Batches => {
                for (course, word) in [(Course::Put, "put"), (Course::Get, "got")] {
                    let until = Until::Items(BATCH_ITEMS);
                    let rate = load::run(peer, address, &[batching(course)], until)?.rate();
                    let what = format!("items/s {word} in batches of {BATCH}");
                    tell(&what, Unit::PerSecond, rate)?;
                }
            }
        }
        Ok(())
    }
}
