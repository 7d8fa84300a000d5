//! How many tasks a worker does at a time, and where.

use std::num::NonZero;
use std::thread::available_parallelism;

use crate::worker::handler::Handler;

/// The most tasks that a worker does at a time, wherever.
pub(super) const TASKS_MAX: usize = 100_000;

/// `async` closures that run at a time, unless a worker says otherwise: they wait for others most
/// of the time.
const TASKS_DEFAULT: usize = 100;

/// How many tasks a worker does at a time, and where.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::Concurrency;
///
/// let worker = manager.worker("task").each(|n: u64| n * n).concurrency(Concurrency::Threads(8));
/// # drop(worker);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Concurrency {
    /// In the runtime of the program: for `async` closures. What is not `async` is run by the
    /// threads that the runtime has for that, and waits for at its own end.
    Tasks(usize),
    /// Each in a thread of its own.
    Threads(usize),
    /// Each in a child process of its own, which may die: only for functions that are marked
    /// `#[piecework::task]`.
    Processes(usize),
}

impl Concurrency {
    /// What fits these closures: processes where there are none, `async` tasks where they all are,
    /// else threads; as many as there are cores, or a hundred `async` tasks.
    pub(super) fn fit<'a, S: 'a>(handlers: impl Iterator<Item = &'a Handler<S>>) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let mut handlers = handlers.peekable();
        if handlers.peek().is_none() {
            return Self::Processes(cores);
        }
        match handlers.all(Handler::is_waiting) {
            true => Self::Tasks(TASKS_DEFAULT),
            false => Self::Threads(cores),
        }
    }

    pub(super) fn count(self) -> usize {
        let (Self::Tasks(count) | Self::Threads(count) | Self::Processes(count)) = self;
        count.max(1)
    }

    pub(super) fn place(self) -> &'static str {
        match self {
            Self::Tasks(_) => "the runtime",
            Self::Threads(_) => "a thread",
            Self::Processes(_) => "a child process",
        }
    }

    /// Why a closure cannot run there, and what to do about it.
    pub(super) fn refuses<S>(self, handler: &Handler<S>) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Tasks(_) if handler.is_for_tasks() => None,
            Self::Threads(_) if handler.is_for_threads() => None,
            Self::Tasks(_) => Some((
                "it has a state of its own, `&mut`, and there is one for all",
                "`Concurrency::Threads` has one for each; an `async` closure shares it as an `Arc`",
            )),
            Self::Threads(_) => Some((
                "it shares its state, an `Arc`, and each thread has its own",
                "`Concurrency::Tasks`, or a closure that takes the state as `&mut`",
            )),
            Self::Processes(_) => Some((
                "a closure cannot be found in another process",
                "make it a function marked #[piecework::task], or choose `Concurrency::Threads` or \
                 `Concurrency::Tasks`",
            )),
        }
    }
}
