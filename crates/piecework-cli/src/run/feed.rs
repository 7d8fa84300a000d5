//! Reads the input and puts one task for each argument, no further ahead than the window allows.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::link::{READY_TASKS_MAX, Task};
use super::window::Window;
use crate::input::Input;
use crate::output::Progress;

/// How many places in the queue of tasks are waited for at a time: the reader wakes up once for so
/// many tasks instead of once for each, while the other half of the queue is worked on.
const PLACES: usize = READY_TASKS_MAX / 2;

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
    let runtime = Handle::current();
    thread::spawn(move || {
        let fed = feed(input, &tasks, &window, &progress, &runtime);
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
    runtime: &Handle,
) -> anyhow::Result<()> {
    let mut fed = 0;
    let mut places = None;
    for argument in input {
        let argument = argument?;
        window.enter();
        let place = match places.as_mut().and_then(Iterator::next) {
            Some(place) => place,
            None => {
                let Ok(mut more) = runtime.block_on(tasks.reserve_many(PLACES)) else {
                    return Ok(()); // the run takes no more
                };
                let place = more.next().expect("as many places as were asked for");
                places = Some(more);
                place
            }
        };
        fed += 1;
        place.send(Task { seq: fed, id: fed, attempt: 1, argument });
    }
    progress.total(fed);
    Ok(())
}
