//! `durable`: put, get and ack of small items, each kept on the disk before it is answered.

use std::io;
use std::path::Path;

use crate::candidate::Candidate;
use crate::floor::Floor;
use crate::load::{self, Crew};
use crate::peer::{Beanstalkd, JetStream, Kept, Piecework, Redis, Take};
use crate::subject::{Role, Subject, Tell, Unit, clients, in_rounds};
use crate::words::Words;

/// How many clients at a time: one, few, and as many as a small farm of workers has.
const CLIENTS: [usize; 4] = [1, 8, 16, 64];

/// Measures all in turn, round by round, and tells each figure: the floors, the peers that are
/// here, and piecework, as they are, and in memory for comparison.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    let floors = [("appending", Floor::Append), ("writing over", Floor::WriteOver)];
    let mut subjects: Vec<_> = floors
        .into_iter()
        .map(|(name, floor)| {
            let measure = move |tell: &mut Tell<'_>| {
                each(tell, |clients| floor.items_per_second(folder, clients, words.window))
            };
            Subject { role: Role::Floor, name: name.to_owned(), measure: Box::new(measure) }
        })
        .collect();
    // The default of `serve`: a reply does not wait for the disk, and a loss of power costs 100 ms.
    let own = |role, name, kept| Candidate::new(role, name, "piecework", Piecework::new(kept));
    let (always, interval) = (Kept::Disk("always"), Kept::Disk("interval:100ms"));
    let redis = Redis { synced: true, take: Take::Move };
    let servers = [
        Candidate::new(Role::Peer, "beanstalkd", "beanstalkd", Beanstalkd { synced: true }),
        Candidate::new(Role::Peer, "Redis", "redis", redis),
        Candidate::new(Role::Peer, "JetStream", "nats", JetStream { synced: true }),
        own(Role::Own, "piecework --sync always", always),
        own(Role::Own, "piecework --sync interval", interval),
        own(Role::Memory, "piecework in memory", Kept::Memory),
    ];
    let measured = |server: Candidate| {
        server.measured(words, folder, |peer, server, tell| {
            each(tell, |clients| {
                let crew = Crew::cycling(clients);
                load::items_per_second(peer, server.address(), crew, words.window)
            })
        })
    };
    subjects.extend(servers.into_iter().filter_map(measured));
    in_rounds(words.rounds, &subjects)
}

fn each(tell: &mut Tell<'_>, measure: impl Fn(usize) -> io::Result<f64>) -> io::Result<()> {
    for number in CLIENTS {
        let what = format!("items/s, {}", clients(number));
        tell(&what, Unit::PerSecond, measure(number)?)?;
    }
    Ok(())
}
