//! Where a worker's tasks come from, and what it says of them: a queue of piecework, whose leases
//! it has, or a stock Python one.
//!
//! A stock manager knows no leases: what was got from it is gone there. So a task that cannot be
//! done is put back, at the end of its queue. It cannot count attempts either: a worker whose tasks
//! fail one after the other takes longer and longer pauses instead.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use piecework_wire::Payload;
use tokio::time::timeout;

use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::raw_queue::{RawQueue, Settle};

/// How long a request for tasks waits at the manager. A stop has to wait for it where the manager
/// is a stock one: a request that is given up may have taken a task with it.
const TAKE_WAIT: Duration = Duration::from_secs(1);

/// How long a manager may take to hear of what was settled last, when the worker ends.
const ENDING_MAX: Duration = Duration::from_secs(2);

/// The pause after the first of several failures against a manager that cannot count them; each
/// further one doubles it, up to the longest.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];

/// How many queues of answers are remembered.
const ANSWERS_MAX: usize = 1_000;

/// What the idents of queues begin with that end with whoever waits at them.
const PASSING: &str = "piecework.results.";

/// The queues of a worker, over one connection.
#[derive(Debug)]
pub(super) struct Source {
    tasks: RawQueue,
    results: Option<RawQueue>,
    /// Failures one after the other, at a manager that does not count them.
    failures: AtomicU32,
    /// Whether somebody waits at these queues, as far as was asked.
    wanted: Mutex<HashMap<String, bool>>,
}

/// A task that was taken. Dropped before it is settled, it is given back, and the attempt does not
/// count.
#[derive(Debug)]
pub(super) struct Held {
    source: Arc<Source>,
    /// Its lease; a stock manager has none.
    lease: Option<u64>,
    pub(super) attempt: u32,
    pub(super) payload: Payload,
    is_settled: bool,
}

/// What became of an answer.
#[derive(Debug)]
pub(super) enum Answered {
    /// It is recorded, and the task is gone.
    Recorded,
    /// It came to nothing, and nobody is to blame: nobody waits for it any more, or somebody else
    /// has the task.
    Unwanted(&'static str),
    /// The manager does not take it. The task is as it was.
    Refused(Box<Held>, CallError),
}

impl Source {
    /// Opens the queues; one for results is not needed where each task names its own.
    pub(super) async fn open(
        manager: &Manager,
        tasks: &str,
        results: &str,
        needs_results: bool,
    ) -> Result<Arc<Self>, OpenError> {
        let session = manager.session().await?;
        let tasks = session.queue(tasks).await?;
        // A call that waits at a stock manager has those behind it wait.
        let session = if tasks.is_native() { session } else { manager.session().await? };
        let results = match session.queue(results).await {
            Ok(results) => Some(results),
            Err(OpenError::Missing(_)) if !needs_results => None,
            Err(error) => return Err(error),
        };
        let (failures, wanted) = (AtomicU32::new(0), Mutex::default());
        Ok(Arc::new(Self { tasks, results, failures, wanted }))
    }

    /// Whether its manager counts attempts, and gives back what is not settled.
    pub(super) fn has_leases(&self) -> bool {
        self.tasks.is_native()
    }

    /// Takes tasks, as soon as there is one. May be given up where there are leases.
    pub(super) async fn take(self: Arc<Self>, max: usize) -> Result<Vec<Held>, CallError> {
        let held = |lease, attempt, payload| {
            let source = Arc::clone(&self);
            Held { source, lease, attempt, payload, is_settled: false }
        };
        if self.has_leases() {
            let leased = self.tasks.lease(max, Some(TAKE_WAIT)).await?.into_iter();
            return Ok(leased.map(|it| held(Some(it.id), it.attempt, it.payload)).collect());
        }
        let got = self.tasks.get(Some(TAKE_WAIT)).await?;
        Ok(got.map(|payload| held(None, 1, payload)).into_iter().collect())
    }

    /// How long to wait before the next task is taken.
    pub(super) fn pause(&self) -> Duration {
        let [first, max] = PAUSE;
        match self.failures.load(Ordering::Relaxed).checked_sub(1) {
            Some(doublings) => first.saturating_mul(1 << doublings.min(16)).min(max),
            None => Duration::ZERO,
        }
    }

