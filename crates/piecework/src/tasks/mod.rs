//! Functions that other processes of the same program run: found by name, given their arguments as
//! plain data.
//!
//! A program that uses [`Pool`](crate::Pool), [`Process`](crate::Process) or a
//! [`Worker`](crate::Worker) of processes calls [`init`] first in its `main`: a child process is
//! the same program, which serves its parent there and goes no further.

mod callable;
mod child;
mod failure;
pub(crate) mod luggage;
mod message;
pub(crate) mod panics;
mod seat;
mod serve;

pub use callable::{Plain, TaskFn, Waiting};
pub(crate) use child::Child;
pub use failure::{Failure, Panic, TaskError};
#[doc(hidden)]
pub use inventory::submit;
pub(crate) use message::{Packed, Packing};
pub(crate) use seat::{Begin, Seat};
pub use serve::init;

use std::any::type_name;
use std::collections::HashSet;

use bytes::BytesMut;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::runtime::{Builder, Runtime};

use crate::error::Mismatch;
use crate::item::{append, from_bytes};

/// A function that was marked with [`task`](crate::task).
///
/// ```
/// use piecework::tasks::Task;
///
/// #[piecework::task]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # fn main() {
/// let task = Task::find(std::any::type_name_of_val(&square));
/// assert!(task.is_some_and(|task| task.name().ends_with("::square")));
/// # }
/// ```
#[derive(Debug)]
pub struct Task {
    name: fn() -> &'static str,
    run: Run,
}

/// Runs a task with a tuple of arguments, and appends its result.
type Run = fn(&[u8], &mut BytesMut) -> Result<(), TaskError>;

inventory::collect!(Task);

impl Task {
    #[doc(hidden)]
    pub const fn new(name: fn() -> &'static str, run: Run) -> Self {
        Self { name, run }
    }

    /// The path of the function.
    ///
    /// ```
    /// use piecework::{command, tasks::Task};
    ///
    /// let task = Task::find("piecework::command::run").expect("it is the library's own");
    /// assert_eq!(task.name(), std::any::type_name_of_val(&command::run));
    /// ```
    pub fn name(&self) -> &'static str {
        (self.name)()
    }

    /// The task of that name, if this program has one.
    ///
    /// ```
    /// use piecework::tasks::Task;
    ///
    /// assert!(Task::find("piecework::command::run").is_some());
    /// assert!(Task::find("no::such::function").is_none());
    /// ```
    pub fn find(name: &str) -> Option<&'static Self> {
        inventory::iter::<Self>().find(|task| task.name() == name)
    }

    /// Checks that each task can be told from the others by its name.
    pub(crate) fn check() -> Result<(), TaskError> {
        let mut names = HashSet::new();
        match inventory::iter::<Self>().find(|task| !names.insert(task.name())) {
            Some(task) => Err(TaskError::Doubled { function: task.name() }),
            None => Ok(()),
        }
    }

    /// Runs it here, with a tuple of arguments, and appends its result as a child says it; nothing,
    /// if it has none.
    pub(crate) fn run_caught(&self, arguments: &[u8], out: &mut BytesMut) -> Result<(), TaskError> {
        let before = out.len();
        let ran = panics::caught(|| (self.run)(arguments, out)).map_err(TaskError::Panicked);
        let ran = ran.flatten();
        if ran.is_err() {
            out.truncate(before);
        }
        ran
    }

    /// Whether there is any.
    pub(crate) fn any() -> bool {
        inventory::iter::<Self>().next().is_some()
    }
}

/// The name of the task that this function is.
pub(crate) fn name_of<F: Copy>(_function: F) -> Result<&'static str, TaskError> {
    let name = type_name::<F>();
    let mut named = inventory::iter::<Task>().filter(|task| task.name() == name);
    match (named.next(), named.next()) {
        (Some(_), None) => Ok(name),
        (Some(_), Some(_)) => Err(TaskError::Doubled { function: name }),
        (None, _) => Err(TaskError::Unmarked { function: name }),
    }
}

/// Tuples of arguments, for a child.
pub(crate) fn packed<A: Serialize>(
    tuples: impl IntoIterator<Item = A>,
) -> Result<Packed, TaskError> {
    let mut packing = Packing::default();
    for tuple in tuples {
        packing.add(|out| append(&tuple, out))?;
    }
    Ok(packing.done())
}

#[doc(hidden)]
pub fn read<Arguments: DeserializeOwned>(arguments: &[u8]) -> Result<Arguments, Mismatch> {
    let read = from_bytes(arguments);
    luggage::put_away();
    read
}

#[doc(hidden)]
pub fn answer<R: Serialize>(result: &R, out: &mut BytesMut) -> Result<(), TaskError> {
    Ok(append(&Ok::<&R, Panic>(result), out)?)
}

/// What a task came to, in its child's words.
pub(crate) fn result<R: DeserializeOwned>(told: &[u8]) -> Result<R, TaskError> {
    let result: Result<R, Panic> = from_bytes(told)?;
    result.map_err(TaskError::Panicked)
}

/// What a task panicked with, of which nothing else is wanted.
pub(crate) fn panicked(result: &[u8]) -> Result<(), TaskError> {
    self::result::<IgnoredAny>(result).map(drop)
}

/// Runs an `async` task to its end.
#[doc(hidden)]
pub fn block_on<F: Future>(task: F) -> F::Output {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a child process can have a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(task))
}
