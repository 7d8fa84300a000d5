//! The seam between the slots and where their tasks come from.

use std::sync::Arc;
use std::time::SystemTime;

use piecework::command::Output;

use tokio::time::Instant;

use super::files::Copied;
use super::piece::Piece;
use super::recipe::Recipe;
use super::stop::Stop;

/// One piece of work, as a slot sees it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// What its manager calls it.
    pub(crate) id: u64,
    /// Which attempt this is, from 1, of whoever.
    pub(crate) attempt: u32,
    /// What the command is to work on; `seq` counts in the order of the input, or in the order in
    /// which tasks came to this worker.
    pub(crate) piece: Piece,
    /// How to do it.
    pub(crate) recipe: Arc<Recipe>,
    /// The files that came with it, if this is another machine than its master's.
    pub(crate) files: Option<Vec<Copied>>,
}

/// What became of a task.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The command ended by itself, or because its time was up.
    Ended(Output),
    /// The command could not be run, or not to its end.
    Failed(String),
    /// The command was ended, because this process stops.
    Stopped,
}

/// How a task was run.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// In which slot, from 1.
    pub(crate) slot: usize,
    /// When it began, in seconds since 1970.
    pub(crate) started: f64,
    /// The same moment on the clock that never jumps.
    pub(crate) began: Instant,
    /// Bytes of standard output that were handed on before it ended.
    pub(crate) handed_on: u64,
    /// Files that go back to the master.
    pub(crate) files: Vec<Copied>,
}

impl Ran {
    /// It begins now.
    pub(crate) fn begin(slot: usize) -> Self {
        let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
        Self { slot, started, began: Instant::now(), handed_on: 0, files: Vec::new() }
    }
}

/// Where a slot gets its tasks and brings what became of them. A slot holds one task at a time.
pub(crate) trait Link: Send {
    /// Waits for the next task; `None` when there will be no more, ever, or once a stop begins.
    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Task>>;

    /// The command of the task that was taken last is about to run. False if nobody wants its
    /// result any more; then it is settled.
    async fn started(&mut self, task: &Task) -> anyhow::Result<bool>;

    /// Hands on some output of it, and waits while there is too much of that; not once commands
    /// are ended, where that can be helped. False if nobody took it.
    async fn hand_on(
        &mut self,
        task: &Task,
        is_stderr: bool,
        bytes: Vec<u8>,
        stop: &Stop,
    ) -> anyhow::Result<bool>;

    /// Whether anybody still waits for its result.
    async fn is_wanted(&mut self, task: &Task) -> bool;

    /// Settles it.
    async fn settle(&mut self, task: Task, outcome: Outcome, ran: Ran) -> anyhow::Result<()>;

    /// Ends the link in an orderly way.
    async fn close(self) -> ();
}
