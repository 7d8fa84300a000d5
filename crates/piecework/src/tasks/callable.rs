//! What can be a task: plain functions and `async` ones, by the number of their arguments.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The mark of a function that returns its result.
///
/// ```
/// use piecework::tasks::{Plain, TaskFn};
///
/// fn takes_one(_task: impl TaskFn<(u64,), Plain, Output = u64>) {}
/// takes_one(|n: u64| n * n);
/// ```
#[derive(Debug)]
pub struct Plain;

/// The mark of a function whose result is waited for.
///
/// ```
/// use piecework::tasks::{TaskFn, Waiting};
///
/// fn takes_one(_task: impl TaskFn<(u64,), Waiting, Output = u64>) {}
/// takes_one(async |n: u64| n * n);
/// ```
#[derive(Debug)]
pub struct Waiting;

/// A function of these arguments, a tuple, that can be a task. `Mark` tells plain and `async` ones
/// apart, and is never named.
///
/// ```
/// use piecework::Pool;
/// use piecework::tasks::{TaskError, TaskFn};
///
/// async fn twice<F, M>(pool: &Pool, task: F, n: u64) -> Result<u64, TaskError>
/// where
///     F: TaskFn<(u64,), M, Output = u64>,
/// {
///     let once = pool.apply(task, (n,)).await?;
///     pool.apply(task, (once,)).await
/// }
///
/// # #[piecework::task]
/// # fn square(n: u64) -> u64 {
/// #     n * n
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # piecework::init();
/// assert_eq!(twice(&Pool::local(1), square, 3).await?, 81);
/// # Ok(())
/// # }
/// ```
pub trait TaskFn<Arguments, Mark>: Copy {
    /// What it comes to.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

macro_rules! task_fns {
    ($(($($argument:ident),*))*) => {
        $(
            impl<Function, Output, $($argument),*> TaskFn<($($argument,)*), Plain> for Function
            where
                Function: Copy + Fn($($argument),*) -> Output,
                Output: Serialize + DeserializeOwned + Send + 'static,
            {
                type Output = Output;
            }

            impl<Function, Awaited, $($argument),*> TaskFn<($($argument,)*), Waiting> for Function
            where
                Function: Copy + Fn($($argument),*) -> Awaited,
                Awaited: Future,
                Awaited::Output: Serialize + DeserializeOwned + Send + 'static,
            {
                type Output = Awaited::Output;
            }
        )*
    };
}

task_fns!(()(A)(A, B)(A, B, C)(A, B, C, D)(A, B, C, D, E)(A, B, C, D, E, F));
