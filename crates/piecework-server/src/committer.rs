//! The thread that keeps what was decided, batch by batch.
//!
//! It takes all that has come in since it last looked, has the engine keep it without the lock, and
//! lets the replies go that waited for it. So the batches grow with the load, and one sync serves
//! many clients.

use crate::hub::{Hub, Work};
use bytes::Bytes;
use piecework_engine::{Engine, EngineError};
use piecework_state::{Fetch, ItemId, Record};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::task::AbortHandle;

/// Room that is less than a put may take.
const LITTLE_ROOM: u64 = 64 << 20;

/// How often it is looked whether there is room again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The thread, and the engine with it. Dropped, it keeps what was decided until then, and ends.
#[derive(Debug)]
pub(crate) struct Committer {
    hub: Arc<Hub>,
    /// Lets replies go.
    releases: AbortHandle,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
}

impl Committer {
    /// Has the engine keep what is decided in the hub from now on. The replies leave by a task of
    /// the runtime that this is called in, so for as long as that runs.
    pub(crate) fn start(hub: Arc<Hub>, engine: Box<dyn Engine>) -> std::io::Result<Self> {
        let of_thread = Arc::clone(&hub);
        let thread = thread::Builder::new()
            .name("piecework-keep".to_owned())
            .spawn(move || keep_all(&of_thread, engine))?;
        let of_task = Arc::clone(&hub);
        let releases = tokio::spawn(async move { of_task.run_releases().await }).abort_handle();
        Ok(Self { hub, releases, thread: Some(thread) })
    }

    /// Keeps what was decided until now, and ends. Blocks until that is done.
    pub(crate) fn close(mut self) -> Result<(), EngineError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), EngineError> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.hub.close();
        self.releases.abort();
        let ended = thread.join();
        self.hub.release();
        match ended {
            Ok(ended) => ended,
            Err(_) => Err(EngineError::Poisoned("the thread that keeps panicked".to_owned())),
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        let _ = self.end();
    }
}

/// Keeps batch after batch until it is told to end, or one cannot be kept.
fn keep_all(hub: &Hub, mut engine: Box<dyn Engine>) -> Result<(), EngineError> {
    let mut work = Work::default();
    let mut room = look_for_room(hub, &mut *engine, u64::MAX);
    // While there is room, it is looked for after each commit. While there is little, puts are
    // refused, and there may be no commit for long.
    while hub.next_work(&mut work, (room < LITTLE_ROOM).then_some(LOOK_AGAIN)) {
        let fetched = match keep(&mut *engine, &work) {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::error!(%error, "cannot keep what was decided; the manager stops");
                hub.lose();
                return Err(error);
            }
        };
        // First: whoever is told that his item is kept may put the next.
        room = look_for_room(hub, &mut *engine, room);
        hub.kept(fetched);
    }
    Ok(())
}

/// Fetches what is wanted, then keeps the batch: what is delivered may be gone with it.
fn keep(engine: &mut dyn Engine, work: &Work) -> Result<Vec<(Fetch, Bytes)>, EngineError> {
    let mut fetched = Vec::with_capacity(work.fetches.len());
    if !work.fetches.is_empty() {
        let put_now = put_now(&work.batch);
        for fetch in &work.fetches {
            let bytes = match put_now.get(&fetch.item) {
                Some(&bytes) => bytes.clone(),
                None => engine.payload(fetch.item)?,
            };
            fetched.push((*fetch, bytes));
        }
    }
    if !work.batch.is_empty() {
        engine.commit(&work.batch)?;
    }
    Ok(fetched)
}

/// The payloads of the items that are put in this very batch.
fn put_now(batch: &[Record]) -> HashMap<ItemId, &Bytes> {
    let items = batch.iter().flat_map(|record| match record {
        Record::Put { items, .. } => &items[..],
        _ => &[],
    });
    items.filter_map(|item| Some((item.id, item.payload.here()?))).collect()
}

