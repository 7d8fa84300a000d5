//! A queue of a manager, reached anew when its connection ends.
use std::sync::{Arc, Mutex, PoisonError};

use crate::again::Again;
use crate::error::Error;
use crate::manager::Manager;
use crate::place::Place;
use crate::raw_queue::RawQueue;

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

    /// Makes a call that may wait for long, over a session of its own: what is called meanwhile,
    /// and may be what it waits for, does not wait behind it.
    pub(crate) async fn call_aside<R, F: Future<Output = Result<R, Error>>>(
        &self,
        again: Again,
        call: impl Fn(RawQueue) -> F,
    ) -> Result<R, Error> {
        loop {
            let queue = self.reach().await?;
            let seat = Arc::clone(self.manager.sessions()).seat().await?;
            match call(queue.over(&seat.session)).await {
                Err(Error::Closed { .. }) if again == Again::Yes => {}
                Err(error @ Error::Closed { .. }) => return Err(error),
                answered => {
                    seat.give_back();
                    return answered;
                }
            }
        }
    }

    /// The queue as it is, or opened anew.
    async fn reach(&self) -> Result<RawQueue, Error> {
        if let Some(queue) = self.current() {
            return Ok(queue);
        }
        let _opening = self.opening.lock().await;
        if let Some(queue) = self.current() {
            return Ok(queue);
        }
        let queue =
            self.manager.sessions().patiently(|| self.manager.raw_queue(&self.name)).await?;
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue.clone());
        Ok(queue)
    }

    fn current(&self) -> Option<RawQueue> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|queue| !queue.session().is_closed()).cloned()
    }
}
