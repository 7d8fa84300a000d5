//! Servers that are compared, and how each is measured: started anew, alone, and blamed for what
//! goes wrong.

use std::io;
use std::path::{Path, PathBuf};

use crate::peer::{Beanstalkd, CPython, JetStream, Peer, Piecework, Redis, Take};
use crate::server::Server;
use crate::subject::{Role, Subject, Tell};
use crate::words::Words;

/// A server in one configuration, which is measured if its program is here.
pub(crate) struct Candidate {
    pub(crate) role: Role,
    pub(crate) name: String,
    /// What the command line calls its program.
    pub(crate) program: &'static str,
    pub(crate) peer: Box<dyn Peer>,
}

impl Candidate {
    pub(crate) fn new(
        role: Role,
        name: impl Into<String>,
        program: &'static str,
        peer: impl Peer + 'static,
    ) -> Self {
        Self { role, name: name.into(), program, peer: Box::new(peer) }
    }

    /// A subject whose server is started in a new folder within this one each time it is measured;
    /// none where its program is missing.
    pub(crate) fn measured<'s>(
        self,
        words: &Words,
        folder: &'s Path,
        measure: impl Fn(&dyn Peer, &Server, &mut Tell<'_>) -> io::Result<()> + 's,
    ) -> Option<Subject<'s>> {
        let Self { role, name, program, peer } = self;
        let program = find(words, program)?;
        let measure = move |tell: &mut Tell<'_>| {
            let peer = peer.as_ref();
            let server = Server::start(peer, &program, folder)?;
            measure(peer, &server, tell).map_err(|error| server.blame(&error))
        };
        Some(Subject { role, name, measure: Box::new(measure) })
    }
}

/// All that keep items in memory and have a get wait for one, with piecework as it is given.
pub(crate) fn in_memory(own: Piecework) -> Vec<Candidate> {
    let redis = Redis { synced: false, take: Take::Wait };
    vec![
        Candidate::new(Role::Peer, "CPython", "python", CPython),
        Candidate::new(Role::Peer, "Redis", "redis", redis),
        Candidate::new(Role::Peer, "beanstalkd", "beanstalkd", Beanstalkd { synced: false }),
        Candidate::new(Role::Peer, "JetStream", "nats", JetStream { synced: false }),
        Candidate::new(Role::Own, "piecework", "piecework", own),
    ]
}

/// The program of a server, where there is one: this program itself is the floor's.
fn find(words: &Words, name: &str) -> Option<PathBuf> {
    match name {
        "echo" => std::env::current_exe().ok(),
        _ => words.programs.get(name).cloned(),
    }
}
