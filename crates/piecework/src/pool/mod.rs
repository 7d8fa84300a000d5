//! A pool of child processes that run tasks.

mod crew;
mod job;
mod options;
mod result;

pub use options::PoolOptions;
pub use result::AsyncResult;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_core::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::pool::crew::{Crew, run};
use crate::pool::job::Job;
use crate::pool::result::Results;
use crate::tasks::{TaskError, TaskFn, name_of, packed};

/// Child processes of this program, each running one task at a time.
///
/// A child that dies fails the task it was at, once that has had its attempts, and no other;
/// another takes its place. The children end with the pool, and with this program however that
/// ends.
///
/// ```no_run
/// use piecework::Pool;
///
/// #[piecework::task]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), piecework::tasks::TaskError> {
///     piecework::init(); // first: the children are this program, too
///     let pool = Pool::local(4);
///     assert_eq!(pool.map(square, 0..5).await?, [0, 1, 4, 9, 16]);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Pool {
    crew: Arc<Crew>,
    runners: JoinSet<()>,
}

impl PoolOptions {
    /// Makes the pool; a child is started when there is something for it to do.
    pub fn start(self) -> Pool {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let processes = self.processes.unwrap_or(cores).max(1);
        let crew = Arc::new(Crew::new(processes, self));
        let mut runners = JoinSet::new();
        for _ in 0..processes {
            runners.spawn(run(Arc::clone(&crew)));
        }
        Pool { crew, runners }
    }
}

impl Pool {
    /// Makes a pool of so many children of this program.
    pub fn local(processes: usize) -> Self {
        Self::options().processes(processes).start()
    }

    /// Begins to say how a pool is to be.
    pub fn options() -> PoolOptions {
        PoolOptions::default()
    }

    /// Runs a task with these arguments, a tuple, in a child, and waits for its result.
    ///
    /// # Errors
    /// It panicked, or its child died as often as it was tried; it is no task; the pool is closed.
    pub async fn apply<F, A, M>(&self, task: F, arguments: A) -> Result<F::Output, TaskError>
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        self.apply_async(task, arguments).get().await
    }

    /// Has a task run with these arguments, a tuple, and does not wait.
    pub fn apply_async<F, A, M>(&self, task: F, arguments: A) -> AsyncResult<F::Output>
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        AsyncResult::new(self.give(task, [arguments]))
    }

    /// Runs a task once for each of these; gives the results in the same order.
    ///
    /// # Errors
    /// As for [`Pool::apply`], of the first that failed; the others are run all the same.
    pub async fn map<F, I, M>(&self, task: F, items: I) -> Result<Vec<F::Output>, TaskError>
    where
        I: IntoIterator,
        F: TaskFn<(I::Item,), M>,
        I::Item: Serialize,
    {
        self.give(task, items.into_iter().map(|item| (item,))).all().await
    }

    /// Runs a task once for each of these tuples of arguments; gives the results in the same order.
    ///
    /// # Errors
    /// As for [`Pool::map`].
    pub async fn starmap<F, I, M>(&self, task: F, items: I) -> Result<Vec<F::Output>, TaskError>
    where
        I: IntoIterator,
        F: TaskFn<I::Item, M>,
        I::Item: Serialize,
    {
        self.give(task, items).all().await
    }

    /// Runs a task once for each of these; the results come in the same order, each as soon as it
    /// and those before it are there.
    pub fn imap<F, I, M>(
        &self,
        task: F,
        items: I,
    ) -> impl Stream<Item = Result<F::Output, TaskError>> + Unpin + use<F, I, M>
    where
        I: IntoIterator,
        F: TaskFn<(I::Item,), M>,
        I::Item: Serialize,
    {
        let results = self.give(task, items.into_iter().map(|item| (item,)));
        Box::pin(unfold(results, |mut results| async {
            results.next_in_order().await.map(|result| (result, results))
        }))
    }

    /// Runs a task once for each of these; the results come as they are there.
    pub fn imap_unordered<F, I, M>(
        &self,
        task: F,
        items: I,
    ) -> impl Stream<Item = Result<F::Output, TaskError>> + Unpin + use<F, I, M>
    where
        I: IntoIterator,
        F: TaskFn<(I::Item,), M>,
        I::Item: Serialize,
    {
        let results = self.give(task, items.into_iter().map(|item| (item,)));
        Box::pin(unfold(results, |mut results| async {
            results.next().await.map(|(_, result)| (result, results))
        }))
    }

    /// Takes no more tasks; those that were given are run.
    pub fn close(&self) {
        self.crew.close();
    }

    /// Waits until all that was given is run and the children have ended. Call [`Pool::close`]
    /// first, or it takes for ever.
    pub async fn join(mut self) {
        while self.runners.join_next().await.is_some() {}
    }

    /// Kills the children; what was not run fails.
    pub async fn terminate(mut self) {
        self.crew.terminate();
        self.runners.shutdown().await;
    }

    fn give<F, A, M>(&self, task: F, arguments: impl IntoIterator<Item = A>) -> Results<F::Output>
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        let named = name_of(task);
        let read = named.and_then(|name| Ok((name, packed(arguments)?)));
        let (job, results) = match read {
            Ok((name, arguments)) => Job::new(name, arguments),
            Err(error) => return Results::failed(error),
        };
        match self.crew.give(job) {
            Ok(()) => results,
            Err(error) => Results::failed(error),
        }
    }
}
