//! Functions that other processes of the same program run: found by name, given their arguments as
//! plain data.
//!
//! A program that uses [`Pool`](crate::Pool), [`Process`](crate::Process) or a
//! [`Worker`](crate::Worker) of processes calls [`init`] first in its `main`: a child process is
//! the same program, which serves its parent there and goes no further.

mod callable;
mod child;
mod failure;
pub(crate) mod panics;
mod seat;
mod serve;

pub use callable::{Plain, TaskFn, Waiting};
pub(crate) use child::Child;
pub use failure::{Failure, Panic, TaskError};
#[doc(hidden)]
pub use inventory::submit;
pub(crate) use seat::{Begin, Seat};
pub use serve::init;

use std::any::type_name;

use piecework_wire::Payload;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::runtime::{Builder, Runtime};

use crate::error::Error;
use crate::item::{from_payload, to_payload};

/// A function that was marked with [`task`](crate::task).
#[derive(Debug)]
pub struct Task {
    name: fn() -> &'static str,
    run: fn(&Payload) -> Result<Payload, Error>,
}

inventory::collect!(Task);

impl Task {
    #[doc(hidden)]
    pub const fn new(
        name: fn() -> &'static str,
        run: fn(&Payload) -> Result<Payload, Error>,
    ) -> Self {
        Self { name, run }
    }

    /// The path of the function.
    pub fn name(&self) -> &'static str {
        (self.name)()
    }

    /// The task of that name, if this program has one.
    pub fn find(name: &str) -> Option<&'static Self> {
        inventory::iter::<Self>().find(|task| task.name() == name)
    }

    /// Runs it here, with a tuple of arguments; gives a result as a child says it.
    pub(crate) fn run_caught(&self, arguments: &Payload) -> Result<Payload, TaskError> {
        let ran = panics::caught(|| (self.run)(arguments)).map_err(TaskError::Panicked)?;
        Ok(ran.map_err(Box::new)?)
    }

    /// Whether there is any.
    pub(crate) fn any() -> bool {
        inventory::iter::<Self>().next().is_some()
    }
}

/// The name of the task that this function is.
pub(crate) fn name_of<F: Copy>(_function: F) -> Result<&'static str, TaskError> {
    let name = type_name::<F>();
    match Task::find(name) {
        Some(_) => Ok(name),
        None => Err(TaskError::Unmarked { function: name }),
    }
}

#[doc(hidden)]
pub fn read<Arguments: DeserializeOwned>(arguments: &Payload) -> Result<Arguments, Error> {
    from_payload(arguments)
}

#[doc(hidden)]
pub fn answer<R: Serialize>(result: &R) -> Result<Payload, Error> {
    to_payload(&Ok::<&R, Panic>(result))
}

/// What a task came to, in its child's words.
pub(crate) fn result<R: DeserializeOwned>(told: &Payload) -> Result<R, TaskError> {
    let result: Result<R, Panic> = from_payload(told).map_err(Box::new)?;
    result.map_err(TaskError::Panicked)
}

/// What a task panicked with, of which nothing else is wanted.
pub(crate) fn panicked(result: &Payload) -> Result<(), TaskError> {
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
