//! The embedded manager of one `map`, and the sessions that this process has with it.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use piecework_server::{
    Address, Call, Config, ItemId, Local, QueueId, Reply, Server, Settle, StateError, Take, Wait,
};
use piecework_wire::Payload;

use super::board::{Board, Leased};
use super::stop::{Stage, Stop};

/// Reports that come so soon after each other are those of short tasks.
const SOON: Duration = Duration::from_millis(1);

/// For so long such reports are gathered: whoever reads the results does not notice, and the
/// commands are not disturbed for each of them.
const GATHERING: Duration = Duration::from_millis(4);

/// The manager of a run.
#[derive(Debug)]
pub(crate) struct Embedded {
    server: Server,
    tasks: QueueId,
    results: QueueId,
    /// What remote workers name the queue of results by.
    results_ident: String,
    /// Owns the results.
    _master: Local,
}

impl Embedded {
    /// Makes the manager; it listens where the configuration says, nowhere by default.
    ///
    /// # Errors
    /// If an address cannot be had.
    pub(crate) async fn open(config: Config) -> anyhow::Result<Self> {
        let server = Server::bind(config).await?;
        let master = server.local("master");
        let (tasks, results_ident) = master.begin_run().context("cannot make the queues")?;
        let results = master.queue(&results_ident).context("the queue was just made")?;
        Ok(Self { server, tasks, results, results_ident, _master: master })
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.server.addresses()
    }

    /// What orders name the queue of results by.
    pub(crate) fn results(&self) -> &str {
        &self.results_ident
    }

    /// Opens a session; `name` says whose.
    pub(crate) fn session(&self, name: &str) -> Session {
        let local = self.server.local(name);
        Session { local, tasks: self.tasks, results: self.results, gathers: false }
    }

    /// Serves whoever connects until `stop` completes.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.server.run(stop).await.map_err(Into::into)
    }
}

/// A session with the embedded manager.
#[derive(Debug)]
pub(crate) struct Session {
    local: Local,
    tasks: QueueId,
    results: QueueId,
    /// Whether the next report, if there is none yet, is likely to come soon and not alone.
    gathers: bool,
}

impl Session {
    /// Nobody takes any order from now on; what was taken may still be settled.
    pub(crate) async fn close_tasks(&mut self) {
        // One that could not keep what it decided lets nobody in either.
        let _ = self.local.call(Call::ShutDown(self.tasks, true)).await;
    }

    /// Says that there will be no more reports.
    pub(crate) async fn close_results(&mut self) {
        let _ = self.local.call(Call::ShutDown(self.results, false)).await;
    }

    /// How many orders are taken and not settled.
    pub(crate) async fn taken(&mut self) -> usize {
        match self.local.call(Call::Stats(self.tasks)).await {
            Ok(Reply::Stats(stats)) => stats.leased,
            _ => 0,
        }
    }

    /// What lists show of this run.
    pub(crate) fn announce(&self, note: &str) {
        self.local.announce(note);
    }
}

impl Board for Session {
    async fn put(&mut self, order: Payload, _results: &str) -> anyhow::Result<bool> {
        // The queues of this manager come and go with the run.
        match self.local.call(Call::put(self.tasks, opaque(order))).await? {
            Reply::None => Ok(true),
            Reply::Error(StateError::ShutDown) => Ok(false),
            other => bail!("cannot put a task: {other:?}"),
        }
    }

    async fn report(&mut self) -> anyhow::Result<Option<Payload>> {
        let (queue, style) = (self.results, Take::Item);
        let there = Call::Take { queue, max: 1, wait: Wait::No, style };
        let mut reply = self.local.call(there).await?;
        if matches!(reply, Reply::Error(StateError::Empty)) {
            if self.gathers {
                tokio::time::sleep(GATHERING).await;
            }
            let asked = Instant::now();
            reply = self.local.call(Call::get(queue)).await?;
            self.gathers = asked.elapsed() < SOON;
        }
        match reply {
            Reply::Item(delivery) => Ok(Some(Payload::from_bytes(delivery.payload)?)),
            Reply::Error(StateError::ShutDown) => Ok(None),
            other => bail!("cannot get a result: {other:?}"),
        }
    }

    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Leased>> {
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
        let payload = Payload::from_bytes(delivery.payload)?;
        Ok(Some(Leased { id: delivery.id.0, attempt: delivery.attempt, payload }))
    }

    async fn tell(&mut self, _results: &str, report: Payload, stop: &Stop) -> anyhow::Result<bool> {
        let told = tokio::select! {
            biased;
            told = self.local.call(Call::put(self.results, opaque(report))) => told?,
            () = stop.reached(Stage::Terminating) => return Ok(false),
        };
        match told {
            Reply::None => Ok(true),
            Reply::Error(StateError::ShutDown) => Ok(false),
            other => bail!("cannot hand on output: {other:?}"),
        }
    }

    async fn mention(&mut self, _results: &str, _report: Payload) -> anyhow::Result<bool> {
        Ok(true) // slots of this process tell the master without a report
    }

    async fn is_wanted(&mut self, _results: &str) -> bool {
        true // the master is this process
    }

    async fn answer(&mut self, id: u64, _results: &str, report: Payload) -> anyhow::Result<bool> {
        self.answer_to(id, self.results, report).await
    }

    async fn again(&mut self, id: u64, order: Payload) -> anyhow::Result<bool> {
        self.answer_to(id, self.tasks, order).await
    }

    async fn drop(&mut self, id: u64) -> anyhow::Result<()> {
        self.local.call(Call::Settle(self.tasks, ItemId(id), Settle::Ack)).await?;
        Ok(())
    }

    async fn release(&mut self, id: u64) -> anyhow::Result<()> {
        self.local.call(Call::Settle(self.tasks, ItemId(id), Settle::Release)).await?;
        Ok(())
    }
}

impl Session {
    async fn answer_to(&mut self, id: u64, to: QueueId, payload: Payload) -> anyhow::Result<bool> {
        let (queue, item) = (self.tasks, ItemId(id));
        let answer = Call::Answer { queue, item, to, payload: opaque(payload) };
        match self.local.call(answer).await? {
            Reply::None => Ok(true),
            Reply::Error(StateError::ShutDown) => Ok(false),
            other => bail!("cannot put a result: {other:?}"),
        }
    }
}

fn opaque(payload: Payload) -> piecework_server::Payload {
    piecework_server::Payload::opaque(payload.into_bytes())
}
