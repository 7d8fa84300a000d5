//! Events: a flag that programs wait for.
use std::time::Duration;

use crate::again::Again;
use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::{Handle, patience};

/// A flag that is set or not, and that any number wait for. Cheap to clone.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let begin = manager.event("begin").await?;
/// let waiting = tokio::spawn({
///     let begin = begin.clone();
///     async move { begin.wait().await }
/// });
/// begin.set().await?;
/// waiting.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Event {
    handle: Handle,
}

impl Manager {
    /// Opens the event `name`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let begin = manager.event("begin").await?;
    /// begin.set().await?;
    /// assert!(manager.event("begin").await?.is_set().await?); // it is the same event
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no event of this name.
    pub async fn event(&self, name: &str) -> Result<Event, OpenError> {
        Ok(Event { handle: Handle::open(self, name, "Event", None, "is_set").await? })
    }
}

impl Event {
    /// Whether it is set.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// assert!(!manager.event("begin").await?.is_set().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn is_set(&self) -> Result<bool, CallError> {
        self.handle.told::<bool>(&self.handle.call(Again::Yes, "is_set", &[]).await?)
    }

    /// Sets it: all who wait go on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let begin = manager.event("begin").await?;
    /// begin.set().await?;
    /// begin.set().await?; // it stays set
    /// assert!(begin.is_set().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn set(&self) -> Result<(), CallError> {
        self.handle.call(Again::Yes, "set", &[]).await.map(drop)
    }

    /// Takes it back.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let begin = manager.event("begin").await?;
    /// begin.set().await?;
    /// begin.clear().await?;
    /// assert!(!begin.is_set().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn clear(&self) -> Result<(), CallError> {
        self.handle.call(Again::Yes, "clear", &[]).await.map(drop)
    }

    /// Waits until it is set.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let begin = manager.event("begin").await?;
    /// begin.set().await?;
    /// begin.wait().await?; // at once
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn wait(&self) -> Result<(), CallError> {
        while !self.wait_for(None).await? {}
        Ok(())
    }

    /// Waits until it is set; false if the time is up before.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let begin = manager.event("begin").await?;
    /// assert!(!begin.wait_timeout(Duration::from_millis(10)).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn wait_timeout(&self, timeout: Duration) -> Result<bool, CallError> {
        self.wait_for(Some(timeout)).await
    }

    async fn wait_for(&self, timeout: Option<Duration>) -> Result<bool, CallError> {
        let (set, seat) = self.handle.wait(Again::Yes, "wait", &[patience(timeout)]).await?;
        seat.give_back();
        self.handle.told::<bool>(&set)
    }
}
