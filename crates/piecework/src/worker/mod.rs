//! A worker: takes the tasks of a queue, has them done, and settles them.

mod aside;
mod concurrency;
mod desk;
mod errand;
mod error;
mod handler;
pub(crate) mod message;
mod plan;
mod slot;
mod source;
mod staff;
mod stop;
mod thread;
mod work;

pub use concurrency::Concurrency;
pub use error::WorkerError;
pub use handler::Handle;
pub use stop::Stopper;

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::error::OpenError;
use crate::manager::Manager;
use crate::tasks::{Begin, Task, TaskFn, panics};
use crate::worker::desk::Desk;
use crate::worker::errand::Manner;
use crate::worker::handler::{Gives, Tries, handler};
use crate::worker::plan::Plan;
use crate::worker::source::Source;
use crate::worker::staff::employ;
use crate::worker::work::Make;

/// Takes the tasks of a queue, has them done, and puts what they come to on another.
///
/// There are two ways to say what is done. [`Worker::each`] takes a closure for every item, as it
/// is: a number, a dict, whatever the masters of the queue put; its result is put as it is. Or the
/// items ask for functions by name, as a [`Pool`](crate::Pool) over workers does: then those that
/// are marked with [`piecework::task`](macro@crate::task) are known by their path, and
/// [`Worker::task`] registers closures by name. Such an item is a dict that Python can put as well:
/// `{"task": "square", "args": (7,), "id": 1}`, and its result `{"id": 1, "result": 49}`.
///
/// A task whose closure panics, gives an error, or takes too long has failed: it is given back, and
/// tried again after a while, as often as its queue says (`attempts`), and is dead then. The log
/// tells each failure. Where a pool waits for the result, a panic or an error is the result at
/// once; a child process that died or a time that is up is one after the last attempt.
///
/// A worker outlives its manager: it reaches for it anew for a minute, and what it was at is done
/// again. The leases of long tasks are renewed. An item that is `None` ends the worker, once what
/// was in front of it is done. Dropped while it runs, a worker gives back what it has.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// manager.queue("task").await?.put_all(&[Some(3411_u64), None]).await?;
/// manager.worker("task").each(|n: u64| format!("{n} * {n} = {}", n * n)).run().await?;
/// assert_eq!(manager.queue::<String>("result").await?.get().await?, "3411 * 3411 = 11634921");
/// # Ok(())
/// # }
/// ```
pub struct Worker<S = ()> {
    plan: Plan<S>,
    concurrency: Option<Concurrency>,
    begin: Begin,
    begins_children: bool,
    stopper: Stopper,
}

impl Manager {
    /// Begins to say what a worker of the queue of this name is to do; its results go to the queue
    /// `result`, unless [`Worker::answers`] says otherwise.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// manager.queue("words").await?.put_all(&[Some("five!"), None]).await?;
    /// manager.worker("words").each(|word: String| word.len()).run().await?;
    /// assert_eq!(manager.queue::<usize>("result").await?.get().await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn worker(&self, queue: &str) -> Worker {
        let worker = format!("{} on {}", std::process::id(), host());
        let plan = Plan {
            manager: self.clone(),
            queue: queue.to_owned(),
            answers: None,
            named: BTreeMap::new(),
            each: None,
            make: Arc::new(|| Ok(())),
            has_state: false,
            manner: Manner { worker, limit: None },
        };
        let (begin, stopper) = (Begin::default(), Stopper::new());
        Worker { plan, concurrency: None, begin, begins_children: false, stopper }
    }
}

impl Worker {
    /// Has a state made for closures to work with: a connection to a database, a model.
    ///
    /// With [`Concurrency::Threads`] there is one in each thread, made there before the worker
    /// takes its first task, and again in a thread that takes the place of one whose task took too
    /// long; closures are handed it as `&mut S`, so it need be neither `Send` nor `Sync`. With
    /// [`Concurrency::Tasks`] there is one, which `async` closures share as an `Arc<S>`; it is made
    /// if there is such a closure. For processes there is [`Worker::initializer`].
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # manager.queue("task").await?.put_all(&[Some("a"), Some("b"), None]).await?;
    /// let worker = manager.worker("task").state(Vec::new).concurrency(piecework::Concurrency::Threads(1));
    /// worker
    ///     .each(|seen: &mut Vec<String>, word: String| {
    ///         seen.push(word);
    ///         seen.len()
    ///     })
    ///     .run()
    ///     .await?;
    /// # let results = manager.queue::<usize>("result").await?;
    /// # assert_eq!((results.get().await?, results.get().await?), (1, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn state<S: 'static>(self, make: impl Fn() -> S + Send + Sync + 'static) -> Worker<S> {
        self.try_state(move || Ok::<S, String>(make()))
    }

    /// The same, of a state that may not come about: then [`Worker::run`] says why, and nothing is
    /// taken.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # manager.queue("task").await?.put(&1).await?;
    /// let worker = manager.worker("task").try_state(|| std::fs::read_to_string("no/such/model"));
    /// let error = worker.each(|_model: &mut String, n: u64| n).run().await.unwrap_err();
    /// assert!(error.to_string().contains("the worker's state could not be made"), "{error}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_state<S: 'static, E: Display>(
        self,
        make: impl Fn() -> Result<S, E> + Send + Sync + 'static,
    ) -> Worker<S> {
        let make: Make<S> = Arc::new(move || match panics::caught(&make) {
            Ok(made) => made.map_err(|error| error.to_string()),
            Err(panic) => Err(panic.to_string()),
        });
        let Self { plan, concurrency, begin, begins_children, stopper } = self;
        let Plan { manager, queue, answers, named, each, manner, .. } = plan;
        let named = named.into_iter().map(|(name, handler)| (name, handler.beside())).collect();
        let each = each.map(handler::Handler::beside);
        let has_state = true;
        let plan = Plan { manager, queue, answers, named, each, make, has_state, manner };
        Worker { plan, concurrency, begin, begins_children, stopper }
    }
}

