//! Why a worker does not work, or not any more.

use thiserror::Error;

use crate::error::{CallError, ConnectError, OpenError};
use crate::tasks::TaskError;
use crate::worker::concurrency::TASKS_MAX;

/// Why a worker does not work, or not any more.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::{Concurrency, WorkerError};
///
/// let worker = manager.worker("task").each(|n: u64| n * n);
/// let error = worker.concurrency(Concurrency::Processes(4)).run().await.unwrap_err();
/// let WorkerError::Unfit { why, .. } = error else { panic!("{error}") };
/// assert_eq!(why, "a closure cannot be found in another process");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It has nothing to do tasks with.
    #[error(
        "the worker of queue {queue:?} knows no task; hint: mark functions with \
         #[piecework::task], or give it closures with `task` or `each`"
    )]
    Nothing {
        /// Where its tasks would come from.
        queue: String,
    },
    /// It has both a closure for every item and tasks by name.
    #[error("a worker takes every item with `each`, or tasks by name, but not both: {task:?}")]
    Both {
        /// A task by name.
        task: String,
    },
    /// Its concurrency is more than a worker may have.
    #[error("a worker does {TASKS_MAX} tasks at a time at most, and not {count}")]
    TooMany {
        /// How many it was to do.
        count: usize,
    },
    /// A closure cannot run where it would have to.
    #[error("{task:?} cannot run in {place}: {why}; hint: {hint}")]
    Unfit {
        /// What it is registered as.
        task: String,
        /// What the worker's concurrency is.
        place: &'static str,
        /// What is in the way.
        why: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The state of a worker, or of one of its threads, could not be made.
    #[error("the worker's state could not be made: {0}")]
    State(String),
    /// There is no child process that could do tasks.
    #[error(transparent)]
    Child(TaskError),
    /// There is no thread, or no signal can be heard.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
    /// The manager cannot be reached, has no queue of tasks or of answers, or refuses.
    #[error(transparent)]
    Manager(#[from] ConnectError),
}

impl From<OpenError> for WorkerError {
    fn from(error: OpenError) -> Self {
        Self::Manager(error.into())
    }
}

impl From<CallError> for WorkerError {
    fn from(error: CallError) -> Self {
        Self::Manager(error.into())
    }
}

impl From<TaskError> for WorkerError {
    /// Why there is nobody who could do tasks.
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::NotBegun(why) => Self::State(why),
            error => Self::Child(error),
        }
    }
}
