//! Conditions: a lock, and waiting for what others do under it.
use std::time::Duration;

use piecework_wire::request::ArgOut;

use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::{Handle, count, patience};
use crate::objects::lock::{LockGuard, acquire};

/// A lock whose holders wait for each other's notices. Cheap to clone.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let news = manager.condition("news").await?;
/// let paper = manager.value::<u32>("paper").await?;
///
/// let held = news.lock().await?;
/// let reader = tokio::spawn({
///     let (news, paper) = (news.clone(), paper.clone());
///     async move {
///         let mut held = news.lock().await?;
///         while paper.get().await? == 0 {
///             held = held.wait().await?; // others may have the lock meanwhile
///         }
///         paper.get().await.map_err(piecework::Error::from)
///     }
/// });
/// paper.set(&7).await?;
/// held.notify_all().await?;
/// drop(held);
/// assert_eq!(reader.await??, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Condition {
    handle: Handle,
}

/// A condition whose lock is held; dropped, the lock is free.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # let condition = manager.condition("news").await?;
/// let held = condition.lock().await?;
/// held.notify_all().await?; // only who has the lock may
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ConditionGuard {
    handle: Handle,
    held: LockGuard,
}

impl Manager {
    /// Opens the condition `name`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let news = manager.condition("news").await?;
    /// news.lock().await?.notify(1).await?; // nobody waits: nothing happens
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no condition of this name.
    pub async fn condition(&self, name: &str) -> Result<Condition, OpenError> {
        Ok(Condition { handle: Handle::open(self, name, "Condition", None, "notify").await? })
    }
}

impl Condition {
    /// Waits until its lock is this one's. A future that is dropped takes nothing.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let condition = manager.condition("news").await?;
    /// let held = condition.lock().await?;
    /// assert!(held.fence().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn lock(&self) -> Result<ConditionGuard, CallError> {
        loop {
            if let Some(held) = acquire(&self.handle, &[ArgOut::Bool(true)]).await? {
                return Ok(ConditionGuard { handle: self.handle.clone(), held });
            }
        }
    }
}

impl ConditionGuard {
    /// The number of this holding, as of [`LockGuard::fence`]; a wait begins another one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let condition = manager.condition("news").await?;
    /// let first = condition.lock().await?.fence(); // and freed again
    /// assert!(first < condition.lock().await?.fence());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fence(&self) -> Option<u64> {
        self.held.fence()
    }

    /// Frees the lock, waits for a notice, and has the lock again.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let condition = manager.condition("news").await?;
    /// let held = condition.lock().await?;
    /// let noticing = tokio::spawn({
    ///     let condition = condition.clone();
    ///     // Has the lock once the wait has freed it.
    ///     async move { condition.lock().await?.notify_all().await }
    /// });
    /// let held = held.wait().await?;
    /// # drop(held);
    /// # noticing.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, and the lock was freed by that.
    pub async fn wait(self) -> Result<Self, CallError> {
        let (guard, _) = self.wait_for(None).await?;
        Ok(guard)
    }

    /// The same, and true; or false, if the time is up before there is a notice.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let condition = manager.condition("news").await?;
    /// let held = condition.lock().await?;
    /// let (_held, noticed) = held.wait_timeout(Duration::from_millis(10)).await?;
    /// assert!(!noticed); // and the lock is had again
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`ConditionGuard::wait`].
    pub async fn wait_timeout(self, timeout: Duration) -> Result<(Self, bool), CallError> {
        self.wait_for(Some(timeout)).await
    }

    /// Has so many of those who wait go on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let condition = manager.condition("news").await?;
    /// condition.lock().await?.notify(2).await?; // those two who have waited longest
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn notify(&self, waiters: usize) -> Result<(), CallError> {
        self.call("notify", &[count(waiters)]).await
    }

    /// Has all who wait go on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let condition = manager.condition("news").await?;
    /// condition.lock().await?.notify_all().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn notify_all(&self) -> Result<(), CallError> {
        self.call("notify_all", &[]).await
    }

    async fn call(&self, method: &str, args: &[ArgOut<'_>]) -> Result<(), CallError> {
        let session = &self.held.seat().session;
        session.call(self.handle.ident(), method, args).await.map(drop)
    }

    /// By value: a wait that is given up must leave nothing that looks like a held lock.
    async fn wait_for(mut self, timeout: Option<Duration>) -> Result<(Self, bool), CallError> {
        let seat = self.held.leave();
        let notified = self.handle.wait_over(&seat, "wait", &[patience(timeout)]).await?;
        let notified = self.handle.told::<bool>(&notified)?;
        self.held = LockGuard::held(&self.handle, seat).await?;
        Ok((self, notified))
    }
}
