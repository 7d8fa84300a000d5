//! Conditions: a lock, and waiting for what others do under it.
use std::time::Duration;

use piecework_wire::request::ArgOut;

use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::objects::handle::{Handle, count, patience};
use crate::objects::lock::{LockGuard, acquire};

/// A lock whose holders wait for each other's notices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Condition {
    handle: Handle,
}

/// A condition whose lock is held; dropped, the lock is free.
#[derive(Debug)]
pub struct ConditionGuard {
    handle: Handle,
    held: LockGuard,
}

impl Manager {
    /// Opens the condition `name`.
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
    pub fn fence(&self) -> Option<u64> {
        self.held.fence()
    }

    /// Frees the lock, waits for a notice, and has the lock again.
    ///
    /// # Errors
    /// The connection has ended, and the lock was freed by that.
    pub async fn wait(self) -> Result<Self, CallError> {
        let (guard, _) = self.wait_for(None).await?;
        Ok(guard)
    }

    /// The same, and true; or false, if the time is up before there is a notice.
    ///
    /// # Errors
    /// As for [`ConditionGuard::wait`].
    pub async fn wait_timeout(self, timeout: Duration) -> Result<(Self, bool), CallError> {
        self.wait_for(Some(timeout)).await
    }

    /// Has so many of those who wait go on.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn notify(&self, waiters: usize) -> Result<(), CallError> {
        self.call("notify", &[count(waiters)]).await
    }

    /// Has all who wait go on.
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
