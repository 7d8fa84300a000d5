//! How far a server has stopped, and who is to be woken when that changes.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::sync::watch;
use tokio::task::unconstrained;

/// How far a server has stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    /// It has not.
    Serving,
    /// Nobody else comes in, and nobody waits any more; calls that need no wait are answered.
    LastCalls,
    /// Every connection ends.
    Over,
}

/// The stage, for one who asks at each request: the server is told once whom to wake, and not each
/// time, which would cost more than most requests do.
pub(crate) struct StageWatch {
    stage: watch::Receiver<Stage>,
    /// How far it had come when that was looked at last.
    seen: Stage,
    /// Who is woken by a change after that, and what wakes it.
    woken: Option<(Waker, Change)>,
}

type Change = Pin<Box<dyn Future<Output = ()> + Send>>;

impl std::fmt::Debug for StageWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StageWatch").field(&*self.stage.borrow()).finish()
    }
}

impl StageWatch {
    pub(crate) fn new(mut stage: watch::Receiver<Stage>) -> Self {
        let seen = *stage.borrow_and_update();
        Self { stage, seen, woken: None }
    }

    /// How far it has come.
    pub(crate) fn now(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Ready once it has come this far.
    pub(crate) fn poll_reached(&mut self, context: &mut Context<'_>, stage: Stage) -> Poll<()> {
        loop {
            // All there is to do in nearly all cases: one look, and no lock.
            let changed = self.stage.has_changed().unwrap_or(true);
            if changed {
                self.seen = *self.stage.borrow_and_update();
                self.woken = None;
            }
            if self.seen >= stage {
                return Poll::Ready(());
            }
            let is_known = |(waker, _): &(Waker, Change)| waker.will_wake(context.waker());
            if !changed && self.woken.as_ref().is_some_and(is_known) {
                return Poll::Pending;
            }
            let mut of_change = self.stage.clone();
            // A task that has used up its budget would not be registered, and so not be woken.
            let mut change: Change = Box::pin(unconstrained(async move {
                if of_change.changed().await.is_err() {
                    std::future::pending().await // there is no server any more
                }
            }));
            if change.as_mut().poll(context).is_pending() {
                self.woken = Some((context.waker().clone(), change));
                return Poll::Pending;
            }
        }
    }

    /// Returns once it has come this far.
    pub(crate) async fn reached(&mut self, stage: Stage) {
        std::future::poll_fn(|context| self.poll_reached(context, stage)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_is_woken_by_each_stage_and_goes_on_at_its_own() {
        let (server, stage) = watch::channel(Stage::Serving);
        let (mut watch, woken) = (StageWatch::new(stage), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut over = pin!(watch.reached(Stage::Over));
        for (stage, times) in [(Stage::Serving, 0), (Stage::LastCalls, 1)] {
            server.send_if_modified(|now| std::mem::replace(now, stage) != stage);
            assert_eq!(woken.0.load(Ordering::Relaxed), times);
            assert!(over.as_mut().poll(&mut context).is_pending());
            assert!(over.as_mut().poll(&mut context).is_pending());
        }
        server.send_replace(Stage::Over);
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert!(over.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn each_stage_that_is_waited_for_wakes_anew() {
        let (server, stage) = watch::channel(Stage::Serving);
        let (mut watch, woken) = (StageWatch::new(stage), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        assert!(watch.poll_reached(&mut context, Stage::LastCalls).is_pending());
        server.send_replace(Stage::LastCalls);
        assert!(watch.poll_reached(&mut context, Stage::LastCalls).is_ready());
        assert!(watch.poll_reached(&mut context, Stage::Over).is_pending());
        server.send_replace(Stage::Over);
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_task_without_budget_left_is_woken_all_the_same() {
        let (server, stage) = watch::channel(Stage::Serving);
        let mut watch = StageWatch::new(stage);
        let waiting = tokio::spawn(std::future::poll_fn(move |context| {
            // Whatever else the task does first may take all of it.
            while tokio::task::coop::has_budget_remaining() {
                let mut used = pin!(tokio::task::coop::consume_budget());
                let _ = used.as_mut().poll(context);
            }
            watch.poll_reached(context, Stage::Over)
        }));
        tokio::task::yield_now().await;
        server.send_replace(Stage::Over);
        waiting.await.unwrap();
    }
}
