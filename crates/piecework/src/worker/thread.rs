//! A thread that does one task at a time, with a state of its own.

use std::sync::Arc;
use std::thread;

use piecework_wire::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::tasks::TaskError;
use crate::worker::handler::Done;
use crate::worker::work::{Make, Work, here};

/// Threads that may be at tasks whose time was up, beside those that work. A thread cannot be
/// ended; with more of them than this, a worker waits for one to come to its end.
pub(super) const STRAYS_MAX: usize = 16;

/// A place for one thread after the other.
pub(super) struct Thread<S> {
    make: Make<S>,
    /// One for each thread that there may be.
    room: Arc<Semaphore>,
    jobs: Option<mpsc::Sender<Job<S>>>,
}

struct Job<S> {
    work: Work<S>,
    arguments: Value,
    done: oneshot::Sender<Done>,
}

impl<S: 'static> Thread<S> {
    pub(super) fn new(make: Make<S>, room: Arc<Semaphore>) -> Self {
        Self { make, room, jobs: None }
    }

    /// Has a thread, and its state made there.
    pub(super) async fn ready(&mut self) -> Result<(), TaskError> {
        if self.jobs.is_some() {
            return Ok(());
        }
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.expect("nobody closes it");
        let (jobs, taken) = mpsc::channel(1);
        let (tell, made) = oneshot::channel();
        let make = Arc::clone(&self.make);
        thread::Builder::new()
            .name("piecework-worker".to_owned())
            .spawn(move || work(&make, tell, taken, room))
            .map_err(TaskError::NoChild)?;
        match made.await {
            Ok(made) => made.map_err(TaskError::NotBegun)?,
            Err(_) => return Err(TaskError::Over("gone")),
        }
        self.jobs = Some(jobs);
        Ok(())
    }

    pub(super) async fn run(&mut self, work: Work<S>, arguments: Value) -> Done {
        self.ready().await?;
        // Given up, the thread is left to itself.
        let jobs = self.jobs.take().expect("it was made ready");
        let (done, told) = oneshot::channel();
        let _ = jobs.send(Job { work, arguments, done }).await;
        let done = told.await.unwrap_or(Err(TaskError::Over("gone")));
        self.jobs = Some(jobs);
        done
    }
}

/// What the thread does, until nobody has anything more for it.
fn work<S>(
    make: &Make<S>,
    tell: oneshot::Sender<Result<(), String>>,
    mut jobs: mpsc::Receiver<Job<S>>,
    room: OwnedSemaphorePermit,
) {
    match make() {
        Ok(mut state) => {
            let _ = tell.send(Ok(()));
            while let Some(Job { work, arguments, done }) = jobs.blocking_recv() {
                // Whoever waited may have given up.
                let _ = done.send(here(&mut state, &work, arguments));
            }
        }
        Err(why) => drop(tell.send(Err(why))),
    }
    drop(room);
}
