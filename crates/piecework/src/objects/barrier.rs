//! Barriers: so many go on together.
use std::time::Duration;

use crate::again::Again;
use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::{Handle, patience};

/// A place where so many wait for each other. Cheap to clone.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let start = manager.barrier("start", 2).await?;
/// let other = tokio::spawn({
///     let start = start.clone();
///     async move { start.wait().await }
/// });
/// let places = [start.wait().await?, other.await??];
/// assert_eq!(places.iter().sum::<u64>(), 1); // one has 0, the other 1
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Barrier {
    handle: Handle,
}

impl Manager {
    /// Opens the barrier `name`; one that is made for this is for so many parties.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let alone = manager.barrier("alone", 1).await?;
    /// assert_eq!(alone.wait().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no barrier of this name.
    pub async fn barrier(&self, name: &str, parties: u32) -> Result<Barrier, OpenError> {
        Ok(Barrier { handle: Handle::open(self, name, "Barrier", Some(parties), "abort").await? })
    }
}

impl Barrier {
    /// Waits until all parties are there; gives this one's place among them, from 0 on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let start = manager.barrier("start", 3).await?;
    /// let parties: Vec<_> = (0..3)
    ///     .map(|_| {
    ///         let start = start.clone();
    ///         tokio::spawn(async move { start.wait().await })
    ///     })
    ///     .collect();
    /// for party in parties {
    ///     assert!(party.await?? < 3);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or the barrier is broken: somebody gave up waiting, or
    /// aborted it (`BrokenBarrierError`).
    pub async fn wait(&self) -> Result<u64, CallError> {
        self.wait_for(None).await
    }

    /// Waits until all parties are there; if the time is up before, the barrier is broken for all.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// let start = manager.barrier("start", 2).await?;
    /// let error = start.wait_timeout(Duration::from_millis(10)).await.unwrap_err();
    /// assert!(error.to_string().starts_with("BrokenBarrierError"), "{error}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Barrier::wait`].
    pub async fn wait_timeout(&self, timeout: Duration) -> Result<u64, CallError> {
        self.wait_for(Some(timeout)).await
    }

    /// Breaks it: all who wait, and who come, get an error until it is reset.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let start = manager.barrier("start", 2).await?;
    /// start.abort().await?;
    /// assert!(start.wait().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn abort(&self) -> Result<(), CallError> {
        self.handle.call(Again::Yes, "abort", &[]).await.map(drop)
    }

    /// Makes it whole again; who waits gets an error.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let alone = manager.barrier("alone", 1).await?;
    /// alone.abort().await?;
    /// alone.reset().await?;
    /// assert_eq!(alone.wait().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn reset(&self) -> Result<(), CallError> {
        self.handle.call(Again::No, "reset", &[]).await.map(drop)
    }

    async fn wait_for(&self, timeout: Option<Duration>) -> Result<u64, CallError> {
        let (place, seat) = self.handle.wait(Again::No, "wait", &[patience(timeout)]).await?;
        seat.give_back();
        self.handle.told(&place)
    }
}
