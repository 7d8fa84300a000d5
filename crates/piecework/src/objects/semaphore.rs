//! Semaphores: so many at a time, among all programs.
use std::sync::Arc;
use std::time::Duration;

use piecework_wire::reply::Returned;
use piecework_wire::request::ArgOut;

use crate::again::Again;
use crate::driver::Unclaimed;
use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::{Handle, count};

/// Permits of which there are so many. Cheap to clone.
///
/// They belong to nobody: whoever releases one need not have acquired it, so a holder that crashes
/// takes its permit along.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let licences = manager.semaphore("licences", 2).await?;
/// let held = [licences.acquire().await?, licences.acquire().await?];
/// assert!(licences.try_acquire().await?.is_none()); // nor in any other program
/// # drop(held);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Semaphore {
    handle: Handle,
}

/// A permit; dropped, it is somebody else's.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # let seats = manager.semaphore("seats", 2).await?;
/// let permit = seats.acquire().await?;
/// // ... what only two may do at a time ...
/// drop(permit);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Permit {
    semaphore: Semaphore,
    is_kept: bool,
}

impl Manager {
    /// Opens the semaphore `name`; one that is made for this has so many permits.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let seats = manager.semaphore("seats", 2).await?;
    /// let same = manager.semaphore("seats", 2).await?;
    /// let _permits = [seats.acquire().await?, same.acquire().await?];
    /// assert!(seats.try_acquire().await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no semaphore of this name.
    pub async fn semaphore(&self, name: &str, permits: u32) -> Result<Semaphore, OpenError> {
        let handle = Handle::open(self, name, "Semaphore", Some(permits), "release").await?;
        Ok(Semaphore { handle })
    }

    /// Opens the semaphore `name` that never has more permits than it began with.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let seats = manager.bounded_semaphore("seats", 2).await?;
    /// assert!(seats.release(1).await.is_err()); // a third one
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Manager::semaphore`].
    pub async fn bounded_semaphore(
        &self,
        name: &str,
        permits: u32,
    ) -> Result<Semaphore, OpenError> {
        let kind = "BoundedSemaphore";
        Ok(Semaphore { handle: Handle::open(self, name, kind, Some(permits), "release").await? })
    }
}

impl Semaphore {
    /// Waits for a permit. A future that is dropped takes none.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let seats = manager.semaphore("seats", 2).await?;
    /// let permit = seats.acquire().await?; // waits while there is none
    /// # drop(permit);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn acquire(&self) -> Result<Permit, CallError> {
        loop {
            if let Some(permit) = self.take(&[ArgOut::Bool(true)]).await? {
                return Ok(permit);
            }
        }
    }

    /// Waits for a permit, or `None` if the time is up before.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// let none = manager.semaphore("none", 0).await?;
    /// assert!(none.acquire_timeout(Duration::from_millis(10)).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Permit>, CallError> {
        self.take(&[ArgOut::Bool(true), ArgOut::Float(timeout.as_secs_f64())]).await
    }

    /// Takes a permit, or `None` if there is none.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let one = manager.semaphore("one", 1).await?;
    /// let permit = one.try_acquire().await?;
    /// assert!(permit.is_some() && one.try_acquire().await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn try_acquire(&self) -> Result<Option<Permit>, CallError> {
        self.take(&[ArgOut::Bool(false)]).await
    }

    /// Adds permits: those that [`Permit::keep`] kept, or new ones.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let ready = manager.semaphore("ready", 0).await?;
    /// ready.release(3).await?;
    /// assert!(ready.try_acquire().await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or the semaphore is bounded and would have too many.
    pub async fn release(&self, permits: usize) -> Result<(), CallError> {
        self.handle.call(Again::No, "release", &[count(permits)]).await.map(drop)
    }

    async fn take(&self, args: &[ArgOut<'_>]) -> Result<Option<Permit>, CallError> {
        // The manager does not know whose it is, so a session that ends gives none back.
        let semaphore = self.clone();
        let tell = move |acquired: &Returned| drop(semaphore.permit(acquired));
        let unclaimed = Unclaimed::Told(Arc::new(tell));
        let (acquired, seat) = self.handle.wait_or(Again::Yes, "acquire", args, unclaimed).await?;
        seat.give_back();
        self.permit(&acquired)
    }

    /// What a reply brought.
    fn permit(&self, acquired: &Returned) -> Result<Option<Permit>, CallError> {
        let permit = || Permit { semaphore: self.clone(), is_kept: false };
        Ok(self.handle.told::<bool>(acquired)?.then(permit))
    }
}

impl Permit {
    /// It stays taken, until [`Semaphore::release`].
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let one = manager.semaphore("one", 1).await?;
    /// one.acquire().await?.keep();
    /// assert!(one.try_acquire().await?.is_none()); // though nothing holds it
    /// one.release(1).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let semaphore = self.semaphore.clone();
        // Without a runtime there is no connection any more to say it over.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = semaphore.release(1).await {
                    tracing::warn!(%error, "a permit could not be released");
                }
            });
        }
    }
}
