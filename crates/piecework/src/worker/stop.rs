//! How far the stop of a worker has gone.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Stage {
    /// Tasks are taken.
    Working,
    /// No more are taken; what runs is waited for.
    Draining,
    /// What runs is ended, and its tasks are given back.
    Killing,
}

/// Stops a worker, from wherever: [`Worker::stopper`](crate::Worker::stopper) gives one. Cheap to
/// clone.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let worker = manager.worker("task").each(|n: u64| n * n);
/// let stopper = worker.stopper(); // one for whatever else is to stop it
/// let working = tokio::spawn(worker.run());
/// stopper.clone().stop();
/// working.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Stopper {
    stage: watch::Sender<Stage>,
}

impl Stopper {
    pub(super) fn new() -> Self {
        Self { stage: watch::Sender::new(Stage::Working) }
    }

    /// The first time, the worker takes no more tasks and ends when those are done that it is at.
    /// The second time these are ended: child processes are killed, `async` tasks dropped, threads
    /// left alone; their tasks are given back, and the attempt does not count.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let worker = manager.worker("task").each(async |_: u64| std::future::pending::<()>().await);
    /// let stopper = worker.stopper();
    /// let working = tokio::spawn(worker.run());
    /// stopper.stop(); // what it is at would be waited for
    /// stopper.stop(); // not any more
    /// working.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) {
        self.stage.send_modify(|stage| {
            *stage = match stage {
                Stage::Working => Stage::Draining,
                Stage::Draining | Stage::Killing => Stage::Killing,
            };
        });
    }

    /// No more is taken, whoever else has said so.
    pub(super) fn drain(&self) {
        self.stage.send_modify(|stage| *stage = Stage::Draining.max(*stage));
    }

    pub(super) async fn reached(&self, stage: Stage) {
        let mut watched = self.stage.subscribe();
        // The sender lives as long as this.
        let _ = watched.wait_for(|reached| *reached >= stage).await;
    }

    /// Stops at each Ctrl-C and SIGTERM.
    pub(super) async fn on_signals(&self) -> io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            self.stop();
        }
    }
}
