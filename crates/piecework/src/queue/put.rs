//! Items on their way into a queue.
use piecework_wire::Payload;
use serde::Serialize;

use crate::again::Again;
use crate::error::PutError;
use crate::item::to_payload;
use crate::queue::Queue;
use crate::raw_queue::RawQueue;

/// The most items that are put with one call, and their bytes: [`Queue::put_all`] makes several.
const PUT_MAX: usize = 1_000;
const PUT_BYTES_MAX: usize = 1 << 20;

impl<T: Serialize> Queue<T> {
    /// Puts an item; waits while the queue is full. Given up while it waits, it may be put all the
    /// same.
    ///
    /// To answer a task of a queue with `answers=`, use [`Lease::answer`](crate::Lease::answer).
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// assert_eq!(tasks.get().await?, 3411);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The item cannot be said as plain data; the manager cannot be reached, or refuses the item.
    /// [`CallError::Closed`] means that the connection ended before the reply: nobody knows whether
    /// the item was put ([`Queue::put_once`] may be called again then).
    ///
    /// [`CallError::Closed`]: crate::CallError::Closed
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put_once("order 17", &3411).await?;
    /// // As after an error, when nobody knows whether it was put.
    /// tasks.put_once("order 17", &3411).await?;
    /// assert_eq!(tasks.len().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Queue::put`], but [`CallError::Closed`]; and the manager is a stock Python one.
    ///
    /// [`CallError::Closed`]: crate::CallError::Closed
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// let items: Vec<u64> = (0..2_500).collect();
    /// tasks.put_all(&items).await?; // with three calls
    /// assert_eq!(tasks.len().await?, 2_500);
    /// # Ok(())
    /// # }
    /// ```
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
