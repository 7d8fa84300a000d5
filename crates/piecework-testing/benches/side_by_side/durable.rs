//! `durable`: put, get and ack of small items, each kept on the disk before it is answered.

use std::io;
use std::path::{Path, PathBuf};

use crate::floor::Floor;
use crate::load::Window;
use crate::peer::{Beanstalkd, JetStream, Peer, Piecework, Redis};
use crate::server::Server;
use crate::words::Words;
use crate::{load, tell};

/// How many clients at a time: one, few, and as many as a small farm of workers has.
const CLIENTS: [usize; 4] = [1, 8, 16, 64];

/// What is compared.
struct Subject {
    role: &'static str,
    name: &'static str,
    kind: Kind,
}

enum Kind {
    Floor(Floor),
    Server(Box<dyn Peer>, PathBuf),
}

/// Measures all in turn, round by round, and tells each figure.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    let subjects = subjects(words);
    for round in 0..words.rounds {
        // Nobody is always the first.
        for at in 0..subjects.len() {
            let subject = subjects.get((at + round) % subjects.len()).expect("within the list");
            let failed = |error| io::Error::other(format!("{}: {error}", subject.name));
            subject.measure(folder, words.window).map_err(failed)?;
        }
    }
    Ok(())
}

/// The floors, the peers that are here, and piecework: as they are, and in memory for comparison.
fn subjects(words: &Words) -> Vec<Subject> {
    let floors = [("appending", Floor::Append), ("writing over", Floor::WriteOver)];
    let floor = |(name, floor)| Subject { role: "floor", name, kind: Kind::Floor(floor) };
    let mut subjects: Vec<_> = floors.map(floor).into();
    // The default of `serve`: a reply does not wait for the disk, and a loss of power costs 100 ms.
    let interval = Piecework::Disk("interval:100ms");
    let servers: [(_, _, _, Box<dyn Peer>); 6] = [
        ("peer", "beanstalkd", "beanstalkd", Box::new(Beanstalkd)),
        ("peer", "Redis", "redis", Box::new(Redis)),
        ("peer", "JetStream", "nats", Box::new(JetStream)),
        ("own", "piecework --sync always", "piecework", Box::new(Piecework::Disk("always"))),
        ("own", "piecework --sync interval", "piecework", Box::new(interval)),
        ("memory", "piecework in memory", "piecework", Box::new(Piecework::Memory)),
    ];
    for (role, name, program, peer) in servers {
        if let Some(program) = words.programs.get(program) {
            subjects.push(Subject { role, name, kind: Kind::Server(peer, program.clone()) });
        }
    }
    subjects
}

impl Subject {
    /// One round: a server is started for it, in an empty folder, and ends with it.
    fn measure(&self, folder: &Path, window: Window) -> io::Result<()> {
        match &self.kind {
            Kind::Floor(floor) => {
                self.each(|clients| floor.items_per_second(folder, clients, window))
            }
            Kind::Server(peer, program) => {
                let (peer, server) =
                    (peer.as_ref(), Server::start(peer.as_ref(), program, folder)?);
                let load = |clients| {
                    load::items_per_second(peer, server.address(), clients, window)
                        .map_err(|error| server.blame(&error))
                };
                self.each(load)
            }
        }
    }

    fn each(&self, mut measure: impl FnMut(usize) -> io::Result<f64>) -> io::Result<()> {
        for clients in CLIENTS {
            tell(&format!("{clients}\t{}\t{}\t{:.1}", self.role, self.name, measure(clients)?))?;
        }
        Ok(())
    }
}
