//! The server that runs in this process.
use std::sync::{Mutex, PoisonError};

use piecework_server::ServerError;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that ends when the last who uses it is gone.
#[derive(Debug)]
pub(crate) struct Served {
    /// The half of it that is dropped stops the server.
    running: Mutex<Option<Running>>,
}

/// The half that stops it, and its task.
pub(crate) type Running = (oneshot::Sender<()>, JoinHandle<Result<(), ServerError>>);

impl Served {
    pub(crate) fn new(
        stop: oneshot::Sender<()>,
        running: JoinHandle<Result<(), ServerError>>,
    ) -> Self {
        Self { running: Mutex::new(Some((stop, running))) }
    }

    /// What is there to be stopped, once.
    pub(crate) fn take(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
