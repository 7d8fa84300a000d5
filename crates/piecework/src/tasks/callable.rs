//! What can be a task: plain functions and `async` ones, by the number of their arguments.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The mark of a function that returns its result.
#[derive(Debug)]
pub struct Plain;

/// The mark of a function whose result is waited for.
#[derive(Debug)]
pub struct Waiting;

/// A function of these arguments, a tuple, that can be a task. `Mark` tells plain and `async` ones
/// apart, and is never named.
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
