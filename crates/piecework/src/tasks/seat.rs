//! A place for one child after the other: which is started when there is something to do, and
//! replaced when it has died or has run what one may run.

use std::sync::Arc;

use serde::Serialize;

use crate::tasks::{Child, Packed, TaskError, TaskFn, name_of, packed, panicked};

/// How children are begun with, and how long they are kept.
#[derive(Debug, Default)]
pub(crate) struct Begin {
    /// What each runs before anything else, and with which arguments.
    pub(crate) initializer: Option<Result<(&'static str, Packed), TaskError>>,
    /// How many tasks one runs at most.
    pub(crate) tasks_max: Option<u64>,
}

impl Begin {
    /// Has each child run this task first.
    pub(crate) fn with<F, A, M>(&mut self, task: F, arguments: &A)
    where
        F: TaskFn<A, M>,
        A: Serialize,
    {
        let prepare = || Ok((name_of(task)?, packed([arguments])?));
        self.initializer = Some(prepare());
    }
}

/// A place for one child after the other.
#[derive(Debug)]
pub(crate) struct Seat {
    begin: Arc<Begin>,
    child: Option<Child>,
    /// How many tasks it has run.
    tasks: u64,
}

impl Seat {
    pub(crate) fn new(begin: Arc<Begin>) -> Self {
        Self { begin, child: None, tasks: 0 }
    }

    /// How many tasks its child may still run.
    pub(crate) fn room(&self) -> usize {
        let max = self.begin.tasks_max.unwrap_or(u64::MAX);
        usize::try_from(max.saturating_sub(self.tasks)).unwrap_or(usize::MAX)
    }

    /// Has a child, and starts one if there is none that lives.
    pub(crate) async fn ready(&mut self) -> Result<(), TaskError> {
        // One that died since is nobody's fault here.
        if self.child.as_mut().is_some_and(|child| !child.is_alive()) {
            self.child = None;
        }
        if self.child.is_none() {
            self.child = Some(self.start().await?);
            self.tasks = 0;
        }
        Ok(())
    }

    /// Has the child run a task once for each tuple of arguments. If this is given up, or fails,
    /// the child is killed: nobody knows what it is at.
    pub(crate) async fn call(
        &mut self,
        task: &str,
        arguments: &Packed,
    ) -> Result<Packed, TaskError> {
        self.ready().await?;
        let mut child = self.child.take().expect("it was made ready");
        let called = child.call(task, arguments).await;
        self.tasks += arguments.len() as u64;
        match called {
            Ok(results) => {
                self.child = Some(child);
                if self.room() == 0 {
                    self.end().await;
                }
                Ok(results)
            }
            Err(error) => {
                self.tasks = 0;
                child.end().await;
                Err(error)
            }
        }
    }

    /// Has the child end.
    pub(crate) async fn end(&mut self) {
        self.tasks = 0;
        if let Some(child) = self.child.take() {
            child.end().await;
        }
    }

    async fn start(&self) -> Result<Child, TaskError> {
        let mut child = Child::start()?;
        match &self.begin.initializer {
            None => {}
            Some(Err(error)) => return Err(TaskError::NotBegun(error.to_string())),
            Some(Ok((task, arguments))) => {
                let begun = child.call(task, arguments).await;
                let begun = begun.and_then(|results| results.iter().try_for_each(panicked));
                begun.map_err(|error| TaskError::NotBegun(error.to_string()))?;
            }
        }
        Ok(child)
    }
}
