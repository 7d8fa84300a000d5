//! Reads the input and puts one task for each argument, no further ahead than the window allows.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::message::Piece;
use super::queues::Session;
use super::window::Window;
use crate::input::Input;
use crate::output::Progress;

/// How the input ended.
#[derive(Debug)]
pub(crate) struct Fed {
    /// How many tasks were put.
    pub(crate) tasks: u64,
    /// Whether all of the input was read.
    pub(crate) complete: anyhow::Result<()>,
}

/// Starts to feed, and tells with the receiver how the input ended.
///
/// Reading blocks, so it has a thread of its own. Nobody joins that thread: it may wait for a line
/// that never comes, and ends with the process. It stops by itself when the run takes no more.
pub(crate) fn start(
    input: Input,
    mut tasks: Session,
    window: Arc<Window>,
    progress: Progress,
) -> oneshot::Receiver<Fed> {
    let (ended, wait) = oneshot::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        let mut fed = 0;
        let complete = feed(input, &mut tasks, &window, &runtime, &mut fed);
        progress.total(fed);
        let _ = ended.send(Fed { tasks: fed, complete });
    });
    wait
}

fn feed(
    input: Input,
    tasks: &mut Session,
    window: &Window,
    runtime: &Handle,
    fed: &mut u64,
) -> anyhow::Result<()> {
    for argument in input {
        let piece = Piece { seq: *fed + 1, argument: argument? };
        window.enter();
        if !runtime.block_on(tasks.put(&piece))? {
            break; // the run takes no more
        }
        *fed = piece.seq;
    }
    Ok(())
}
