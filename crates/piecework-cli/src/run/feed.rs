//! Reads the input and puts one task for each argument, no further ahead than the window allows.

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::link::Task;
use super::progress::Progress;
use super::window::Window;
use crate::input::Input;

/// Starts to feed, and tells with the receiver how it ended.
///
/// Reading blocks, so it has a thread of its own. Nobody joins that thread: it may wait for a line
/// that never comes, and ends with the process. It stops by itself when the run takes no more.
pub(crate) fn start(
    input: Input,
    tasks: mpsc::Sender<Task>,
    window: Arc<Window>,
    progress: Progress,
) -> oneshot::Receiver<anyhow::Result<()>> {
    let (ended, wait) = oneshot::channel();
    thread::spawn(move || {
        let fed = feed(input, &tasks, &window, &progress);
        // The end must be known before the queue closes, and the slots with it.
        let _ = ended.send(fed);
        drop(tasks);
    });
    wait
}

fn feed(
    input: Input,
    tasks: &mpsc::Sender<Task>,
    window: &Window,
    progress: &Progress,
) -> anyhow::Result<()> {
    let mut fed = 0;
    for argument in input {
        let argument = argument?;
        window.enter();
        let seq = fed + 1;
        if tasks.blocking_send(Task { seq, id: seq, attempt: 1, argument }).is_err() {
            return Ok(());
        }
        fed = seq;
    }
    progress.total(fed);
    Ok(())
}
