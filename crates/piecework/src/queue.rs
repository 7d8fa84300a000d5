//! A queue of a manager, of items of one type.
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::unfold;
use piecework_wire::Payload;
use piecework_wire::reply::Leased;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::again::Again;
use crate::error::{AnswerError, CallError, Elsewhere, GetError, OpenError, PutError};
use crate::item::{from_payload, to_payload};
use crate::lease::Lease;
use crate::link::Link;
use crate::manager::Manager;
use crate::raw_queue::RawQueue;

/// The most items that are put with one call, and their bytes: [`Queue::put_all`] makes several.
const PUT_MAX: usize = 1_000;
const PUT_BYTES_MAX: usize = 1 << 20;

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
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn queue<T>(&self, name: &str) -> Result<Queue<T>, OpenError> {
        Ok(Queue { link: Arc::new(Link::open(self, name).await?), items: PhantomData })
    }
}

impl<T> Queue<T> {
    /// The name that it was opened by.
    pub fn name(&self) -> &str {
        self.link.name()
    }

    /// How many items are ready.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn len(&self) -> Result<u64, CallError> {
        self.link.call(Again::Yes, |queue: RawQueue| async move { queue.qsize().await }).await
    }

    /// Whether no item is ready.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// Waits until every item that was put is done.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn join(&self) -> Result<(), CallError> {
        self.link.call_aside(Again::Yes, |queue: RawQueue| async move { queue.join().await }).await
    }
}

impl<T: Serialize> Queue<T> {
    /// Puts an item; waits while the queue is full. Given up while it waits, it may be put all the
    /// same.
    ///
    /// To answer a task of a queue with `answers=`, use [`Lease::answer`](crate::Lease::answer).
    ///
    /// # Errors
    /// The item cannot be said as plain data; the manager cannot be reached, or refuses the item.
    /// [`CallError::Closed`] means that the connection ended before the reply: nobody knows whether
    /// the item was put ([`Queue::put_once`] may be called again then).
    pub async fn put(&self, item: &T) -> Result<(), PutError> {
        let item = &to_payload(item)?;
        if self
            .link
            .call(Again::No, |queue: RawQueue| async move { queue.put_now(item).await })
            .await?
        {
            return Ok(());
        }
        let put = |queue: RawQueue| async move { queue.put(item).await };
        Ok(self.link.call_aside(Again::No, put).await?)
    }

    /// Puts an item unless one was put under this key before, as long as the manager remembers;
    /// whatever becomes of the connection, it is put once.
    ///
    /// # Errors
    /// As for [`Queue::put`], but [`CallError::Closed`]; and the manager is a stock Python one.
    pub async fn put_once(&self, key: &str, item: &T) -> Result<(), PutError> {
        let item = &to_payload(item)?;
        let put = |queue: RawQueue| async move { queue.put_once_now(key, item).await };
        if self.link.call(Again::Yes, put).await? {
            return Ok(());
        }
        let put = |queue: RawQueue| async move { queue.put_once(key, item).await };
        Ok(self.link.call_aside(Again::Yes, put).await?)
    }

    /// Puts items in their order, many with one call.
    ///
    /// # Errors
    /// As for [`Queue::put`]; those in front of what could not be put are put.
    pub async fn put_all<'a>(&self, items: impl IntoIterator<Item = &'a T>) -> Result<(), PutError>
    where
        T: 'a,
    {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for item in items {
            let item = to_payload(item)?;
            bytes += item.len();
            batch.push(item);
            if batch.len() >= PUT_MAX || bytes >= PUT_BYTES_MAX {
                self.put_batch(&batch).await?;
                batch.clear();
                bytes = 0;
            }
        }
        match batch.is_empty() {
            true => Ok(()),
            false => self.put_batch(&batch).await,
        }
    }

    async fn put_batch(&self, batch: &[Payload]) -> Result<(), PutError> {
        // Of a stock queue's batch, so many are put.
        let put = |queue: RawQueue| async move {
            if queue.is_native() {
                return Ok(if queue.put_many_now(batch).await? { batch.len() } else { 0 });
            }
            for (at, item) in batch.iter().enumerate() {
                if !queue.put_now(item).await? {
                    return Ok(at);
                }
            }
            Ok(batch.len())
        };
        let count = self.link.call(Again::No, put).await?;
        let rest = batch.get(count..).filter(|rest| !rest.is_empty());
        let Some(rest) = rest else { return Ok(()) };
        let put = |queue: RawQueue| async move {
            if queue.is_native() {
                return queue.put_many(rest).await;
            }
            for item in rest {
                queue.put(item).await?;
            }
            Ok(())
        };
        Ok(self.link.call_aside(Again::No, put).await?)
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Gets the next item, which is this program's from then on; waits for one.
    ///
    /// What must not be lost should this program die on it is got by [`Queue::lease`]. An item that
    /// was got the very moment before the program or the connection ended may come again.
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
    /// # Errors
    /// As for [`Queue::get`].
    pub async fn get_timeout(&self, timeout: Duration) -> Result<Option<T>, GetError> {
        self.get_until(Some(timeout)).await
    }

    /// Gets the next item, or `None` if none is ready.
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
    pub fn items(&self) -> impl Stream<Item = Result<T, GetError>> + Unpin + '_ {
        Box::pin(unfold(self, |queue| async move { Some((queue.get().await, queue)) }))
    }
}

impl<T> Lease<T> {
    /// Puts `answer` to another queue of the same manager, and acks the item: both, or neither. A
    /// crash at any moment leaves exactly one of the task and its answer.
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
