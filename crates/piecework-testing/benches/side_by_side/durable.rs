//! `durable`: put, get and ack of small items, each kept on the disk before it is answered.

use std::io;
use std::path::Path;

use crate::floor::Floor;
use crate::load::{self, Crew};
use crate::peer::{Beanstalkd, JetStream, Kept, Peer, Piecework, Redis, Take};
use crate::server::Server;
use crate::subject::{Role, Subject, Tell, Unit, clients, in_rounds, program};
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
            Subject { role: Role::Floor, name, measure: Box::new(measure) }
        })
        .collect();
    // The default of `serve`: a reply does not wait for the disk, and a loss of power costs 100 ms.
    let own = |kept| Box::new(Piecework::new(kept));
    let (always, interval) = (own(Kept::Disk("always")), own(Kept::Disk("interval:100ms")));
    let redis = Redis { synced: true, take: Take::Move };
    let servers: [(_, _, _, Box<dyn Peer>); 6] = [
        (Role::Peer, "beanstalkd", "beanstalkd", Box::new(Beanstalkd { synced: true })),
        (Role::Peer, "Redis", "redis", Box::new(redis)),
        (Role::Peer, "JetStream", "nats", Box::new(JetStream { synced: true })),
        (Role::Own, "piecework --sync always", "piecework", always),
        (Role::Own, "piecework --sync interval", "piecework", interval),
        (Role::Memory, "piecework in memory", "piecework", own(Kept::Memory)),
    ];
    for (role, name, of, peer) in servers {
        let Some(program) = program(words, of) else { continue };
        let measure = move |tell: &mut Tell<'_>| {
            let server = Server::start(peer.as_ref(), &program, folder)?;
            let (peer, address) = (peer.as_ref(), server.address());
            each(tell, |clients| {
                load::items_per_second(peer, address, Crew::cycling(clients), words.window)
                    .map_err(|error| server.blame(&error))
            })
        };
        subjects.push(Subject { role, name, measure: Box::new(measure) });
    }
    in_rounds(words.rounds, &subjects)
}

fn each(tell: &mut Tell<'_>, measure: impl Fn(usize) -> io::Result<f64>) -> io::Result<()> {
    for number in CLIENTS {
        let what = format!("items/s, {}", clients(number));
        tell(&what, Unit::PerSecond, measure(number)?)?;
    }
    Ok(())
}
