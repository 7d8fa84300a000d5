//! Sessions with a manager on the network: of a master that shares it with others, and of workers.

use anyhow::Context;
use piecework::{CallError, Manager, RawQueue, Settle};
use piecework_wire::Payload;
use std::time::Duration;

use super::board::{Board, Leased};
use super::stop::{Stage, Stop};

/// How long a request for an order waits at the manager, before it is made again. A stop has to
/// wait for it: a request that is given up may have taken an order with it.
const TAKE_WAIT: Duration = Duration::from_secs(1);

/// A session with a manager on the network.
#[derive(Debug)]
pub(crate) struct Session {
    tasks: RawQueue,
    /// Of the master alone.
    results: Option<RawQueue>,
}

impl Session {
    /// Opens the session of a master, whose run ends with it.
    ///
    /// # Errors
    /// If the manager cannot be reached, or is a stock Python one.
    pub(crate) async fn begin_run(manager: &Manager) -> Result<Self, CallError> {
        let (tasks, results) = manager.session().await?.begin_run().await?;
        Ok(Self { tasks, results: Some(results) })
    }

    /// Opens one more session.
    ///
    /// # Errors
    /// As [`begin_run`](Self::begin_run).
    pub(crate) async fn open(manager: &Manager) -> Result<Self, CallError> {
        let tasks = manager.session().await?.tasks_of_runs().await?;
        Ok(Self { tasks, results: None })
    }

    /// What orders name the queue of results by.
    pub(crate) fn results(&self) -> &str {
        self.results.as_ref().map_or("", RawQueue::ident)
    }

    /// Takes back the orders of a run that nobody has taken; tells how many.
    ///
    /// # Errors
    /// If the manager is gone.
    pub(crate) async fn withdraw(&self, results: &str) -> Result<u64, CallError> {
        self.tasks.withdraw(results).await
    }

    /// What lists show of this session.
    ///
    /// # Errors
    /// If the manager is gone.
    pub(crate) async fn announce(&self, note: &str) -> Result<(), CallError> {
        self.tasks.session().announce(note).await
    }
}

impl Board for Session {
    async fn put(&mut self, order: Payload, results: &str) -> anyhow::Result<bool> {
        self.tasks.put_for(&order, results).await.context("cannot put a task")?;
        Ok(true)
    }

    async fn report(&mut self) -> anyhow::Result<Option<Payload>> {
        let results = self.results.as_ref().context("only a master has results")?;
        results.get(None).await.context("cannot get a result")
    }

    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Leased>> {
        while stop.stage() == Stage::Working {
            let leases = match self.tasks.lease(1, Some(TAKE_WAIT)).await {
                Ok(leases) => leases,
                // `shutdown()`: the run has ended.
                Err(CallError::Remote { class, .. }) if class == "ShutDown" => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let Some(leased) = leases.into_iter().next() else { continue };
            let piecework::Leased { id, attempt, payload } = leased;
            if stop.stage() == Stage::Working {
                return Ok(Some(Leased { id, attempt, payload }));
            }
            self.release(id).await?;
        }
        Ok(None)
    }

    /// To the end: a call that is given up ends the connection.
    async fn tell(&mut self, results: &str, report: Payload, _: &Stop) -> anyhow::Result<bool> {
        wanted(self.tasks.put_to(results, &report).await)
    }

    async fn mention(&mut self, results: &str, report: Payload) -> anyhow::Result<bool> {
        wanted(self.tasks.put_to_now(results, &report).await.map(drop))
    }

    async fn is_wanted(&mut self, results: &str) -> bool {
        self.tasks.is_there(results).await.unwrap_or(false)
    }

    async fn answer(&mut self, id: u64, results: &str, report: Payload) -> anyhow::Result<bool> {
        wanted(self.tasks.answer(id, results, &report).await)
    }

    async fn again(&mut self, id: u64, order: Payload) -> anyhow::Result<bool> {
        wanted(self.tasks.answer(id, self.tasks.ident(), &order).await)
    }

    async fn drop(&mut self, id: u64) -> anyhow::Result<()> {
        self.tasks.settle(id, Settle::Ack).await.map_err(Into::into)
    }

    async fn release(&mut self, id: u64) -> anyhow::Result<()> {
        self.tasks.settle(id, Settle::Release).await.map_err(Into::into)
    }
}

/// Whether an error says no more than that the connection, or the manager, has gone.
pub(crate) fn is_end(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(CallError::Closed { .. } | CallError::Unreachable { .. }))
}

/// A queue of results goes with its master: then nobody wants what was for it.
fn wanted(told: Result<(), CallError>) -> anyhow::Result<bool> {
    match told {
        Ok(()) => Ok(true),
        Err(CallError::Remote { class, .. }) if class == "KeyError" || class == "ShutDown" => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