    /// Whether somebody waits at a queue: one that was made for a pool ends with it.
    pub(super) async fn is_wanted(&self, answers: &str) -> bool {
        if !answers.starts_with(PASSING) {
            return true;
        }
        let known = self.lock().get(answers).copied();
        if let Some(known) = known {
            return known;
        }
        // Who cannot be asked may want it.
        let is_wanted = self.tasks.is_there(answers).await.unwrap_or(true);
        let mut wanted = self.lock();
        if wanted.len() >= ANSWERS_MAX {
            wanted.clear();
        }
        wanted.insert(answers.to_owned(), is_wanted);
        is_wanted
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, bool>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the manager has heard of all that was settled.
    pub(super) async fn end(&self) {
        // Calls are answered in order. A manager that does not answer has given all back.
        let _ = timeout(ENDING_MAX, self.results.as_ref().unwrap_or(&self.tasks).qsize()).await;
        for queue in [Some(&self.tasks), self.results.as_ref()].into_iter().flatten() {
            // Who cannot be told does not mind.
            let _ = timeout(ENDING_MAX, queue.clone().close()).await;
        }
    }
}

impl Held {
    /// Puts an answer to the worker's queue for results, or to one that the task names, and the
    /// task is done: both, or neither.
    pub(super) async fn answer(
        mut self,
        to: Option<&str>,
        answer: &Payload,
    ) -> Result<Answered, CallError> {
        let source = Arc::clone(&self.source);
        let to = to.or_else(|| source.results.as_ref().map(RawQueue::ident));
        let answered = match (self.lease, to) {
            (Some(id), Some(to)) => source.tasks.answer(id, to, answer).await,
            // Nobody has said where it could go.
            (Some(id), None) => source.tasks.settle(id, Settle::Ack).await,
            (None, to) => source.put(to, answer).await,
        };
        match answered {
            Ok(()) => {
                self.is_settled = true;
                source.failures.store(0, Ordering::Relaxed);
                Ok(Answered::Recorded)
            }
            Err(error) if self.lease.is_some() && error.is_remote("LookupError") => {
                self.is_settled = true;
                Ok(Answered::Unwanted(
                    "its lease had run out before its answer came; hint: a longer lease= for its \
                     queue",
                ))
            }
            Err(error) if error.is_remote("KeyError") => {
                self.done().await?;
                Ok(Answered::Unwanted("nobody waits for it any more"))
            }
            Err(error @ CallError::Remote { .. }) => Ok(Answered::Refused(Box::new(self), error)),
            Err(error) => Err(error),
        }
    }

    /// It is done with, and has no answer.
    pub(super) async fn done(self) -> Result<(), CallError> {
        self.settle(Settle::Ack).await
    }

    /// It failed, and is tried again as often as its manager says.
    pub(super) async fn fail(mut self) -> Result<(), CallError> {
        if self.lease.is_some() {
            return self.settle(Settle::Nack).await;
        }
        self.source.failures.fetch_add(1, Ordering::Relaxed);
        self.is_settled = true;
        self.source.put_back(&self.payload).await
    }

    /// It was not tried: somebody else gets it.
    pub(super) async fn give_back(mut self) -> Result<(), CallError> {
        if self.lease.is_some() {
            return self.settle(Settle::Release).await;
        }
        self.is_settled = true;
        self.source.put_back(&self.payload).await
    }

    /// Whether somebody waits at the queue that its answer is for.
    pub(super) async fn is_wanted(&self, answers: &str) -> bool {
        self.source.is_wanted(answers).await
    }

    /// Has the lease last on; `false` if somebody else has the task by now.
    pub(super) async fn renew(&self) -> bool {
        match self.lease {
            Some(id) => match self.source.tasks.renew(id).await {
                Err(error) => !error.is_remote("LookupError"),
                Ok(()) => true,
            },
            None => true,
        }
    }

    async fn settle(mut self, how: Settle) -> Result<(), CallError> {
        self.is_settled = true;
        match self.lease {
            // One that has run out is at its end already.
            Some(id) => match self.source.tasks.settle(id, how).await {
                Err(error) if error.is_remote("LookupError") => Ok(()),
                settled => settled,
            },
            None => Ok(()),
        }
    }
}

impl Source {
    /// Puts an answer to a queue of a stock manager, which has only the one.
    async fn put(&self, to: Option<&str>, answer: &Payload) -> Result<(), CallError> {
        let results = self.results.as_ref().filter(|it| to == Some(it.ident()));
        match results {
            Some(results) => results.put(answer).await,
            None => Err(CallError::Remote {
                class: "KeyError".to_owned(),
                message: "a stock Python manager gives answers to one queue only".to_owned(),
            }),
        }
    }

    /// Over the connection that is free while a `get` waits.
    async fn put_back(&self, task: &Payload) -> Result<(), CallError> {
        match &self.results {
            Some(results) => results.put_to(self.tasks.ident(), task).await,
            None => self.tasks.put(task).await,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        match self.lease {
            Some(id) => {
                if let Err(error) = self.source.tasks.settle_soon(id, Settle::Release) {
                    tracing::debug!(%error, id, "a lease ended with its connection");
                }
            }
            None => {
                let (source, payload) = (Arc::clone(&self.source), self.payload.clone());
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        if let Err(error) = source.put_back(&payload).await {
                            tracing::error!(%error, "a task could not be put back");
                        }
                    });
                }
            }
        }
    }
}
