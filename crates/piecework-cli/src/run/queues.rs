//! The embedded manager of one `map`: its queue of tasks, its queue of results, and who uses them.

use anyhow::{Context, bail};
use bytes::Bytes;
use piecework_server::{
    AckSpec, Call, Config, Delivery, Key, Local, QueueId, QueueSpec, Reply, Server, Settle,
    StateError, Take, Wait,
};
use piecework_wire::Payload;

use super::link::{Link, Outcome, Task};
use super::message::{Finished, Piece};
use super::stop::{Stage, Stop};

/// The names of the two queues.
const TASKS: &str = "task";
const RESULTS: &str = "result";

/// The manager of a run. It listens nowhere.
#[derive(Debug)]
pub(crate) struct Queues {
    server: Server,
}

impl Queues {
    /// Makes the queues.
    ///
    /// # Errors
    /// If the manager cannot be made.
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let mut config = Config::new(Key::new(Vec::new())); // nobody can connect
        config.listen.clear();
        let mut tasks = QueueSpec::untyped(TASKS);
        tasks.ack = AckSpec::Explicit;
        tasks.attempts = 0; // a command that fails is an answer, and a slot that is lost no fault
        let mut results = QueueSpec::untyped(RESULTS);
        results.ack = AckSpec::None; // the collector is this process: they live and die together
        config.queues = vec![tasks, results];
        let server = Server::bind(config).await.context("cannot make the queues of the run")?;
        Ok(Self { server })
    }

    /// Returns a session on the queues; `name` says whose.
    pub(crate) fn session(&self, name: &str) -> Session {
        let local = self.server.local(name);
        let queue = |name| local.queue(name).expect("the queues were just made");
        let (tasks, results) = (queue(TASKS), queue(RESULTS));
        Session { local, tasks, results, held: None }
    }
}

/// A session on the queues of the run: of the feed, of a slot, or of the collector.
#[derive(Debug)]
pub(crate) struct Session {
    local: Local,
    tasks: QueueId,
    results: QueueId,
    /// The task that a slot works on.
    held: Option<Delivery>,
}

impl Session {
    /// Puts a task; tells whether the run still takes any.
    pub(crate) async fn put(&mut self, piece: &Piece) -> anyhow::Result<bool> {
        let payload = piece.to_payload().into_bytes();
        match self.local.call(Call::put(self.tasks, opaque(payload))).await? {
            Reply::None => Ok(true),
            Reply::Error(StateError::ShutDown) => Ok(false),
            other => bail!("cannot put task {}: {other:?}", piece.seq),
        }
    }

    /// Waits for the next result; `None` once the results are closed and all are taken.
    pub(crate) async fn result(&mut self) -> anyhow::Result<Option<Finished>> {
        match self.local.call(Call::get(self.results)).await? {
            Reply::Item(delivery) => {
                Finished::from_payload(&Payload::from_bytes(delivery.payload)?).map(Some)
            }
            Reply::Error(StateError::ShutDown) => Ok(None),
            other => bail!("cannot get a result: {other:?}"),
        }
    }

    /// Closes the queue of tasks: the slots that wait on it end.
    pub(crate) async fn close_tasks(&mut self) {
        // One that could not keep what it decided lets nobody in either.
        let _ = self.local.call(Call::ShutDown(self.tasks, false)).await;
    }

    /// Closes the queue of results: the collector ends when it has taken all.
    pub(crate) async fn close_results(&mut self) {
        let _ = self.local.call(Call::ShutDown(self.results, false)).await;
    }
}

impl Link for Session {
    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Task>> {
        let take =
            Call::Take { queue: self.tasks, max: 1, wait: Wait::Forever, style: Take::Leases };
        let reply = tokio::select! {
            biased;
            () = stop.reached(Stage::Draining) => return Ok(None),
            reply = self.local.call(take) => reply?,
        };
        let delivery = match reply {
            Reply::Leases(leases) => leases.into_iter().next().context("a lease of nothing")?,
            Reply::Error(StateError::ShutDown) => return Ok(None),
            other => bail!("cannot take a task: {other:?}"),
        };
        let piece = Piece::from_payload(&Payload::from_bytes(delivery.payload.clone())?)?;
        let (id, attempt) = (delivery.id.0, delivery.attempt);
        self.held = Some(delivery);
        Ok(Some(Task { seq: piece.seq, id, attempt, argument: piece.argument }))
    }

    async fn settle(&mut self, task: Task, outcome: Outcome) -> anyhow::Result<()> {
        let held = self.held.take().context("nothing to settle")?;
        let result = match outcome {
            Outcome::Ended(output) => Ok(output),
            Outcome::Failed(error) => Err(error.to_string()),
            Outcome::Stopped => {
                self.local.call(Call::Settle(self.tasks, held.id, Settle::Release)).await?;
                return Ok(());
            }
        };
        let piece = Piece { seq: task.seq, argument: task.argument };
        let payload = opaque(Finished { piece, result }.to_payload().into_bytes());
        let answer = Call::Answer { queue: self.tasks, item: held.id, to: self.results, payload };
        match self.local.call(answer).await? {
            Reply::None | Reply::Error(StateError::ShutDown) => Ok(()),
            other => bail!("cannot put the result of task {}: {other:?}", task.seq),
        }
    }

    async fn close(self) {}
}

fn opaque(bytes: Bytes) -> piecework_server::Payload {
    piecework_server::Payload::opaque(bytes)
}
