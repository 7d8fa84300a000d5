//! The seam between the slots and where tasks come from, and the queues within one `map`.

use std::future::Future;
use std::sync::Arc;

use piecework::command::{CommandError, Output};
use tokio::sync::{Mutex, mpsc};

/// How many tasks wait for a slot: enough that no slot ever waits for the reader of the input,
/// few enough that input is read no further than it is worked on.
pub(crate) const READY_TASKS_MAX: usize = 64;

/// How many results wait to be collected. When standard output stalls, the slots stall behind it
/// instead of filling the memory.
const READY_RESULTS_MAX: usize = 64;

/// One piece of work.
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
    /// Waits for the next task; `None` when there will be no more, ever. May be dropped while it
    /// waits, and then has taken nothing.
    fn take(&mut self) -> impl Future<Output = anyhow::Result<Option<Task>>> + Send;

    /// Settles the task that was taken last.
    fn settle(
        &mut self,
        task: Task,
        outcome: Outcome,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Ends the link in an orderly way.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Makes the queues of one `map`: where the feed puts tasks, the link that each slot clones, and
/// where the results come out.
pub(crate) fn local() -> (mpsc::Sender<Task>, LocalLink, mpsc::Receiver<(Task, Outcome)>) {
    let (put, tasks) = mpsc::channel(READY_TASKS_MAX);
    let (results, collect) = mpsc::channel(READY_RESULTS_MAX);
    (put, LocalLink { tasks: Arc::new(Mutex::new(tasks)), results }, collect)
}

/// The link to the queues within this process.
#[derive(Clone, Debug)]
pub(crate) struct LocalLink {
    tasks: Arc<Mutex<mpsc::Receiver<Task>>>,
    results: mpsc::Sender<(Task, Outcome)>,
}

impl Link for LocalLink {
    async fn take(&mut self) -> anyhow::Result<Option<Task>> {
        Ok(self.tasks.lock().await.recv().await)
    }

    async fn settle(&mut self, task: Task, outcome: Outcome) -> anyhow::Result<()> {
        // The collector ends early only when nobody reads the results any more.
        let _ = self.results.send((task, outcome)).await;
        Ok(())
    }

    async fn close(self) {}
}