/// Tells the hub how much room there is; gives back what was known last.
fn look_for_room(hub: &Hub, engine: &mut dyn Engine, before: u64) -> u64 {
    let Some(room) = engine.room() else { return before };
    hub.set_room(room);
    match (before == 0, room == 0) {
        (false, true) => tracing::warn!("the disk is full: puts are refused until there is room"),
        (true, false) => tracing::info!("there is room on the disk: puts are let in"),
        _ => {}
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::hub::Called;
    use crate::queue_spec::{Payloads, QueueSpec};
    use crate::registry::Registry;
    use piecework_state::{
        Call, Ledger, Limits, Outcome, Payload, Peer, QueueId, Reply, State, Take, Wait,
    };
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// Keeps a batch each time it is told to, or fails.
    struct Told {
        word: Receiver<Result<(), EngineError>>,
        sizes: Arc<Mutex<Vec<usize>>>,
    }

    impl Engine for Told {
        fn commit(&mut self, batch: &[Record]) -> Result<(), EngineError> {
            self.sizes.lock().unwrap().push(batch.len());
            self.word.recv().unwrap()
        }

        fn load(&mut self, _: &mut dyn FnMut(Record)) -> Result<(), EngineError> {
            Ok(())
        }
    }

    struct Site {
        hub: Arc<Hub>,
        committer: Committer,
        task: QueueId,
        say: SyncSender<Result<(), EngineError>>,
        sizes: Arc<Mutex<Vec<usize>>>,
    }

    fn site() -> Site {
        let mut state = State::new(1, Limits::default());
        let queues = [QueueSpec::named("task")];
        let mut out = Outcome::default();
        let registry =
            Registry::new(&mut state, &queues, Payloads::Any, vec![], vec![], 0, &mut out).unwrap();
        let task = state.queue("task").unwrap();
        let hub = Arc::new(Hub::new(Clock::start(), Ledger::new(state, true), registry));
        let (say, word) = sync_channel(8);
        let sizes = Arc::default();
        let engine = Told { word, sizes: Arc::clone(&sizes) };
        let committer = Committer::start(Arc::clone(&hub), Box::new(engine)).unwrap();
        Site { hub, committer, task, say, sizes }
    }

    fn put(site: &Site, session: piecework_state::SessionId) -> Called {
        site.hub.call_queue(session, Call::put(site.task, Payload::opaque("N")))
    }

    async fn reply(called: Called) -> Option<Reply> {
        let Called::Parked(reply) = called else { panic!("{called:?}") };
        reply.await.ok()
    }

    #[tokio::test]
    async fn what_comes_in_during_a_commit_is_the_next_batch() {
        let site = site();
        let [a, b, c] = ["a", "b", "c"].map(|name| site.hub.open(Peer::native(name)));
        let first = put(&site, a);
        while site.sizes.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        let (second, third) = (put(&site, b), put(&site, c));
        site.say.send(Ok(())).unwrap();
        assert!(matches!(reply(first).await, Some(Reply::None)));
        site.say.send(Ok(())).unwrap();
        assert!(reply(second).await.is_some() && reply(third).await.is_some());
        assert_eq!(*site.sizes.lock().unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn what_was_decided_is_kept_before_the_end() {
        let site = site();
        let a = site.hub.open(Peer::native("a"));
        let put = put(&site, a);
        site.say.send(Ok(())).unwrap();
        site.committer.close().unwrap();
        assert!(reply(put).await.is_some());
    }

    #[tokio::test]
    async fn nothing_is_promised_once_something_was_not_kept() {
        let site = site();
        let [waiting, putter] = ["a", "b"].map(|name| site.hub.open(Peer::native(name)));
        let get = Call::Take { queue: site.task, max: 1, wait: Wait::Forever, style: Take::Item };
        let got = site.hub.call_queue(waiting, get);
        let put = put(&site, putter);
        site.say.send(Err(EngineError::Poisoned("the disk is gone".into()))).unwrap();
        assert!(reply(put).await.is_none());
        assert!(reply(got).await.is_none(), "the getter gets no item that nobody keeps");
        site.hub.asked_to_stop().await;
        let after = site.hub.call_queue(putter, Call::Qsize(site.task));
        assert!(matches!(after, Called::Lost), "{after:?}");
        assert!(site.committer.close().is_err());
    }
}
