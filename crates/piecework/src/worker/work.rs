//! What does a task, and how it does it in a thread.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use piecework_wire::{Payload, Value};

use crate::item::{from_value, payload, plain};
use crate::tasks::{Panic, Task, TaskError, block_on};
use crate::worker::handler::{Done, Handler};

/// Makes a state; gives what becomes of it if that fails or panics.
pub(super) type Make<S> = Arc<dyn Fn() -> Result<S, String> + Send + Sync>;

/// What does a task.
pub(super) enum Work<S> {
    /// A closure.
    Closure(Handler<S>),
    /// A function that was marked.
    Marked(&'static Task),
}

impl<S> Clone for Work<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Closure(handler) => Self::Closure(handler.clone()),
            Self::Marked(task) => Self::Marked(task),
        }
    }
}

/// Does a task in this thread.
pub(super) fn here<S>(state: &mut S, work: &Work<S>, arguments: Value) -> Done {
    match work {
        Work::Marked(task) => marked(task, &arguments),
        Work::Closure(Handler::Plain(run)) => run(arguments),
        Work::Closure(Handler::WithState(run)) => run(state, arguments),
        Work::Closure(Handler::Waiting(run)) => block_on(run(arguments)),
        Work::Closure(Handler::Sharing(..)) => unreachable!("it was refused at the door"),
    }
}

/// Has a marked function run in this thread.
pub(super) fn marked(task: &'static Task, arguments: &Value) -> Done {
    let mut told = BytesMut::new();
    task.run_caught(Payload::from_value(arguments).as_bytes(), &mut told)?;
    value(&told)
}

/// The result that a marked function has, or what it panicked with.
pub(super) fn value(told: &[u8]) -> Done {
    let odd = || TaskError::Failed("its process gave an answer that makes no sense".to_owned());
    let told = payload(Bytes::copy_from_slice(told));
    let Value::Dict(mut entries) = plain(&told).map_err(|_| odd())? else { return Err(odd()) };
    match entries.pop() {
        Some((Value::Str(how), value)) if how == "Ok" => Ok(value),
        Some((Value::Str(_), panic)) => {
            let panic: Panic = from_value(panic).map_err(|_| odd())?;
            Err(TaskError::Panicked(panic))
        }
        _ => Err(odd()),
    }
}
