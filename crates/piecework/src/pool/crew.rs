//! Who runs what is given to a pool: one runner for each child, which starts it, feeds it, and
//! starts another when it is gone.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use crate::pool::job::{Batch, Job, Piece};
use crate::pool::options::PoolOptions;
use crate::pool::result::Told;
use crate::tasks::{Child, Packed, TaskError, panicked};

/// How often a task is tried whose child dies.
const ATTEMPTS: u32 = 5;

#[derive(Debug)]
pub(super) struct Crew {
    children: usize,
    options: PoolOptions,
    work: Mutex<Work>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Work {
    jobs: VecDeque<Job>,
    /// Why no more is taken.
    over: Option<&'static str>,
}

impl Crew {
    pub(super) fn new(children: usize, options: PoolOptions) -> Self {
        Self { children, options, work: Mutex::default(), news: Notify::new() }
    }

    pub(super) fn give(&self, job: Job) -> Result<(), TaskError> {
        let mut work = self.lock();
        if let Some(over) = work.over {
            return Err(TaskError::Over(over));
        }
        if job.is_done() {
            return Ok(()); // it had nothing in it
        }
        work.jobs.push_back(job);
        drop(work);
        self.news.notify_waiters();
        Ok(())
    }

    pub(super) fn close(&self) {
        self.lock().over.get_or_insert("closed");
        self.news.notify_waiters();
    }

    pub(super) fn terminate(&self) {
        let jobs = {
            let mut work = self.lock();
            work.over = Some("terminated");
            std::mem::take(&mut work.jobs)
        };
        jobs.into_iter().for_each(|job| job.give_up("terminated"));
    }

    /// The next batch of at most so many, once there is one; `None` when nothing more will come.
    async fn next(&self, max: usize) -> Option<Batch> {
        loop {
            let mut news = pin!(self.news.notified());
            // From here on it hears of whatever comes while it looks.
            news.as_mut().enable();
            {
                let mut work = self.lock();
                let batch = work.jobs.iter_mut().find_map(|job| job.next(self.children, max));
                if batch.is_some() {
                    return batch;
                }
                // What others are at may have to be run again.
                if work.over.is_some() && work.jobs.is_empty() {
                    return None;
                }
            }
            news.await;
        }
    }

    /// A batch is over: so many took so long, and these are to be run again.
    fn done(&self, told: &Sender<Told>, took: Option<(usize, Duration)>, again: Vec<Piece>) {
        let is_news = !again.is_empty();
        let mut work = self.lock();
        let Some(at) = work.jobs.iter().position(|job| job.is_of(told)) else { return };
        let is_over = work.jobs.get_mut(at).is_some_and(|job| {
            job.done(took, again);
            job.is_done()
        });
        if is_over {
            work.jobs.remove(at);
        }
        drop(work);
        if is_news || is_over {
            self.news.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child, and how many tasks it has run.
struct Worker {
    child: Child,
    tasks: u64,
}

/// Runs batches in children, one child after the other, until nothing more will come.
pub(super) async fn run(crew: Arc<Crew>) {
    let mut worker = None;
    loop {
        let max = crew.room(worker.as_ref());
        let Some(batch) = crew.next(max).await else { break };
        let began = Instant::now();
        match crew.call(&mut worker, &batch).await {
            Ok(results) => {
                let took = Some((results.len(), began.elapsed()));
                // Whoever waited may be gone.
                let _ = batch.told.try_send((batch.piece.at, Ok(results)));
                crew.done(&batch.told, took, Vec::new());
            }
            Err(error) => {
                if let Some(dead) = worker.take() {
                    dead.child.end().await;
                }
                crew.failed(batch, error);
            }
        }
        if crew.room(worker.as_ref()) == 0
            && let Some(old) = worker.take()
        {
            old.child.end().await;
        }
    }
    if let Some(last) = worker {
        last.child.end().await;
    }
}

impl Crew {
    /// How many tasks a child may still run.
    fn room(&self, worker: Option<&Worker>) -> usize {
        let max = self.options.tasks_per_child_max.unwrap_or(u64::MAX);
        let left = max.saturating_sub(worker.map_or(0, |worker| worker.tasks));
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    async fn call(&self, worker: &mut Option<Worker>, batch: &Batch) -> Result<Packed, TaskError> {
        // One that died since is nobody's fault here.
        if worker.as_mut().is_some_and(|worker| !worker.child.is_alive()) {
            *worker = None;
        }
        let worker = match worker {
            Some(worker) => worker,
            None => worker.insert(Worker { child: self.start().await?, tasks: 0 }),
        };
        worker.tasks += batch.piece.arguments.len() as u64;
        worker.child.call(batch.task, &batch.piece.arguments).await
    }

    async fn start(&self) -> Result<Child, TaskError> {
        let mut child = Child::start()?;
        match &self.options.initializer {
            None => {}
            Some(Err(error)) => return Err(TaskError::NotBegun(error.to_string())),
            Some(Ok((task, arguments))) => {
                let begun = child.call(task, arguments).await;
                let begun = begun.and_then(|results| results.iter().try_for_each(panicked));
                begun.map_err(|error| TaskError::NotBegun(error.to_string()))?;
            }
        }
        Ok(child)
    }

    /// Of several tasks nobody knows which the child died of: each is run alone then.
    fn failed(&self, batch: Batch, error: TaskError) {
        let Batch { mut piece, told, .. } = batch;
        let died = matches!(error, TaskError::Died { .. });
        if piece.arguments.len() == 1 {
            piece.deaths += u32::from(died);
            if !died || piece.deaths >= self.options.attempts.unwrap_or(ATTEMPTS) {
                // Whoever waited may be gone.
                let _ = told.try_send((piece.at, Err(error)));
                return self.done(&told, None, Vec::new());
            }
        }
        self.done(&told, None, piece.singles().collect());
    }
}
