//! How a pool is made.

use serde::Serialize;

use crate::tasks::{Begin, TaskFn};

/// How a pool is made.
#[derive(Debug, Default)]
pub struct PoolOptions {
    pub(crate) processes: Option<usize>,
    pub(crate) attempts: Option<u32>,
    pub(crate) begin: Begin,
}

impl PoolOptions {
    /// How many children there are: as many as cores, unless this says otherwise.
    #[must_use]
    pub fn processes(mut self, processes: usize) -> Self {
        self.processes = Some(processes);
        self
    }

    /// How often a task is tried whose child dies: five times, unless this says otherwise.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// A child that has run so many tasks ends, and another takes its place.
    #[must_use]
    pub fn tasks_per_child_max(mut self, tasks: u64) -> Self {
        self.begin.tasks_max = Some(tasks.max(1));
        self
    }

    /// Each child runs this task before any other.
    #[must_use]
    pub fn initializer<F, A, M>(mut self, task: F, arguments: &A) -> Self
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        self.begin.with(task, arguments);
        self
    }
}
