//! A pool that runs tasks: of child processes, or of the workers of a manager.

mod afar;
mod crew;
mod job;
mod line;
mod options;
mod result;

pub use options::PoolOptions;
pub use result::AsyncResult;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_core::Stream;
use futures_util::stream::unfold;
use piecework_wire::auth::Key;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::error::{ConnectError, OpenError};
use crate::manager::Manager;
use crate::pool::afar::Afar;
use crate::pool::crew::{ATTEMPTS, Crew, run};
use crate::pool::job::Job;
use crate::pool::options::PROCESSES_MAX;
use crate::pool::result::Results;
use crate::tasks::{Seat, TaskError, TaskFn, name_of, packed};

/// Child processes of this program, each running one task at a time; or the workers of a manager,
/// wherever they are ([`Pool::connect`]).
///
/// A child that dies fails the task it was at, once that has had its attempts, and no other;
/// another takes its place. Short tasks travel in batches, and nobody knows which of a batch were
/// done when their child died: all of these are run again, so what a task does beside giving its
/// result may be done twice. The children end with the pool, and with this program however that
/// ends.
///
/// ```
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
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::options().processes(2).start();
    /// assert_eq!(pool.apply(square, (12,)).await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// Outside of a tokio runtime: what feeds the children are tasks of one.
    pub fn start(self) -> Pool {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let processes = self.processes.unwrap_or(cores).clamp(1, PROCESSES_MAX);
        let crew = Arc::new(Crew::new(processes, self.attempts.unwrap_or(ATTEMPTS)));
        let begin = Arc::new(self.begin);
        let mut runners = JoinSet::new();
        for _ in 0..processes {
            runners.spawn(run(Arc::clone(&crew), Seat::new(Arc::clone(&begin))));
        }
        Pool { crew, runners }
    }

    /// Makes a pool of all workers of a queue, wherever they are: those that are there, and those
    /// that come. Of the options, `attempts` alone has a meaning here.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let manager = piecework::Manager::local().await?;
    /// let worker = manager.worker("sums").concurrency(piecework::Concurrency::Threads(2));
    /// let working = tokio::spawn(worker.run_until(std::future::pending::<()>()));
    /// let pool = Pool::options().attempts(3).over(&manager, "sums").await?;
    /// assert_eq!(pool.map(square, 0..5).await?, [0, 1, 4, 9, 16]);
    /// # working.abort();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, has no such queue, or is a stock Python one.
    pub async fn over(self, manager: &Manager, queue: &str) -> Result<Pool, OpenError> {
        afar::check(manager, queue).await?;
        let attempts = self.attempts.unwrap_or(ATTEMPTS);
        let crew = Arc::new(Crew::new(1, attempts));
        let afar = Afar::new(Arc::clone(&crew), manager.clone(), queue, attempts);
        let mut runners = JoinSet::new();
        runners.spawn(afar.run());
        Ok(Pool { crew, runners })
    }
}

impl Pool {
    /// Makes a pool of so many children of this program.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::local(4);
    /// assert_eq!(pool.apply(square, (12,)).await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`PoolOptions::start`].
    pub fn local(processes: usize) -> Self {
        Self::options().processes(processes).start()
    }

    /// Makes a pool of all workers of the queue `task` of a manager ([`PoolOptions::over`] takes
    /// another queue): [`Manager::worker`] makes them, in this program or in others that have the
    /// same functions. The same calls run tasks there.
    ///
    /// A task is tried again if its worker dies, is stopped or takes too long, up to five times;
    /// a panic comes back at once, as [`TaskError::Elsewhere`]. A task whose function no worker
    /// has waits until one comes that does; the others say so in their logs.
    ///
    /// While the manager is away, the pool waits for it, for up to a minute, and then has done
    /// again what has no result: a task may be done twice, and has one result. When the pool is
    /// dropped or its program ends, the manager forgets what nobody has begun.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use piecework::{Key, Pool};
    ///
    /// #[piecework::task]
    /// fn square(n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// let pool = Pool::connect("10.0.0.5:5000", Key::new("abc")).await?;
    /// assert_eq!(pool.map(square, 0..5).await?, [0, 1, 4, 9, 16]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, has another key or no queue `task`, or is a stock Python one.
    pub async fn connect(address: impl AsRef<str>, key: Key) -> Result<Self, ConnectError> {
        Ok(Self::options().over(&Manager::connect(address, key).await?, "task").await?)
    }

    /// Begins to say how a pool is to be.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::options().processes(2).tasks_per_child_max(100).start();
    /// assert_eq!(pool.apply(square, (12,)).await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    pub fn options() -> PoolOptions {
        PoolOptions::default()
    }

    /// Runs a task with these arguments, a tuple, in a child, and waits for its result.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn divide(a: u64, b: u64) -> u64 {
    /// #     a / b
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::local(1);
    /// assert_eq!(pool.apply(divide, (7, 2)).await?, 3);
    /// assert!(pool.apply(divide, (7, 0)).await.is_err()); // and the pool goes on
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::local(2);
    /// let results = [3, 4].map(|n| pool.apply_async(square, (n,)));
    /// for (result, expected) in results.into_iter().zip([9, 16]) {
    ///     assert_eq!(result.get().await?, expected);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn apply_async<F, A, M>(&self, task: F, arguments: A) -> AsyncResult<F::Output>
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        AsyncResult::new(self.give(task, [arguments]))
    }

    /// Runs a task once for each of these; gives the results in the same order.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// assert_eq!(Pool::local(2).map(square, 0..5).await?, [0, 1, 4, 9, 16]);
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn divide(a: u64, b: u64) -> u64 {
    /// #     a / b
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// assert_eq!(Pool::local(2).starmap(divide, [(7, 2), (9, 3)]).await?, [3, 3]);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// use futures_util::TryStreamExt;
    ///
    /// let pool = Pool::local(2);
    /// let mut squares = pool.imap(square, 1..4);
    /// let mut sum = 0;
    /// while let Some(square) = squares.try_next().await? {
    ///     sum += square; // 1, 4, 9
    /// }
    /// assert_eq!(sum, 14);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// use futures_util::TryStreamExt;
    ///
    /// let pool = Pool::local(2);
    /// let mut squares: Vec<u64> = pool.imap_unordered(square, 1..4).try_collect().await?;
    /// squares.sort(); // they came in any order
    /// assert_eq!(squares, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::local(1);
    /// let given = pool.apply_async(square, (12,));
    /// pool.close();
    /// assert!(pool.apply(square, (13,)).await.is_err());
    /// assert_eq!(given.get().await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(&self) {
        self.crew.close();
    }

    /// Waits until all that was given is run and the children have ended. Call [`Pool::close`]
    /// first, or it takes for ever.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::local(1);
    /// let mut given = pool.apply_async(square, (12,));
    /// pool.close();
    /// pool.join().await;
    /// assert!(given.ready());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn join(mut self) {
        while self.runners.join_next().await.is_some() {}
    }

    /// Kills the children, or takes back what no worker has begun; what was not run fails.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::local(1);
    /// let given = pool.apply_async(wait_for_ever, ());
    /// pool.terminate().await;
    /// assert!(given.get().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
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
