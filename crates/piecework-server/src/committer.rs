//! The thread that keeps what was decided where that takes time, or where nobody tells of it.
//!
//! It takes all that has come in since it last looked, has the engine keep it without the lock, and
//! lets those go on who wait for that. So the batches grow with the load, and one sync serves many
//! clients.

use crate::hub::Hub;
use piecework_engine::{Engine, EngineError};
use piecework_state::Lost;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::task::AbortHandle;

/// The thread. Dropped, it keeps what was decided until then, and ends; the engine is closed then.
#[derive(Debug)]
pub(crate) struct Committer {
    hub: Arc<Hub>,
    /// Lets those go on who waited for the thread.
    releases: AbortHandle,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
}

impl Committer {
    /// Has the engine keep what is decided in the hub from now on. Whoever waits for that is woken
    /// by a task of the runtime that this is called in, so for as long as that runs.
    pub(crate) fn start(hub: Arc<Hub>, engine: Box<dyn Engine>) -> std::io::Result<Self> {
        let has_little_room = hub.start_keeping(engine);
        let of_thread = Arc::clone(&hub);
        let thread = thread::Builder::new()
            .name("piecework-keep".to_owned())
            .spawn(move || keep_all(&of_thread, has_little_room))?;
        let of_task = Arc::clone(&hub);
        let releases = tokio::spawn(async move { of_task.run_releases().await }).abort_handle();
        Ok(Self { hub, releases, thread: Some(thread) })
    }

    /// Keeps what was decided until now, and ends. Blocks until that is done.
    pub(crate) fn close(mut self) -> Result<(), EngineError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), EngineError> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.hub.close();
        self.releases.abort();
        let ended = thread.join();
        self.hub.release();
        match ended {
            Ok(ended) => ended,
            Err(_) => Err(EngineError::Poisoned("the thread that keeps panicked".to_owned())),
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        let _ = self.end();
    }
}

/// Keeps batch after batch until it is told to end, or one cannot be kept.
fn keep_all(hub: &Hub, mut has_little_room: bool) -> Result<(), EngineError> {
    while hub.wait_for_work(has_little_room) {
        match hub.keep_all() {
            Ok(little) => has_little_room = little,
            Err(Lost) => break,
        }
    }
    hub.end_keeping()
}

#[cfg(test)]
pub(crate) mod site;
#[cfg(test)]
mod tests;
