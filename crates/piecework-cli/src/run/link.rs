//! The seam between the slots and where their tasks come from.

use std::future::Future;

use piecework::command::{CommandError, Output};

use super::stop::Stop;

/// One piece of work, as a slot sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Its number, from 1: in the order of the input, or in the order it came to this worker.
    pub(crate) seq: u64,
    /// What its manager calls it.
    pub(crate) id: u64,
    /// Which try this is, from 1.
    pub(crate) attempt: u32,
    /// What the command is to work on.
    pub(crate) argument: Vec<u8>,
}

/// What became of a task.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The command ended by itself.
    Ended(Output),
    /// The command could not be run, or not to its end.
    Failed(CommandError),
    /// The command was ended, because this process stops.
    Stopped,
}

/// Where a slot gets its tasks and brings what became of them. A slot holds one task at a time.
pub(crate) trait Link: Send {
    /// Waits for the next task; `None` when there will be no more, ever, or once a stop begins.
    fn take(&mut self, stop: &Stop) -> impl Future<Output = anyhow::Result<Option<Task>>> + Send;

    /// Settles the task that was taken last.
    fn settle(
        &mut self,
        task: Task,
        outcome: Outcome,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Ends the link in an orderly way.
    fn close(self) -> impl Future<Output = ()> + Send;
}
