//! A queue of a manager, reached anew when its connection ends.
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::manager::Manager;
use crate::place::Place;
use crate::raw_queue::RawQueue;

/// How long it is until a manager that could not be reached is tried again: at first, and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// Whether a call may be made again when the connection has ended before its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Again {
    /// It changes nothing, or its change ends with the connection.
    Yes,
    /// Nobody knows whether it was done.
    No,
}

#[derive(Debug)]
pub(crate) struct Link {
    manager: Manager,
    name: String,
    open: Mutex<Option<RawQueue>>,
    /// Held by whoever opens it, so that others wait for that.
    opening: tokio::sync::Mutex<()>,
}

impl Link {
    /// Opens the queue; whoever has no manager to begin with is told at once.
    pub(crate) async fn open(manager: &Manager, name: &str) -> Result<Self, Error> {
        let queue = manager.raw_queue(name).await?;
        let (manager, name) = (manager.clone(), name.to_owned());
        Ok(Self { manager, name, open: Mutex::new(Some(queue)), opening: Default::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_at(&self, place: &Place) -> bool {
        self.manager.place().is_same(place)
    }

    /// Makes a call, over a new connection if there is none any more.
    pub(crate) async fn call<R, F: Future<Output = Result<R, Error>>>(
        &self,
        again: Again,
        call: impl Fn(RawQueue) -> F,
    ) -> Result<R, Error> {
        loop {
            match call(self.reach().await?).await {
                Err(Error::Closed { .. }) if again == Again::Yes => {}
                answered => return answered,
            }
        }
    }

    /// The queue as it is, or opened anew: tried again and again while the manager is away.
    async fn reach(&self) -> Result<RawQueue, Error> {
        if let Some(queue) = self.current() {
            return Ok(queue);
        }
        let _opening = self.opening.lock().await;
        if let Some(queue) = self.current() {
            return Ok(queue);
        }
        let (until, [mut pause, pause_max]) = (Instant::now() + self.manager.patience(), BACK_OFF);
        loop {
            match self.manager.raw_queue(&self.name).await {
                Ok(queue) => {
                    *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue.clone());
                    return Ok(queue);
                }
                Err(error @ (Error::Unreachable { .. } | Error::Closed { .. })) => {
                    if Instant::now() + pause > until {
                        return Err(error);
                    }
                    tracing::debug!(%error, ?pause, "trying again");
                }
                Err(error) => return Err(error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(pause_max);
        }
    }

    fn current(&self) -> Option<RawQueue> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|queue| !queue.session().is_closed()).cloned()
    }
}
