//! Closures that do tasks, in one shape whatever they are of: plain or `async`, with the state of
//! their worker or without, giving a result or perhaps an error.

use std::any::Any;
use std::fmt::{self, Display};
use std::pin::Pin;
use std::sync::Arc;

use piecework_wire::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::item::{from_value, to_value};
use crate::tasks::panics::{caught, caught_waiting};
use crate::tasks::{Plain, TaskError, Waiting};

/// What a task comes to in this worker.
pub(super) type Done = Result<Value, TaskError>;

type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

type RunPlain = dyn Fn(Value) -> Done + Send + Sync;
type RunWithState<S> = dyn Fn(&mut S, Value) -> Done + Send + Sync;
type RunWaiting = dyn Fn(Value) -> Doing + Send + Sync;
type RunSharing = dyn Fn(&Shared, Value) -> Doing + Send + Sync;

/// A state that `async` tasks share.
pub(super) type Shared = Arc<dyn Any + Send + Sync>;

/// What does a task, given a tuple of arguments.
pub(super) enum Handler<S> {
    /// Takes its thread until it is done.
    Plain(Arc<RunPlain>),
    /// The same, with the state of its thread.
    WithState(Arc<RunWithState<S>>),
    /// Waits.
    Waiting(Arc<RunWaiting>),
    /// The same, with the state that all share; and what makes that one that can be shared.
    Sharing(fn(S) -> Shared, Arc<RunSharing>),
}

/// The mark of a closure with the state of its thread, `&mut S`.
#[doc(hidden)]
#[derive(Debug)]
pub struct WithState;

/// The mark of an `async` closure with the state that all share, `Arc<S>`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Sharing;

/// The mark of a closure that gives a result.
#[doc(hidden)]
#[derive(Debug)]
pub struct Gives;

/// The mark of a closure that gives a result or an error.
#[doc(hidden)]
#[derive(Debug)]
pub struct Tries;

/// A closure of these arguments, a tuple, that can do tasks: what [`Worker::task`] takes and the
/// others like it. `Mark` tells the kinds apart, and is never named.
///
/// [`Worker::task`]: crate::Worker::task
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// // It takes an item, or a state and an item; and gives a value, or a future.
/// let worker = || manager.worker("task");
/// worker().each(|n: u64| n * n);
/// worker().each(async |n: u64| n * n);
/// worker().state(Vec::new).each(|seen: &mut Vec<u64>, n: u64| seen.push(n));
/// # Ok(())
/// # }
/// ```
pub trait Handle<S, Arguments, Mark> {
    #[doc(hidden)]
    fn handler(self) -> Box<dyn Any>;
}

/// The handler that a closure is.
pub(super) fn handler<S: 'static, A, M>(closure: impl Handle<S, A, M>) -> Handler<S> {
    *closure.handler().downcast().expect("each closure makes a handler")
}

fn gives<R: Serialize>(result: R) -> Done {
    Ok(to_value(&result)?)
}

fn tries<R: Serialize, E: Display>(result: Result<R, E>) -> Done {
    gives(result.map_err(|error| TaskError::Failed(error.to_string()))?)
}

fn read<A: DeserializeOwned>(arguments: Value) -> Result<A, TaskError> {
    Ok(from_value(arguments)?)
}

