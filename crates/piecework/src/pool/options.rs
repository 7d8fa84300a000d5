//! How a pool is made.

use serde::Serialize;

use crate::tasks::{Begin, TaskFn};

/// The most children of a pool.
pub(super) const PROCESSES_MAX: usize = 10_000;

/// How a pool is made.
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
/// let options = Pool::options().processes(2).attempts(3).tasks_per_child_max(1_000);
/// assert_eq!(options.start().apply(square, (12,)).await?, 144);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct PoolOptions {
    pub(crate) processes: Option<usize>,
    pub(crate) attempts: Option<u32>,
    pub(crate) begin: Begin,
}

impl PoolOptions {
    /// How many children there are, 10,000 at most: as many as cores, unless this says otherwise.
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
    /// assert_eq!(pool.map(square, 0..5).await?, [0, 1, 4, 9, 16]); // in two processes
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn processes(mut self, processes: usize) -> Self {
        self.processes = Some(processes);
        self
    }

    /// How often a task is tried whose child dies: five times, unless this says otherwise.
    ///
    /// ```
    /// # use piecework::{Pool, tasks::TaskError};
    /// #[piecework::task]
    /// fn crash() {
    ///     std::process::abort();
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::options().processes(1).attempts(1).start();
    /// let error = pool.apply(crash, ()).await.unwrap_err(); // it is not tried once more
    /// assert!(matches!(error, TaskError::Died { .. }));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// A child that has run so many tasks ends, and another takes its place.
    ///
    /// ```
    /// # use piecework::Pool;
    /// #[piecework::task]
    /// fn pid() -> u32 {
    ///     std::process::id()
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::options().processes(1).tasks_per_child_max(1).start();
    /// assert_ne!(pool.apply(pid, ()).await?, pool.apply(pid, ()).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tasks_per_child_max(mut self, tasks: u64) -> Self {
        self.begin.tasks_max = Some(tasks.max(1));
        self
    }

    /// Each child runs this task before any other.
    ///
    /// ```
    /// # use piecework::Pool;
    /// use std::sync::OnceLock;
    ///
    /// static NAME: OnceLock<String> = OnceLock::new();
    ///
    /// #[piecework::task]
    /// fn begin(name: String) {
    ///     NAME.set(name).expect("it is called once");
    /// }
    ///
    /// #[piecework::task]
    /// fn greet() -> String {
    ///     format!("Hello, {}", NAME.get().expect("each child began with it"))
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let pool = Pool::options().processes(1).initializer(begin, &("Ada".to_owned(),)).start();
    /// assert_eq!(pool.apply(greet, ()).await?, "Hello, Ada");
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
        self
    }
}
