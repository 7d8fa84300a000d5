//! Who does the tasks of a worker: as many slots as it does tasks at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::tasks::{Begin, Seat};
use crate::worker::concurrency::Concurrency;
use crate::worker::error::WorkerError;
use crate::worker::handler::{Handler, Shared};
use crate::worker::plan::Plan;
use crate::worker::slot::Slot;
use crate::worker::thread::{STRAYS_MAX, Thread};

/// Whoever does one task at a time, as many as there are to be, with whatever they need.
pub(super) async fn employ<S: 'static>(
    plan: &Plan<S>,
    concurrency: Concurrency,
    begin: Begin,
) -> Result<Vec<Slot<S>>, WorkerError> {
    let mut slots = slots(plan, concurrency, begin)?;
    for slot in &mut slots {
        slot.ready().await?;
    }
    Ok(slots)
}

fn slots<S: 'static>(
    plan: &Plan<S>,
    concurrency: Concurrency,
    begin: Begin,
) -> Result<Vec<Slot<S>>, WorkerError> {
    let count = concurrency.count();
    let make = &plan.make;
    Ok(match concurrency {
        Concurrency::Tasks(_) => {
            let shared = share(plan.handlers().map(|(_, handler)| handler), || make());
            let shared = shared.map_err(WorkerError::State)?;
            (0..count).map(|_| Slot::Task(shared.clone())).collect()
        }
        Concurrency::Threads(_) => {
            let room = Arc::new(Semaphore::new(count + STRAYS_MAX));
            let thread = |_| Slot::Thread(Thread::new(Arc::clone(make), Arc::clone(&room)));
            (0..count).map(thread).collect()
        }
        Concurrency::Processes(_) => {
            let begin = Arc::new(begin);
            let seat = |_| Slot::Process(Box::new(Seat::new(Arc::clone(&begin))));
            (0..count).map(seat).collect()
        }
    })
}

/// What `async` tasks share, if one of these needs it.
fn share<'a, S: 'a>(
    mut handlers: impl Iterator<Item = &'a Handler<S>>,
    make: impl FnOnce() -> Result<S, String>,
) -> Result<Option<Shared>, String> {
    let share = handlers.find_map(|handler| match handler {
        Handler::Sharing(share, _) => Some(*share),
        _ => None,
    });
    share.map(|share| make().map(share)).transpose()
}
