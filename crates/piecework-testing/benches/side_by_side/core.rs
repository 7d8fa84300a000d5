//! `core`: put, get and ack of small items in memory, by one client and by thousands.

use std::io;
use std::path::Path;

use crate::load::{self, Course, Crew, Until};
use crate::peer::{
    Beanstalkd, CPython, Echo, JetStream, Kept, Peer, Piecework, Redis, Sizes, Take,
};
use crate::server::Server;
use crate::subject::{Role, Subject, Tell, Unit, clients, in_rounds, program};
use crate::words::Words;

/// How many clients at a time, each with one request in flight.
const CLIENTS: [usize; 5] = [1, 8, 64, 512, 4096];
/// Those with a thread for each client are not asked for more.
const THREADS_MAX: usize = 64;
/// So many requests in flight, of so many clients.
const PIPELINED: Crew = Crew { clients: 16, course: Course::Cycle, in_flight: 32 };
/// So many items in a request.
const BATCH: usize = 100;
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

/// Measures all in turn, round by round, and tells each figure.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    let own = || Piecework::new(Kept::Memory);
    let (pipelined, batches) =
        (Piecework { pipelined: true, ..own() }, Piecework { items: BATCH, ..own() });
    let redis = |take| Box::new(Redis { synced: false, take });
    let echo = |items| Box::new(Echo { sizes: Sizes::of(items) });
    let (nats, beanstalkd) = (JetStream { synced: false }, Beanstalkd { synced: false });
    let servers: Vec<(_, _, _, Box<dyn Peer>, &[Part])> = vec![
        (Role::Floor, "echo", "echo", echo(1), &[Part::Single(usize::MAX), Part::Pipelined]),
        (Role::Floor, "echo", "echo", echo(BATCH), &[Part::Batches]),
        (Role::Peer, "CPython", "python", Box::new(CPython), &[Part::Single(THREADS_MAX)]),
        (
            Role::Peer,
            "Redis without ack",
            "redis",
            redis(Take::Pop),
            &[Part::Single(usize::MAX), Part::Pipelined],
        ),
        (Role::Peer, "Redis", "redis", redis(Take::Move), &[Part::Single(usize::MAX)]),
        (Role::Peer, "beanstalkd", "beanstalkd", Box::new(beanstalkd), &[Part::Single(usize::MAX)]),
        (Role::Peer, "JetStream", "nats", Box::new(nats), &[Part::Single(THREADS_MAX)]),
        (Role::Own, "piecework", "piecework", Box::new(own()), &[Part::Single(usize::MAX)]),
        (Role::Own, "piecework", "piecework", Box::new(pipelined), &[Part::Pipelined]),
        (Role::Own, "piecework", "piecework", Box::new(batches), &[Part::Batches]),
    ];
    let subjects: Vec<_> = servers
        .into_iter()
        .filter_map(|(role, name, of, peer, parts)| {
            let program = program(words, of)?;
            let measure = Box::new(move |tell: &mut Tell<'_>| {
                let server = Server::start(peer.as_ref(), &program, folder)?;
                for part in parts {
                    part.measure(peer.as_ref(), &server, words, tell)
                        .map_err(|error| server.blame(&error))?;
                }
                Ok(())
            });
            Some(Subject { role, name, measure })
        })
        .collect();
    in_rounds(words.rounds, &subjects)
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
                for each in CLIENTS.into_iter().filter(|clients| *clients <= max) {
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
                let crew = |course| [Crew { clients: BATCH_CLIENTS, course, in_flight: 1 }];
                for (course, word) in [(Course::Put, "put"), (Course::Get, "got")] {
                    let until = Until::Items(BATCH_ITEMS);
                    let rate = load::run(peer, address, &crew(course), until)?.rate();
                    let what = format!("items/s {word} in batches of {BATCH}");
                    tell(&what, Unit::PerSecond, rate)?;
                }
            }
        }
        Ok(())
    }
}
