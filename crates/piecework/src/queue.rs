//! A queue of a manager, of items of one type.
mod get;
mod put;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use crate::again::Again;
use crate::error::{AnswerError, CallError, Elsewhere, OpenError};
use crate::item::to_payload;
use crate::lease::Lease;
use crate::link::Link;
use crate::manager::Manager;
use crate::raw_queue::RawQueue;

/// A queue of a manager whose items are of the type `T`: any that serde knows. Python reads them as
/// plain data, and its own plain data is read into `T`.
///
/// A clone is the same queue over the same connection, which is opened anew when it ends. Calls
/// that are made at the same time travel together. A call whose future is dropped loses no item of
/// a piecework manager.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let tasks = manager.queue::<(String, u32)>("task").await?;
/// tasks.put(&("a".to_owned(), 1)).await?;
/// assert_eq!(tasks.get().await?, ("a".to_owned(), 1));
/// assert_eq!(tasks.try_get().await?, None);
/// # Ok(())
/// # }
/// ```
pub struct Queue<T> {
    link: Arc<Link>,
    items: PhantomData<fn(T) -> T>,
}

impl Manager {
    /// Opens a queue of items of the type `T`, over a connection of its own: by the name that
    /// `piecework serve --queue` gave it, or by a typeid.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let tasks = manager.queue::<(String, u32)>("task").await?;
    /// tasks.put(&("a".to_owned(), 1)).await?;
    /// assert!(manager.queue::<u64>("no such name").await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn queue<T>(&self, name: &str) -> Result<Queue<T>, OpenError> {
        Ok(Queue { link: Arc::new(Link::open(self, name).await?), items: PhantomData })
    }
}

impl<T> Queue<T> {
    /// The name that it was opened by.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// assert_eq!(tasks.name(), "task");
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        self.link.name()
    }

    /// How many items are ready.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put_all(&[1, 2, 3]).await?;
    /// let first = tasks.lease().await?;
    /// assert_eq!(tasks.len().await?, 2); // what is leased is not ready
    /// # drop(first);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn len(&self) -> Result<u64, CallError> {
        self.link.call(Again::Yes, |queue: RawQueue| async move { queue.qsize().await }).await
    }

    /// Whether no item is ready.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// assert!(tasks.is_empty().await?);
    /// tasks.put(&1).await?;
    /// assert!(!tasks.is_empty().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// Waits until every item that was put is done.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&1).await?;
    /// let task = tasks.lease().await?;
    /// let waiting = tokio::spawn(async move { tasks.join().await });
    /// task.ack().await?; // from here on there is nothing to wait for
    /// waiting.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn join(&self) -> Result<(), CallError> {
        self.link.call_aside(Again::Yes, |queue: RawQueue| async move { queue.join().await }).await
    }
}

impl<T> Lease<T> {
    /// Puts `answer` to another queue of the same manager, and acks the item: both, or neither;
    /// waits while that queue is full, and all calls over this one's connection with it. A
    /// crash at any moment leaves exactly one of the task and its answer.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// # tasks.put(&12).await?;
    /// let squares = manager.queue::<u64>("square").await?;
    /// let task = tasks.lease().await?;
    /// let square = *task * *task;
    /// task.answer(&squares, &square).await?; // and is acked
    /// assert_eq!((squares.get().await?, tasks.len().await?), (144, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Lease::ack`] and [`Queue::put`]; and the queue is another manager's.
    pub async fn answer<A: Serialize>(self, to: &Queue<A>, answer: &A) -> Result<(), AnswerError> {
        let answer = to_payload(answer)?;
        if !to.link.is_at(self.place()) {
            let (queue, address) = (to.name().to_owned(), self.place().to_string());
            return Err(Elsewhere { queue, address }.into());
        }
        Ok(self.answered(to.name(), &answer).await?)
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { link: Arc::clone(&self.link), items: PhantomData }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.name()).finish()
    }
}
