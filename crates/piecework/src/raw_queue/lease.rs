//! Items that are leased, and how their leases end.
use std::sync::Arc;
use std::time::Duration;

use piecework_wire::reply::{Leased, Returned};
use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, Value};
use tokio::time::Instant;

use crate::driver::Unclaimed;
use crate::error::CallError;
use crate::raw_queue::RawQueue;
use crate::session::written;

/// How a lease ends without an answer.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # let tasks = manager.raw_queue("task").await?;
/// # let item = piecework::Payload::from_value(&"a".into());
/// use piecework::Settle;
///
/// tasks.put(&item).await?;
/// let first = tasks.lease(1, None).await?.remove(0);
/// tasks.settle(first.id, Settle::Release).await?; // somebody else may do it
/// let second = tasks.lease(1, None).await?.remove(0);
/// assert_eq!(second.attempt, 1);
/// tasks.settle(second.id, Settle::Ack).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// The item is done with.
    Ack,
    /// It failed: it is ready again, with one attempt more.
    Nack,
    /// It was not tried: it is ready again, as if it had never been handed out.
    Release,
}

impl Settle {
    fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Nack => "nack",
            Self::Release => "release",
        }
    }
}

impl RawQueue {
    /// Takes up to `max` items under a lease each; waits for one, without a `timeout` for ever.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// tasks.put(&item).await?;
    /// let leased = tasks.lease(10, None).await?; // those that are there, one at least
    /// assert_eq!((leased.len(), leased[0].attempt), (1, 1));
    /// assert_eq!(leased[0].payload, item);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the queue is not native, or the manager refuses.
    pub async fn lease(
        &self,
        max: usize,
        timeout: Option<Duration>,
    ) -> Result<Vec<Leased>, CallError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // Two that wait would give way to each other for ever.
        let Some(_turn) = self.session.turn(deadline).await else {
            return self.lease_once(max, Some(Duration::ZERO)).await;
        };
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let leased = self.lease_once(max, left).await?;
            // One that waits gives way to whatever else is asked over its session.
            if !leased.is_empty() || left == Some(Duration::ZERO) {
                return Ok(leased);
            }
        }
    }

    async fn lease_once(
        &self,
        max: usize,
        timeout: Option<Duration>,
    ) -> Result<Vec<Leased>, CallError> {
        let timeout = timeout.map_or(ArgOut::None, |it| ArgOut::Float(it.as_secs_f64()));
        let count = ArgOut::Int(i64::try_from(max).unwrap_or(i64::MAX));
        match self.session.call_for(&self.ident, "lease", &[count, timeout], self.release()).await {
            Ok(returned) => self.read(returned.leases(max)),
            Err(error) if error.is_remote("Empty") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// What was leased for nobody goes back, as if it had never been handed out.
    fn release(&self) -> Unclaimed {
        let ident = self.ident.clone();
        Unclaimed::Undone(Arc::new(move |returned: &Returned| {
            let leased = returned.leases(usize::MAX).unwrap_or_default();
            let release = |it: &Leased| {
                let args = [ArgOut::Value(&id_value(it.id)), ArgOut::Str(Settle::Release.name())];
                written(&ident, "settle", &args)
            };
            leased.iter().map(release).collect()
        }))
    }

    /// Puts `item` to the queue `to`, and acks the lease `id` of this queue: both, or neither.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # use piecework::{Payload, Value};
    /// # let session = manager.session().await?;
    /// # let tasks = session.queue("task").await?;
    /// # let item = Payload::from_value(&Value::from("a"));
    /// # tasks.put(&item).await?;
    /// let results = session.queue("result").await?;
    /// let task = tasks.lease(1, None).await?.remove(0);
    /// tasks.answer(task.id, "result", &item).await?; // and there is no such lease any more
    /// assert_eq!(results.get(None).await?, Some(item));
    /// assert!(tasks.renew(task.id).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the lease has, or there is no queue `to`.
    pub async fn answer(&self, id: u64, to: &str, item: &Payload) -> Result<(), CallError> {
        let id = id_value(id);
        let args = [ArgOut::Value(&id), ArgOut::Str(to), ArgOut::Payload(item)];
        self.call("answer", &args).await.map(drop)
    }

    /// Has the lease `id` last for the whole of its queue's time again, from now; without effect
    /// where the queue's leases have no end.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// # tasks.put(&item).await?;
    /// let task = tasks.lease(1, None).await?.remove(0);
    /// tasks.renew(task.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the lease has, or the queue is not native.
    pub async fn renew(&self, id: u64) -> Result<(), CallError> {
        self.call("renew", &[ArgOut::Value(&id_value(id))]).await.map(drop)
    }

    /// Ends the lease `id`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// use piecework::Settle;
    ///
    /// # tasks.put(&item).await?;
    /// let task = tasks.lease(1, None).await?.remove(0);
    /// tasks.settle(task.id, Settle::Nack).await?;
    /// assert_eq!(tasks.lease(1, None).await?.remove(0).attempt, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the lease has.
    pub async fn settle(&self, id: u64, how: Settle) -> Result<(), CallError> {
        let id = id_value(id);
        let args = [ArgOut::Value(&id), ArgOut::Str(how.name())];
        // Given up or not: nobody else would end it.
        self.session.order(&self.ident, "settle", &args)?.await
    }

    /// Ends the lease `id`, and does not wait until the manager has heard of it.
    pub(crate) fn settle_soon(&self, id: u64, how: Settle) -> Result<(), CallError> {
        let id = id_value(id);
        self.session.post(&self.ident, "settle", &[ArgOut::Value(&id), ArgOut::Str(how.name())])
    }
}

/// An id as an int. Ids count up from 1, so none is beyond 63 bits.
fn id_value(id: u64) -> Value {
    Value::Int(i64::try_from(id).unwrap_or(i64::MAX))
}