impl<S: 'static> Worker<S> {
    /// Registers a closure by name: plain or `async`, of up to six arguments; in front of them it
    /// may take the worker's [state](Worker::state). A panic is a failure.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::collections::HashMap;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Order {
    ///     task: &'static str,
    ///     args: (u64, u64),
    ///     id: u64,
    /// }
    ///
    /// let order = Order { task: "add", args: (2, 3), id: 1 };
    /// manager.queue("task").await?.put_all(&[Some(order), None]).await?;
    /// manager.worker("task").task("add", |a: u64, b: u64| a + b).run().await?;
    /// let answer: HashMap<String, u64> = manager.queue("result").await?.get().await?;
    /// assert_eq!((answer["id"], answer["result"]), (1, 5));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn task<A, M>(mut self, name: &str, closure: impl Handle<S, A, (M, Gives)>) -> Self {
        self.plan.named.insert(name.to_owned(), handler(closure));
        self
    }

    /// The same, of a closure that gives a `Result`: an error is a failure, too.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let double = |n: u8| n.checked_mul(2).ok_or("too large");
    /// let worker = manager.worker("task").try_task("double", double);
    /// # drop(worker);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn try_task<A, M>(mut self, name: &str, closure: impl Handle<S, A, (M, Tries)>) -> Self {
        self.plan.named.insert(name.to_owned(), handler(closure));
        self
    }

    /// Has a closure do every item. It is as for [`Worker::task`], and takes the item.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # manager.queue("task").await?.put_all(&[Some(7_u64), None]).await?;
    /// manager.worker("task").each(|n: u64| n * n).run().await?;
    /// assert_eq!(manager.queue::<u64>("result").await?.get().await?, 49);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn each<A, M>(mut self, closure: impl Handle<S, (A,), (M, Gives)>) -> Self {
        self.plan.each = Some(handler(closure));
        self
    }

    /// The same, of a closure that gives a `Result`: an error is a failure, too.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// manager.queue("task").await?.put_all(&[Some("7"), None]).await?;
    /// manager.worker("task").try_each(|text: String| text.parse::<u64>()).run().await?;
    /// assert_eq!(manager.queue::<u64>("result").await?.get().await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn try_each<A, M>(mut self, closure: impl Handle<S, (A,), (M, Tries)>) -> Self {
        self.plan.each = Some(handler(closure));
        self
    }

    /// The queue that results go to, unless a task names another: `result`, if this says nothing.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # manager.queue("task").await?.put_all(&[Some(7_u64), None]).await?;
    /// manager.worker("task").answers("squares").each(|n: u64| n * n).run().await?;
    /// assert_eq!(manager.queue::<u64>("squares").await?.get().await?, 49);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn answers(mut self, queue: &str) -> Self {
        self.plan.answers = Some(queue.to_owned());
        self
    }

    /// How many tasks are done at a time, and where. Without closures these are as many child
    /// processes as there are cores; with closures that are all `async`, a hundred tasks in the
    /// runtime; else as many threads as there are cores.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # manager.queue("task").await?.put_all(&[Some(7_u64), None]).await?;
    /// let worker = manager.worker("task").each(|n: u64| n * n);
    /// worker.concurrency(piecework::Concurrency::Tasks(2)).run().await?;
    /// assert_eq!(manager.queue::<u64>("result").await?.get().await?, 49);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.concurrency = Some(concurrency);
        self
    }

    /// How long a task may take. After that it has failed; its child process is killed, or its
    /// future dropped. A thread cannot be ended: it goes on for nobody, and another takes its
    /// place.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # manager.queue("task").await?.put_all(&[Some(7_u64), None]).await?;
    /// use std::time::Duration;
    ///
    /// let worker = manager.worker("task").timeout(Duration::from_secs(60));
    /// worker.each(async |n: u64| n * n).run().await?;
    /// # assert_eq!(manager.queue::<u64>("result").await?.get().await?, 49);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.plan.manner.limit = Some(limit);
        self
    }

    /// Each child process runs this task before any other.
    ///
    /// ```
    /// # use piecework::{Concurrency, Manager, Pool};
    /// use std::sync::OnceLock;
    ///
    /// static FACTOR: OnceLock<u64> = OnceLock::new();
    ///
    /// #[piecework::task]
    /// fn begin(factor: u64) {
    ///     FACTOR.set(factor).expect("it is called once");
    /// }
    ///
    /// #[piecework::task]
    /// fn scale(n: u64) -> Option<u64> {
    ///     Some(n * FACTOR.get()?)
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let manager = Manager::local().await?;
    /// let worker = manager.worker("task").initializer(begin, &(10_u64,));
    /// # let stopper = worker.stopper();
    /// # let working = tokio::spawn(worker.concurrency(Concurrency::Processes(1)).run());
    /// # let pool = Pool::options().over(&manager, "task").await?;
    /// assert_eq!(pool.apply(scale, (7,)).await?, Some(70)); // a pool over this worker
    /// # stopper.stop();
    /// # working.await??;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn initializer<F, A, M>(mut self, task: F, arguments: &A) -> Self
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        self.begin.with(task, arguments);
        self.begins_children = true;
        self
    }

    /// A child process that has run so many tasks ends, and another takes its place.
    ///
    /// ```
    /// # use piecework::{Concurrency, Manager, Pool};
    /// #[piecework::task]
    /// fn pid() -> u32 {
    ///     std::process::id()
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let manager = Manager::local().await?;
    /// # let worker = manager.worker("task").concurrency(Concurrency::Processes(1));
    /// let worker = worker.tasks_per_child_max(1);
    /// # let stopper = worker.stopper();
    /// # let working = tokio::spawn(worker.run());
    /// # let pool = Pool::options().over(&manager, "task").await?;
    /// // A pool over this worker.
    /// assert_ne!(pool.apply(pid, ()).await?, pool.apply(pid, ()).await?);
    /// # stopper.stop();
    /// # working.await??;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tasks_per_child_max(mut self, tasks: u64) -> Self {
        self.begin.tasks_max = Some(tasks.max(1));
        self.begins_children = true;
        self
    }

    /// What stops it while it runs.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let worker = manager.worker("task").each(|n: u64| n * n);
    /// let stopper = worker.stopper();
    /// let working = tokio::spawn(worker.run());
    /// stopper.stop();
    /// working.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Works until Ctrl-C or SIGTERM: at the first it takes no more tasks, and ends when those are
    /// done that it is at; at the second it ends them and gives their tasks back.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// manager.queue("task").await?.put(&None::<u64>).await?; // ends it as a Ctrl-C does
    /// manager.worker("task").each(|n: u64| n * n).run().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It has nothing to do tasks with, or not where its concurrency says; its state cannot be
    /// made, or its child processes not be started; the manager cannot be reached, or refuses.
    pub async fn run(self) -> Result<(), WorkerError> {
        let stopper = self.stopper.clone();
        tokio::select! {
            worked = self.work() => worked,
            heard = stopper.on_signals() => heard.map_err(WorkerError::System),
        }
    }

    /// Works until this future is ready, then takes no more tasks and ends when those are done that
    /// it is at. A [`Worker::stopper`] does both as well.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// let hour_is_over = tokio::time::sleep(Duration::from_secs(3600));
    /// # let hour_is_over = async { drop(hour_is_over) };
    /// manager.worker("task").each(|n: u64| n * n).run_until(hour_is_over).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Worker::run`].
    pub async fn run_until(self, shutdown: impl Future) -> Result<(), WorkerError> {
        let stopper = self.stopper.clone();
        let stop = async {
            shutdown.await;
            stopper.drain();
            std::future::pending().await // what it is at is waited for
        };
        tokio::select! {
            worked = self.work() => worked,
            () = stop => unreachable!("it goes on"),
        }
    }

    async fn work(self) -> Result<(), WorkerError> {
        panics::note_all();
        Task::check()?;
        let concurrency = self.plan.concurrency(self.concurrency, self.begins_children)?;
        let plan = Arc::new(self.plan);
        let source = plan.open().await?;
        let slots = employ(&plan, concurrency, self.begin).await?;
        Desk::new(plan, self.stopper, source, slots).run().await
    }
}

impl<S> Plan<S> {
    async fn open(&self) -> Result<Arc<Source>, OpenError> {
        Source::open(&self.manager, &self.queue, self.answers(), self.needs_answers()).await
    }
}

/// The name of this machine.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

impl<S> fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Worker").field(&self.plan.queue).finish()
    }
}
