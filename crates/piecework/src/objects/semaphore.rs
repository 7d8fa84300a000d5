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
#[derive(Clone, Debug)]
pub struct Semaphore {
    handle: Handle,
}

/// A permit; dropped, it is somebody else's.
#[derive(Debug)]
pub struct Permit {
    semaphore: Semaphore,
    is_kept: bool,
}

impl Manager {
    /// Opens the semaphore `name`; one that is made for this has so many permits.
    ///
    /// # Errors
    /// The manager cannot be reached, or has no semaphore of this name.
    pub async fn semaphore(&self, name: &str, permits: u32) -> Result<Semaphore, OpenError> {
        let handle = Handle::open(self, name, "Semaphore", Some(permits), "release").await?;
        Ok(Semaphore { handle })
    }

    /// Opens the semaphore `name` that never has more permits than it began with.
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
    /// # Errors
    /// The manager cannot be reached.
    pub async fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Permit>, CallError> {
        self.take(&[ArgOut::Bool(true), ArgOut::Float(timeout.as_secs_f64())]).await
    }

    /// Takes a permit, or `None` if there is none.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn try_acquire(&self) -> Result<Option<Permit>, CallError> {
        self.take(&[ArgOut::Bool(false)]).await
    }

    /// Adds permits: those that [`Permit::keep`] kept, or new ones.
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
