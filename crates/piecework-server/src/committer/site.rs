//! A hub with an engine that does as it is told.

use super::Committer;
use crate::clock::Clock;
use crate::hub::{Called, Hub};
use crate::local::Local;
use crate::queue_spec::{Payloads, QueueSpec};
use crate::registry::Registry;
use piecework_engine::{Engine, EngineError};
use piecework_state::{
    Call, Ledger, Limits, Lost, Outcome, Payload, Peer, QueueId, Record, Reply, SessionId, State,
    Take, Wait,
};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::task::{JoinHandle as Task, yield_now};

/// How many records a batch has, and which thread keeps it.
pub(crate) type Batches = Arc<Mutex<Vec<(usize, By)>>>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    Thread,
    Teller,
}

/// Keeps a batch each time it is told to, or fails. It is quick where that has so few bytes.
struct Told {
    word: Receiver<Result<(), EngineError>>,
    batches: Batches,
    quick: u64,
}

impl Engine for Told {
    fn commit(&mut self, batch: &[Record]) -> Result<(), EngineError> {
        let by = match thread::current().name() {
            Some("piecework-keep") => By::Thread,
            _ => By::Teller,
        };
        self.batches.lock().unwrap().push((batch.len(), by));
        self.word.recv().unwrap()
    }

    fn is_quick(&mut self, bytes: u64) -> bool {
        bytes < self.quick
    }

    fn load(&mut self, _: &mut dyn FnMut(Record)) -> Result<(), EngineError> {
        Ok(())
    }
}

pub(crate) struct Site {
    pub(crate) hub: Arc<Hub>,
    // Dropped before the committer, which waits for its word.
    pub(crate) say: SyncSender<Result<(), EngineError>>,
    pub(crate) committer: Committer,
    pub(crate) task: QueueId,
    batches: Batches,
}

/// A hub whose engine takes its time.
pub(crate) fn slow() -> Site {
    site(0)
}

/// A hub whose engine keeps what takes less than a thousand bytes at once.
pub(crate) fn quick() -> Site {
    site(1_000)
}

fn site(quick: u64) -> Site {
    site_of(quick, QueueSpec::named("task"))
}

/// The same with this queue, which is named `task`.
pub(crate) fn site_of(quick: u64, queue: QueueSpec) -> Site {
    let mut state = State::new(1, Limits::default());
    let queues = [queue];
    let mut out = Outcome::default();
    let registry =
        Registry::new(&mut state, &queues, Payloads::Any, vec![], vec![], 0, &mut out).unwrap();
    let task = state.queue("task").unwrap();
    let hub = Arc::new(Hub::new(Clock::start(), Ledger::new(state, true), registry));
    let (say, word) = sync_channel(8);
    let batches = Batches::default();
    let engine = Told { word, batches: Arc::clone(&batches), quick };
    let committer = Committer::start(Arc::clone(&hub), Box::new(engine)).unwrap();
    hub.open(Peer::native("somebody else"));
    Site { hub, say, committer, task, batches }
}

impl Site {
    pub(crate) fn open(&self, name: &str) -> SessionId {
        self.hub.open(Peer::native(name))
    }

    pub(crate) fn local(&self, name: &str) -> Local {
        Local::open(Arc::clone(&self.hub), name)
    }

    pub(crate) fn put(&self, session: SessionId) -> Reply {
        let put = Call::put(self.task, Payload::opaque("N"));
        match self.hub.call_queue(session, put) {
            Called::Replied(reply) | Called::Served(reply) => reply,
            waits => panic!("{waits:?}"),
        }
    }

    pub(crate) fn get(&self, wait: Wait) -> Call {
        Call::Take { queue: self.task, max: 1, wait, style: Take::Item }
    }

    /// As a connection that has a reply to write.
    pub(crate) fn tell(&self) -> Task<Result<(), Lost>> {
        let hub = Arc::clone(&self.hub);
        tokio::spawn(async move { hub.keep().await })
    }

    pub(crate) fn batches(&self) -> Vec<(usize, By)> {
        self.batches.lock().unwrap().clone()
    }

    /// Lets others work until so many batches have been given to the engine.
    pub(crate) async fn given(&self, batches: usize) {
        while self.batches().len() < batches {
            thread::yield_now();
            yield_now().await;
        }
    }

    pub(crate) fn ready(&self) -> usize {
        self.hub.look(|state, now| state.stats_of(now, self.task).unwrap().ready)
    }
}

pub(crate) fn fails() -> Result<(), EngineError> {
    Err(EngineError::Poisoned("the disk is gone".into()))
}
