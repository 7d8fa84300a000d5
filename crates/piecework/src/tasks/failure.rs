//! How a task ends that has no result.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::{CallError, Mismatch, Unsayable};

/// What a task panicked with.
///
/// ```
/// # use piecework::{Pool, tasks::TaskError};
/// #[piecework::task]
/// fn refuse(why: String) {
///     panic!("no: {why}");
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # piecework::init();
/// let refused = Pool::local(1).apply(refuse, ("too late".to_owned(),)).await;
/// let Err(TaskError::Panicked(panic)) = refused else { panic!("{refused:?}") };
/// assert_eq!(panic.message, "no: too late");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// Where: file, line and column.
    pub place: String,
    /// What had called what, if `RUST_BACKTRACE` asks for it.
    pub backtrace: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.message, self.place)?;
        match self.backtrace.is_empty() {
            true => Ok(()),
            false => write!(f, "\n{}", self.backtrace),
        }
    }
}

/// Why a task has no result that a worker was to do: what it says in its answer.
///
/// ```
/// # use piecework::{Concurrency, Manager, Pool, tasks::TaskError};
/// # #[piecework::task]
/// # fn divide(a: u64, b: u64) -> u64 {
/// #     a / b
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # piecework::init();
/// # let manager = Manager::local().await?;
/// # let worker = manager.worker("task").concurrency(Concurrency::Threads(1));
/// # let working = tokio::spawn(worker.run_until(std::future::pending::<()>()));
/// let pool = Pool::options().over(&manager, "task").await?;
/// let divided = pool.apply(divide, (1, 0)).await;
/// let Err(TaskError::Elsewhere(failure)) = divided else { panic!("{divided:?}") };
/// assert!(failure.message.contains("divide by zero"), "{failure}");
/// assert!(failure.worker.starts_with(&std::process::id().to_string())); // and its machine
/// # working.abort();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Error)]
#[error("the task failed on worker {worker}: {message}{}{}", at(.place), trace(.backtrace))]
pub struct Failure {
    /// What it panicked with, or how its process died, or what else was in the way.
    pub message: String,
    /// Where it panicked: file, line and column; empty where it did not.
    pub place: String,
    /// What had called what, if `RUST_BACKTRACE` asks for it in the worker.
    pub backtrace: String,
    /// Which worker it was: its process and its machine.
    pub worker: String,
}

/// Why a task has no result.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use piecework::{Pool, tasks::TaskError};
///
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// let error = Pool::local(1).apply(square, (12,)).await.unwrap_err();
/// assert!(matches!(error, TaskError::Unmarked { .. }));
/// assert!(error.to_string().contains("hint: mark the function with #[piecework::task]"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// It panicked.
    #[error("the task panicked: {0}")]
    Panicked(Panic),
    /// The process that ran it died.
    #[error("the process that ran the task died: {}{}", how(*.status), said(.stderr))]
    Died {
        /// Of what: a signal, or an exit code.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// The function is not known by name.
    #[error("{function} is no task; hint: mark the function with #[piecework::task]")]
    Unmarked {
        /// Its path.
        function: &'static str,
    },
    /// Two functions have this name, which happens to functions within functions: nobody could
    /// tell which is meant.
    #[error("two functions are the task {function}; hint: give one of them another name")]
    Doubled {
        /// Their path.
        function: &'static str,
    },
    /// What it takes or gives cannot be said.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// What it takes or gives was misunderstood.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The manager did not take it.
    #[error("the manager does not take the task: {0}")]
    Call(#[from] CallError),
    /// No child process could be started, or talked to.
    #[error("no child process: {0}; hint: does `main` begin with `piecework::init()`?")]
    NoChild(io::Error),
    /// A child process was started, and its initializer failed.
    #[error("the pool's initializer failed: {0}")]
    NotBegun(String),
    /// It gave an error.
    #[error("the task failed: {0}")]
    Failed(String),
    /// It was not done in time.
    #[error("the task took longer than {} s, and was given up", .0.as_secs_f64())]
    TimedOut(Duration),
    /// It failed in a worker elsewhere.
    #[error(transparent)]
    Elsewhere(Failure),
    /// The pool was terminated, or closed before the task was given to it; or the process was
    /// joined before.
    #[error("there is no result: it is {0}")]
    Over(&'static str),
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" at {place}") }
}

fn trace(backtrace: &str) -> String {
    if backtrace.is_empty() { String::new() } else { format!("\n{backtrace}") }
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; it said: {}", stderr.trim_end()) }
}
