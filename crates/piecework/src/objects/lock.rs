//! Locks: one holder at a time, among all programs.
use std::time::Duration;

use piecework_wire::request::ArgOut;

use crate::again::Again;
use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::Handle;
use crate::sessions::Seat;

/// A lock that one holder has at a time, of all programs that know it, Rust's and Python's; served
/// in order of arrival. Cheap to clone.
///
/// When its holder crashes or is cut off, the manager frees it; what such a holder may still do is
/// told from the next one's doings by the [fencing number](LockGuard::fence).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let accounts = manager.lock("accounts").await?;
/// let held = accounts.lock().await?;
/// assert!(accounts.try_lock().await?.is_none()); // nor could any other program have it
/// drop(held);
/// accounts.lock().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lock {
    handle: Handle,
}

/// A lock that is held; dropped, it is free.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let held = manager.lock("accounts").await?.lock().await?;
/// // ... what only one may do at a time ...
/// drop(held);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LockGuard {
    handle: Handle,
    seat: Option<Seat>,
    fence: Option<u64>,
}

impl Manager {
    /// Opens the lock `name`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let (one, other) = (manager.lock("accounts").await?, manager.lock("accounts").await?);
    /// let _held = one.lock().await?;
    /// assert!(other.try_lock().await?.is_none()); // it is the same lock
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no lock of this name.
    pub async fn lock(&self, name: &str) -> Result<Lock, OpenError> {
        Ok(Lock { handle: Handle::open(self, name, "Lock", None, "acquire").await? })
    }
}

impl Lock {
    /// Waits until it is this one's. A future that is dropped takes nothing.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.lock("accounts").await?;
    /// let first = accounts.lock().await?;
    /// let second = tokio::spawn(async move { accounts.lock().await });
    /// drop(first);
    /// second.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn lock(&self) -> Result<LockGuard, CallError> {
        loop {
            if let Some(held) = self.acquire(&[ArgOut::Bool(true)]).await? {
                return Ok(held);
            }
        }
    }

    /// Waits until it is this one's, or `None` if the time is up before.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let accounts = manager.lock("accounts").await?;
    /// let _held = accounts.lock().await?;
    /// assert!(accounts.lock_timeout(Duration::from_millis(10)).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn lock_timeout(&self, timeout: Duration) -> Result<Option<LockGuard>, CallError> {
        self.acquire(&[ArgOut::Bool(true), ArgOut::Float(timeout.as_secs_f64())]).await
    }

    /// Takes it, or `None` if somebody has it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.lock("accounts").await?;
    /// match accounts.try_lock().await? {
    ///     Some(_held) => {} // ... it is ours until `_held` is dropped ...
    ///     None => println!("somebody has it"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn try_lock(&self) -> Result<Option<LockGuard>, CallError> {
        self.acquire(&[ArgOut::Bool(false)]).await
    }

    async fn acquire(&self, args: &[ArgOut<'_>]) -> Result<Option<LockGuard>, CallError> {
        acquire(&self.handle, args).await
    }
}

/// Takes a lock, or what has one, over a session of its own.
pub(super) async fn acquire(
    handle: &Handle,
    args: &[ArgOut<'_>],
) -> Result<Option<LockGuard>, CallError> {
    let (acquired, seat) = handle.wait(Again::Yes, "acquire", args).await?;
    if !handle.told::<bool>(&acquired)? {
        seat.give_back();
        return Ok(None);
    }
    LockGuard::held(handle, seat).await.map(Some)
}

impl LockGuard {
    /// Of what is held over this session.
    pub(super) async fn held(handle: &Handle, seat: Seat) -> Result<Self, CallError> {
        let fence = match seat.session.call(handle.ident(), "fence", &[]).await {
            Ok(fence) => handle.told(&fence)?,
            // A stock manager counts no holdings.
            Err(CallError::Remote { .. }) => None,
            Err(lost) => return Err(lost),
        };
        Ok(Self { handle: handle.clone(), seat: Some(seat), fence })
    }

    /// What it was held over; it is for the caller to see to that.
    pub(super) fn leave(&mut self) -> Seat {
        self.seat.take().expect("it is held until it is dropped")
    }

    /// The number of this holding, greater than that of any before: a store that is told it with
    /// each write can refuse whoever comes late. `None` of a stock Python manager.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.lock("accounts").await?;
    /// let first = accounts.lock().await?.fence(); // and freed again
    /// let second = accounts.lock().await?.fence();
    /// assert!(first.is_some() && first < second);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fence(&self) -> Option<u64> {
        self.fence
    }

    /// Frees it, and waits until the manager has heard of that.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let accounts = manager.lock("accounts").await?;
    /// let held = accounts.lock().await?;
    /// held.unlock().await?;
    /// assert!(accounts.try_lock().await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, and the lock was freed by that.
    pub async fn unlock(mut self) -> Result<(), CallError> {
        let Some(seat) = self.seat.take() else { return Ok(()) };
        seat.session.call(self.handle.ident(), "release", &[]).await?;
        seat.give_back();
        Ok(())
    }

    /// Whether the session that it was held over has ended, by which it is free.
    pub(super) fn is_lost(&self) -> bool {
        self.seat.as_ref().is_none_or(|seat| seat.session.is_closed())
    }

    pub(super) fn seat(&self) -> &Seat {
        self.seat.as_ref().expect("it is held until it is dropped")
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.handle.post(&seat.session, "release");
            seat.give_back();
        }
    }
}
