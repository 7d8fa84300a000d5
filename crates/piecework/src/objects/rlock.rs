//! Re-entrant locks: whoever has one gets it again.
use std::sync::{Arc, Weak};
use std::time::Duration;

use piecework_wire::request::ArgOut;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::Handle;
use crate::objects::lock::{LockGuard, acquire};

/// A lock that one owner has at a time, of all programs that know it, and that this owner gets as
/// often as it wants; it is free when all of that is given back.
///
/// The owner is this handle with its clones, whichever tasks and threads they are in: Rust's tasks
/// move between threads, so there is no thread to own it, as there is in Python. What is to be
/// another owner opens the lock by itself, with [`Manager::rlock`]. Within an owner it keeps nobody
/// apart: that is what a [`tokio::sync::Mutex`] is for.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use piecework::objects::RLock;
///
/// async fn withdraw(lock: &RLock) -> Result<(), piecework::Error> {
///     let _held = lock.lock().await?; // whether or not the caller has it
///     Ok(())
/// }
///
/// # let manager = piecework::Manager::local().await?;
/// let lock = manager.rlock("accounts").await?;
/// let held = lock.lock().await?;
/// withdraw(&lock).await?;
/// let other = manager.rlock("accounts").await?;
/// assert!(other.try_lock().await?.is_none());
/// drop(held);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RLock {
    handle: Handle,
    /// What this owner has, and whose turn it is to see to that.
    held: Arc<Mutex<Weak<LockGuard>>>,
}

/// A re-entrant lock that is held; free when its owner's last guard is dropped.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # let accounts = manager.rlock("accounts").await?;
/// let (first, second) = (accounts.lock().await?, accounts.lock().await?);
/// drop(first);
/// let other = manager.rlock("accounts").await?;
/// assert!(other.try_lock().await?.is_none());
/// drop(second); // the last
/// assert!(other.lock().await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RLockGuard {
    held: Arc<LockGuard>,
}

impl Manager {
    /// Opens the re-entrant lock `name`, as an owner of its own.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let (one, other) = (manager.rlock("accounts").await?, manager.rlock("accounts").await?);
    /// let _held = one.lock().await?;
    /// assert!(one.try_lock().await?.is_some());
    /// assert!(other.try_lock().await?.is_none()); // another owner
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no re-entrant lock of this name.
    pub async fn rlock(&self, name: &str) -> Result<RLock, OpenError> {
        let handle = Handle::open(self, name, "RLock", None, "acquire").await?;
        Ok(RLock { handle, held: Arc::default() })
    }
}

impl RLock {
    /// Waits until it is this owner's. A future that is dropped takes nothing.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.rlock("accounts").await?;
    /// let outer = accounts.lock().await?;
    /// let inner = accounts.lock().await?; // at once: it is this owner's
    /// assert_eq!(outer.fence(), inner.fence());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn lock(&self) -> Result<RLockGuard, CallError> {
        loop {
            let held = self.held.lock().await;
            if let Some(held) = self.enter(held, &[ArgOut::Bool(true)]).await? {
                return Ok(held);
            }
        }
    }

    /// Waits until it is this owner's, or `None` if the time is up before.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let accounts = manager.rlock("accounts").await?;
    /// let _held = accounts.lock().await?;
    /// let other = manager.rlock("accounts").await?;
    /// assert!(other.lock_timeout(Duration::from_millis(10)).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn lock_timeout(&self, timeout: Duration) -> Result<Option<RLockGuard>, CallError> {
        let Some(deadline) = Instant::now().checked_add(timeout) else {
            return self.lock().await.map(Some); // no clock will show it
        };
        // Another clone waits for it already.
        let Ok(held) = timeout_at(deadline, self.held.lock()).await else { return Ok(None) };
        let left = deadline.saturating_duration_since(Instant::now());
        self.enter(held, &[ArgOut::Bool(true), ArgOut::Float(left.as_secs_f64())]).await
    }

    /// Takes it, or `None` if somebody else has it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.rlock("accounts").await?;
    /// let held = accounts.try_lock().await?;
    /// assert!(held.is_some() && accounts.try_lock().await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn try_lock(&self) -> Result<Option<RLockGuard>, CallError> {
        // Another clone waits for it already: somebody else has it.
        let Ok(held) = self.held.try_lock() else { return Ok(None) };
        self.enter(held, &[ArgOut::Bool(false)]).await
    }

    /// Takes once more what is held, or takes it from the manager.
    async fn enter(
        &self,
        mut held: MutexGuard<'_, Weak<LockGuard>>,
        args: &[ArgOut<'_>],
    ) -> Result<Option<RLockGuard>, CallError> {
        // What was held over a session that has ended is free, and maybe somebody's.
        if let Some(held) = held.upgrade().filter(|held| !held.is_lost()) {
            return Ok(Some(RLockGuard { held }));
        }
        let Some(guard) = acquire(&self.handle, args).await? else { return Ok(None) };
        let guard = Arc::new(guard);
        *held = Arc::downgrade(&guard);
        Ok(Some(RLockGuard { held: guard }))
    }
}

impl RLockGuard {
    /// The number of this holding, the same for all guards that an owner has at a time. See
    /// [`LockGuard::fence`].
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.rlock("accounts").await?;
    /// let first = accounts.lock().await?.fence(); // and given back
    /// assert!(first < accounts.lock().await?.fence());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fence(&self) -> Option<u64> {
        self.held.fence()
    }

    /// Gives this guard back; waits until the manager has heard of that, if it was the last one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.rlock("accounts").await?;
    /// let (outer, inner) = (accounts.lock().await?, accounts.lock().await?);
    /// inner.unlock().await?;
    /// outer.unlock().await?; // only now is it free
    /// assert!(manager.rlock("accounts").await?.try_lock().await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, and the lock was freed by that.
    pub async fn unlock(self) -> Result<(), CallError> {
        match Arc::into_inner(self.held) {
            Some(last) => last.unlock().await,
            None => Ok(()),
        }
    }
}
