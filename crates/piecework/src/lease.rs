//! An item that this program holds, and the manager keeps until it is settled.
use std::ops::Deref;

use piecework_wire::Payload;
use piecework_wire::reply::Leased;
use serde::de::DeserializeOwned;

use crate::error::{CallError, Mismatch};
use crate::item::from_payload;
use crate::place::Place;
use crate::raw_queue::{RawQueue, Settle};

/// An item that this program holds, and the manager keeps until it is acked.
///
/// Dropped before it is settled, it has failed: it is ready again, with one attempt more. If the
/// program dies or its connection ends, somebody else gets it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # let tasks = manager.queue::<u64>("task").await?;
/// tasks.put(&3411).await?;
/// let task = tasks.lease().await?;
/// assert_eq!(*task + 1, 3412); // it is used as its item
/// drop(task); // not settled: it has failed
/// assert_eq!(tasks.lease().await?.attempt(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lease<T> {
    item: T,
    attempt: u32,
    held: Held,
}

/// What is settled at the latest when it is dropped.
#[derive(Debug)]
struct Held {
    queue: RawQueue,
    id: u64,
    settled: bool,
}

impl<T: DeserializeOwned> Lease<T> {
    /// Reads what was leased; what is no `T` has failed by that.
    pub(crate) async fn read(queue: &RawQueue, leased: Leased) -> Result<Self, Mismatch> {
        let Leased { id, attempt, payload } = leased;
        let held = Held { queue: queue.clone(), id, settled: false };
        match from_payload(&payload) {
            Ok(item) => Ok(Self { item, attempt, held }),
            Err(mismatch) => {
                // A lease that has ended meanwhile has failed by that.
                let _ = held.settle(Settle::Nack).await;
                Err(mismatch)
            }
        }
    }
}

impl<T> Lease<T> {
    /// Which attempt at the item this is, from 1 on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// assert_eq!(tasks.lease().await?.attempt(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The item is done with.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// tasks.lease().await?.ack().await?;
    /// tasks.join().await?; // every item is done
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, and the lease with it: the item is somebody else's by now.
    pub async fn ack(self) -> Result<(), CallError> {
        self.held.settle(Settle::Ack).await
    }

    /// Gives the item, and acks it at the same moment: at none could both be lost.
    pub(crate) fn into_item(mut self) -> Result<T, CallError> {
        let Held { queue, id, settled } = &mut self.held;
        *settled = true;
        queue.settle_soon(*id, Settle::Ack)?;
        Ok(self.item)
    }

    /// The item failed: it is ready again, with one attempt more, or dead after the last one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// tasks.lease().await?.nack().await?;
    /// let again = tasks.lease().await?;
    /// assert_eq!((*again, again.attempt()), (3411, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Lease::ack`].
    pub async fn nack(self) -> Result<(), CallError> {
        self.held.settle(Settle::Nack).await
    }

    /// The item was not tried: it is ready again, as if it had never been handed out.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// tasks.lease().await?.release().await?;
    /// assert_eq!(tasks.lease().await?.attempt(), 1); // it is not counted
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Lease::ack`].
    pub async fn release(self) -> Result<(), CallError> {
        self.held.settle(Settle::Release).await
    }

    pub(crate) async fn answered(mut self, to: &str, answer: &Payload) -> Result<(), CallError> {
        let Held { queue, id, .. } = &self.held;
        queue.answer(*id, to, answer).await?;
        self.held.settled = true;
        Ok(())
    }

    /// Where the queue is that it is of.
    pub(crate) fn place(&self) -> &Place {
        self.held.queue.session().place()
    }

    /// Has the lease last for the whole of its queue's time again, from now; without effect where
    /// the queue's leases have no end.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use piecework::server::Config;
    /// use piecework::{Key, Manager};
    ///
    /// let mut config = Config::new(Key::new("abc"));
    /// config.listen.clear(); // for this program alone
    /// config.queues = vec!["task:lease=10m".parse()?];
    /// let manager = Manager::serve(config).await?;
    /// # let tasks = manager.queue::<u64>("task").await?;
    /// # tasks.put(&3411).await?;
    /// let task = tasks.lease().await?;
    /// task.renew().await?; // ten minutes more, from now on
    /// task.ack().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Lease::ack`].
    pub async fn renew(&self) -> Result<(), CallError> {
        self.held.queue.renew(self.held.id).await
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl Held {
    async fn settle(mut self, how: Settle) -> Result<(), CallError> {
        // Whatever comes of it: it is not to be settled a second time.
        self.settled = true;
        self.queue.settle(self.id, how).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.settled
            && let Err(error) = self.queue.settle_soon(self.id, Settle::Nack)
        {
            tracing::debug!(%error, id = self.id, "a lease ended with its connection");
        }
    }
}
