//! Items on their way out of a queue: got for good, or leased.
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::unfold;
use piecework_wire::Payload;
use piecework_wire::reply::Leased;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::again::Again;
use crate::error::{CallError, GetError};
use crate::item::from_payload;
use crate::lease::Lease;
use crate::queue::Queue;
use crate::raw_queue::RawQueue;

impl<T: DeserializeOwned> Queue<T> {
    /// Gets the next item, which is this program's from then on; waits for one.
    ///
    /// What must not be lost should this program die on it is got by [`Queue::lease`]. An item that
    /// was got the very moment before the program or the connection ended may come again.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// let waiting = tokio::spawn({
    ///     let tasks = tasks.clone();
    ///     async move { tasks.get().await }
    /// });
    /// tasks.put(&3411).await?;
    /// assert_eq!(waiting.await??, 3411);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or the item is no `T`, and has failed by that: it comes again
    /// as often as the queue's attempts allow, and is dead then.
    pub async fn get(&self) -> Result<T, GetError> {
        loop {
            if let Some(item) = self.get_until(None).await? {
                return Ok(item);
            }
        }
    }

    /// Gets the next item, or `None` if there is none until the time is up.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// assert_eq!(tasks.get_timeout(Duration::from_millis(10)).await?, None);
    /// tasks.put(&3411).await?;
    /// assert_eq!(tasks.get_timeout(Duration::from_secs(60)).await?, Some(3411)); // at once
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Queue::get`].
    pub async fn get_timeout(&self, timeout: Duration) -> Result<Option<T>, GetError> {
        self.get_until(Some(timeout)).await
    }

    /// Gets the next item, or `None` if none is ready.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// assert_eq!(tasks.try_get().await?, None);
    /// tasks.put(&3411).await?;
    /// assert_eq!(tasks.try_get().await?, Some(3411));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Queue::get`].
    pub async fn try_get(&self) -> Result<Option<T>, GetError> {
        self.get_until(Some(Duration::ZERO)).await
    }

    async fn get_until(&self, timeout: Option<Duration>) -> Result<Option<T>, GetError> {
        let deadline = Deadline::after(timeout);
        let get = |queue: RawQueue| async move {
            if queue.is_native() {
                return Ok(leased(queue, deadline).await?.map(Got::Leased));
            }
            Ok(queue.get(deadline.left()).await?.map(Got::Taken))
        };
        loop {
            match self.link.call(Again::Yes, get).await? {
                None => return Ok(None),
                Some(Got::Taken(item)) => return Ok(Some(from_payload(&item)?)),
                Some(Got::Leased((queue, leased))) => {
                    // Without its connection the item is somebody else's by now.
                    match Lease::<T>::read(&queue, leased).await?.into_item() {
                        Err(error) if error.is_closed() => {}
                        item => return Ok(item.map(Some)?),
                    }
                }
            }
        }
    }

    /// Gets the next item under a lease; waits for one. It stays the manager's until it is acked:
    /// should this program die, or drop the lease, it is somebody else's.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// let task = tasks.lease().await?;
    /// assert_eq!((*task, task.attempt()), (3411, 1));
    /// task.ack().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Queue::get`]; and the manager is a stock Python one.
    pub async fn lease(&self) -> Result<Lease<T>, GetError> {
        loop {
            if let Some(lease) = self.lease_until(None).await? {
                return Ok(lease);
            }
        }
    }

    /// Gets the next item under a lease, or `None` if there is none until the time is up.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// assert!(tasks.lease_timeout(Duration::from_millis(10)).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Queue::lease`].
    pub async fn lease_timeout(&self, timeout: Duration) -> Result<Option<Lease<T>>, GetError> {
        self.lease_until(Some(timeout)).await
    }

    async fn lease_until(&self, timeout: Option<Duration>) -> Result<Option<Lease<T>>, GetError> {
        let deadline = Deadline::after(timeout);
        let take = |queue: RawQueue| leased(queue, deadline);
        match self.link.call(Again::Yes, take).await? {
            Some((queue, leased)) => Ok(Some(Lease::read(&queue, leased).await?)),
            None => Ok(None),
        }
    }

    /// The items as they come, each as [`Queue::get`] gets it; without an end.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// use futures_util::TryStreamExt;
    ///
    /// tasks.put_all(&[1, 2, 3, 0]).await?;
    /// let before_zero = tasks.items().try_take_while(|n| std::future::ready(Ok(*n > 0)));
    /// assert_eq!(before_zero.try_collect::<Vec<_>>().await?, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn items(&self) -> impl Stream<Item = Result<T, GetError>> + Unpin + '_ {
        Box::pin(unfold(self, |queue| async move { Some((queue.get().await, queue)) }))
    }
}

/// Until when a call waits; `None`, for ever: no clock will show it.
#[derive(Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    fn left(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// An item as it comes.
enum Got {
    /// Of a stock manager, which has it no more.
    Taken(Payload),
    Leased((RawQueue, Leased)),
}

/// Takes the next item under a lease.
async fn leased(
    queue: RawQueue,
    deadline: Deadline,
) -> Result<Option<(RawQueue, Leased)>, CallError> {
    let leased = queue.lease(1, deadline.left()).await?.pop();
    Ok(leased.map(|leased| (queue, leased)))
}
