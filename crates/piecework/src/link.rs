//! A queue of a manager, reached anew when its connection ends.
use std::sync::{Arc, Mutex, PoisonError};

use crate::again::Again;
use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::place::Place;
use crate::raw_queue::RawQueue;
use crate::sessions::Seat;

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
    pub(crate) async fn open(manager: &Manager, name: &str) -> Result<Self, OpenError> {
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
    pub(crate) async fn call<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        again: Again,
        call: impl Fn(RawQueue) -> F,
    ) -> Result<R, CallError> {
        self.manager.sessions().again(again, || self.reach(), call).await
    }

    /// Makes a call that may wait for long, over a session of its own: what is called meanwhile,
    /// and may be what it waits for, does not wait behind it.
    pub(crate) async fn call_aside<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        again: Again,
        call: impl Fn(RawQueue) -> F,
    ) -> Result<R, CallError> {
        let reach = || async {
            let queue = self.reach().await?;
            Ok((queue, Arc::clone(self.manager.sessions()).seat().await?))
        };
        let call = |(queue, seat): (RawQueue, Seat)| {
            let call = call(queue.over(&seat.session));
            async move {
                let answered = call.await;
                if !answered.as_ref().is_err_and(CallError::is_closed) {
                    seat.give_back();
                }
                answered
            }
        };
        self.manager.sessions().again(again, reach, call).await
    }

    /// The queue as it is, or opened anew.
    async fn reach(&self) -> Result<RawQueue, CallError> {
        if let Some(queue) = self.current() {
            return Ok(queue);
        }
        let _opening = self.opening.lock().await;
        if let Some(queue) = self.current() {
            return Ok(queue);
        }
        let open =
            || async { self.manager.raw_queue(&self.name).await.map_err(OpenError::into_call) };
        let queue = self.manager.sessions().patiently(open).await?;
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue.clone());
        Ok(queue)
    }

    fn current(&self) -> Option<RawQueue> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|queue| !queue.session().is_closed()).cloned()
    }
}
