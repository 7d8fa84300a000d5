//! How far a stop has gone, told to everybody who has to act on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long commands have to end after SIGTERM: time to remove their temporary files.
const TERMINATE_GRACE: Duration = Duration::from_secs(2);

/// How long a manager has to take tasks back once the commands are killed.
const GIVE_BACK_GRACE: Duration = Duration::from_secs(2);

/// The stages of a stop. It only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// No stop.
    Working,
    /// No new tasks; commands that run may end.
    Draining,
    /// Commands are asked to end.
    Terminating,
    /// Commands are killed.
    Killing,
    /// Nothing is waited for any more: somebody has said so three times.
    Abandoned,
}

/// The stage of the stop, for those who follow it. Clones speak of the same stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    stage: watch::Sender<Stage>,
    first_signal: Arc<AtomicI32>,
    /// Of whoever listens for signals: it outlives the threads of slots, who may stop the run.
    runtime: Handle,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM; each goes one stage on, and `say` is told of it.
    ///
    /// # Errors
    /// If the system refuses to deliver the signals.
    pub(crate) fn on_signals(
        say: impl Fn(Stage) + Clone + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let stop = Self {
            stage: watch::Sender::new(Stage::Working),
            first_signal: Arc::default(),
            runtime: Handle::current(),
        };
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let signals = signal(kind).context("cannot listen for signals")?;
            tokio::spawn(stop.clone().follow(signals, kind.as_raw_value(), say.clone()));
        }
        Ok(stop)
    }

    /// Goes to this stage, unless the stop is further already.
    pub(crate) fn go(&self, to: Stage) {
        let moved = self.stage.send_if_modified(|stage| {
            let further = *stage < to;
            *stage = (*stage).max(to);
            further
        });
        if moved && to == Stage::Terminating {
            let stop = self.clone();
            self.runtime.spawn(async move {
                tokio::time::sleep(TERMINATE_GRACE).await;
                stop.go(Stage::Killing);
            });
        }
    }

    /// Returns how far the stop has gone.
    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Waits until the stop has gone so far.
    pub(crate) async fn reached(&self, stage: Stage) {
        let mut follower = self.stage.subscribe();
        // This handle keeps the sender alive, so the wait ends only at the stage.
        let _ = follower.wait_for(|now| *now >= stage).await;
    }

    /// Waits until the commands are killed and their tasks should be given back.
    pub(crate) async fn should_be_over(&self) {
        self.reached(Stage::Killing).await;
        tokio::time::sleep(GIVE_BACK_GRACE).await;
    }

    /// Returns the exit code that tells of the first signal; `None` if there was none.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        let number = self.first_signal.load(Ordering::SeqCst);
        (number != 0).then(|| u8::try_from(128 + number).unwrap_or(u8::MAX))
    }

    async fn follow(self, mut signals: Signal, number: i32, say: impl Fn(Stage)) {
        while signals.recv().await.is_some() {
            let first = &self.first_signal;
            // Only the first signal is told of: the second fails here.
            let _ = first.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
            let next = match self.stage() {
                Stage::Working => Stage::Draining,
                Stage::Draining => Stage::Terminating,
                Stage::Terminating | Stage::Killing | Stage::Abandoned => Stage::Abandoned,
            };
            say(next);
            self.go(next);
        }
    }
}

/// The error of a worker whose manager has not taken its tasks back when all should be over.
pub(crate) fn not_given_back() -> anyhow::Error {
    anyhow::anyhow!("the manager did not take all tasks back in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_only_goes_on_and_kills_after_the_grace() {
        let stop = Stop::on_signals(|_| ()).unwrap();
        assert_eq!(stop.stage(), Stage::Working);
        stop.go(Stage::Terminating);
        stop.go(Stage::Draining);
        assert_eq!(stop.stage(), Stage::Terminating);
        let asked = tokio::time::Instant::now();
        stop.reached(Stage::Killing).await;
        assert_eq!(asked.elapsed(), TERMINATE_GRACE);
        assert_eq!(stop.exit_code(), None);
    }
}
