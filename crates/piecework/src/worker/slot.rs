//! Who does one task at a time: a child process, a thread, or the runtime of the program.

use piecework_wire::{Payload, Value};
use tokio::task::spawn_blocking;

use crate::tasks::{Packed, Seat, TaskError};
use crate::worker::handler::{Done, Handler, Shared};
use crate::worker::thread::Thread;
use crate::worker::work::{Work, marked, value};

/// Does one task at a time.
pub(super) enum Slot<S> {
    /// In the runtime; with what `async` tasks share.
    Task(Option<Shared>),
    /// In a thread of its own.
    Thread(Thread<S>),
    /// In a child process of its own.
    Process(Box<Seat>),
}

impl<S: 'static> Slot<S> {
    /// Has whatever it needs for its first task.
    pub(super) async fn ready(&mut self) -> Result<(), TaskError> {
        match self {
            Self::Task(_) => Ok(()),
            Self::Thread(thread) => thread.ready().await,
            Self::Process(seat) => seat.ready().await,
        }
    }

    /// Does a task with these arguments, a tuple. If this is given up, a child process is killed
    /// and an `async` task is dropped; a thread goes on for nobody, and another takes its place.
    pub(super) async fn run(&mut self, work: Work<S>, arguments: Value) -> Done {
        match (self, work) {
            (Self::Process(seat), Work::Marked(task)) => {
                let arguments = Payload::from_value(&arguments);
                let arguments = Packed::one(arguments.as_bytes());
                let mut told = seat.call(task.name(), &arguments).await?;
                told.next(value).expect("one call has one result")
            }
            (Self::Thread(thread), work) => thread.run(work, arguments).await,
            (Self::Task(_), Work::Closure(Handler::Waiting(run))) => run(arguments).await,
            (Self::Task(Some(state)), Work::Closure(Handler::Sharing(_, run))) => {
                run(state, arguments).await
            }
            (Self::Task(_), Work::Closure(Handler::Plain(run))) => {
                blocking(move || run(arguments)).await
            }
            (Self::Task(_), Work::Marked(task)) => blocking(move || marked(task, &arguments)).await,
            (Self::Task(_) | Self::Process(_), Work::Closure(_)) => {
                unreachable!("closures that cannot run here were refused at the door")
            }
        }
    }

    pub(super) async fn end(self) {
        if let Self::Process(mut seat) = self {
            seat.end().await;
        }
    }
}

async fn blocking(run: impl FnOnce() -> Done + Send + 'static) -> Done {
    spawn_blocking(run).await.unwrap_or(Err(TaskError::Over("gone")))
}
