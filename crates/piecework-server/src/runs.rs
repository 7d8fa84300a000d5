//! The queues of runs: one of tasks that all runs of a manager share, one of results for each.
//!
//! Each master puts only a few tasks ahead of its workers, so that runs that share a manager take
//! turns: whoever has a task done puts the next one behind those of the others.
//!
//! Nothing of them is kept: a run whose manager is gone has no results queue to come back to, so
//! nobody would want what is made of its tasks.

use piecework_state::{AckMode, QueueOptions};

/// The queue of tasks.
pub const TASKS: &str = "piecework.map";

/// What a queue of results is called.
pub const RESULTS: &str = "piecework.results";

/// How many results wait for their master before the workers wait for it.
const RESULTS_MAX: usize = 64;

/// How many bytes of output, which comes in parts of up to a megabyte while a command runs. A
/// result that ends its task is let in whatever there is.
const RESULTS_BYTES_MAX: u64 = 8 << 20;

/// A task is acked by its result alone, and lost workers do not use it up: a worker that gets it
/// too often says so in its result.
pub fn tasks() -> QueueOptions {
    QueueOptions { ack: AckMode::Explicit, attempts: 0, ..QueueOptions::default() }
}

/// A result is its master's as soon as it is got: they live and die together.
pub fn results() -> QueueOptions {
    let (maxsize, maxbytes) = (RESULTS_MAX, RESULTS_BYTES_MAX);
    QueueOptions { ack: AckMode::None, maxsize, maxbytes, ..QueueOptions::default() }
}