macro_rules! handle {
    (
        $kind:ident, $end:ident, <$($part:ident: $bound:ident),*>, $output:ty,
        ($($argument:ident),*)
    ) => {
        #[allow(non_snake_case, unused_parens, reason = "a tuple of whatever length")]
        const _: () = {
            impl<Function, S, $($part,)* $($argument),*> Handle<S, ($($argument,)*), (Plain, $kind)>
                for Function
            where
                S: 'static,
                Function: Fn($($argument),*) -> $output + Send + Sync + 'static,
                $($part: $bound,)*
                $($argument: DeserializeOwned,)*
            {
                fn handler(self) -> Box<dyn Any> {
                    Box::new(Handler::<S>::Plain(Arc::new(move |arguments| {
                        let ($($argument,)*) = read(arguments)?;
                        let done = caught(|| $end(self($($argument),*)));
                        done.map_err(TaskError::Panicked)?
                    })))
                }
            }

            impl<Function, S, $($part,)* $($argument),*>
                Handle<S, ($($argument,)*), (WithState, $kind)> for Function
            where
                S: 'static,
                Function: Fn(&mut S, $($argument),*) -> $output + Send + Sync + 'static,
                $($part: $bound,)*
                $($argument: DeserializeOwned,)*
            {
                fn handler(self) -> Box<dyn Any> {
                    Box::new(Handler::<S>::WithState(Arc::new(move |state, arguments| {
                        let ($($argument,)*) = read(arguments)?;
                        let done = caught(|| $end(self(state, $($argument),*)));
                        done.map_err(TaskError::Panicked)?
                    })))
                }
            }

            impl<Function, S, Awaited, $($part,)* $($argument),*>
                Handle<S, ($($argument,)*), (Waiting, $kind)> for Function
            where
                S: 'static,
                Function: Fn($($argument),*) -> Awaited + Send + Sync + 'static,
                Awaited: Future<Output = $output> + Send + 'static,
                $($part: $bound,)*
                $($argument: DeserializeOwned,)*
            {
                fn handler(self) -> Box<dyn Any> {
                    Box::new(Handler::<S>::Waiting(Arc::new(move |arguments| {
                        let begun = read(arguments).and_then(|($($argument,)*)| {
                            caught(|| self($($argument),*)).map_err(TaskError::Panicked)
                        });
                        Box::pin(async move {
                            let done = caught_waiting(begun?).await;
                            $end(done.map_err(TaskError::Panicked)?)
                        })
                    })))
                }
            }

            impl<Function, S, Awaited, $($part,)* $($argument),*>
                Handle<S, ($($argument,)*), (Sharing, $kind)> for Function
            where
                S: Send + Sync + 'static,
                Function: Fn(Arc<S>, $($argument),*) -> Awaited + Send + Sync + 'static,
                Awaited: Future<Output = $output> + Send + 'static,
                $($part: $bound,)*
                $($argument: DeserializeOwned,)*
            {
                fn handler(self) -> Box<dyn Any> {
                    let run = move |state: &Shared, arguments| -> Doing {
                        let state = Arc::clone(state).downcast::<S>();
                        let state = state.expect("it was made for this worker");
                        let begun = read(arguments).and_then(|($($argument,)*)| {
                            caught(|| self(state, $($argument),*)).map_err(TaskError::Panicked)
                        });
                        Box::pin(async move {
                            let done = caught_waiting(begun?).await;
                            $end(done.map_err(TaskError::Panicked)?)
                        })
                    };
                    Box::new(Handler::<S>::Sharing(|state| Arc::new(state), Arc::new(run)))
                }
            }
        };
    };
}

macro_rules! handles {
    ($($arguments:tt)*) => {
        $(
            handle!(Gives, gives, <R: Serialize>, R, $arguments);
            handle!(Tries, tries, <R: Serialize, E: Display>, Result<R, E>, $arguments);
        )*
    };
}

handles!(()(A)(A, B)(A, B, C)(A, B, C, D)(A, B, C, D, F)(A, B, C, D, F, G));

impl<S> Handler<S> {
    /// What a thread has to do that it can do: with its own state, and `async` ones waited for.
    pub(super) fn is_for_threads(&self) -> bool {
        !matches!(self, Self::Sharing(..))
    }

    /// What can be done beside others, in any thread.
    pub(super) fn is_for_tasks(&self) -> bool {
        !matches!(self, Self::WithState(_))
    }

    /// Whether it only waits.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Sharing(..))
    }
}

impl Handler<()> {
    /// The same for a worker that has a state.
    pub(super) fn beside<S>(self) -> Handler<S> {
        match self {
            Self::Plain(run) => Handler::Plain(run),
            Self::Waiting(run) => Handler::Waiting(run),
            Self::WithState(run) => {
                Handler::Plain(Arc::new(move |arguments| run(&mut (), arguments)))
            }
            Self::Sharing(share, run) => {
                Handler::Waiting(Arc::new(move |arguments| run(&share(()), arguments)))
            }
        }
    }
}

impl<S> Clone for Handler<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Plain(run) => Self::Plain(Arc::clone(run)),
            Self::WithState(run) => Self::WithState(Arc::clone(run)),
            Self::Waiting(run) => Self::Waiting(Arc::clone(run)),
            Self::Sharing(share, run) => Self::Sharing(*share, Arc::clone(run)),
        }
    }
}

impl<S> fmt::Debug for Handler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::WithState(_) => "WithState",
            Self::Waiting(_) => "Waiting",
            Self::Sharing(..) => "Sharing",
        })
    }
}
