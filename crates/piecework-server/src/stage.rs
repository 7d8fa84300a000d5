//! How far a server has stopped, and who is to be woken when that changes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

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

/// The stage of a server, and a bell for each that it may come to. A bell rings once: whoever has
/// heard one need not ask whether it was meant.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    now: AtomicU8,
    last_calls: Arc<Notify>,
    over: Arc<Notify>,
}

impl Stages {
    /// How far it has come.
    pub(crate) fn now(&self) -> Stage {
        match self.now.load(Ordering::SeqCst) {
            0 => Stage::Serving,
            1 => Stage::LastCalls,
            _ => Stage::Over,
        }
    }

    /// From now on it has come this far; it never goes back.
    pub(crate) fn reach(&self, stage: Stage) {
        self.now.fetch_max(stage as u8, Ordering::SeqCst);
        if stage >= Stage::LastCalls {
            self.last_calls.notify_waiters();
        }
        if stage >= Stage::Over {
            self.over.notify_waiters();
        }
    }

    /// What rings when it comes further than this.
    fn bell(&self, now: Stage) -> OwnedNotified {
        let bell = if now == Stage::Serving { &self.last_calls } else { &self.over };
        Arc::clone(bell).notified_owned()
    }
}

/// The stage, for one who asks at each request: the server is told once whom to wake, and not each
/// time, which would cost more than most requests do.
#[derive(Debug)]
pub(crate) struct StageWatch {
    stages: Arc<Stages>,
    woken: Option<Woken>,
}

/// Who is woken when the stage changes.
#[derive(Debug)]
struct Woken {
    waker: Waker,
    /// The stage that is left then.
    left: Stage,
    /// For as long as this lives.
    _bell: Pin<Box<OwnedNotified>>,
}

impl StageWatch {
    pub(crate) fn new(stages: Arc<Stages>) -> Self {
        Self { stages, woken: None }
    }

    /// How far it has come.
    pub(crate) fn now(&self) -> Stage {
        self.stages.now()
    }

    /// Ready once it has come this far.
    pub(crate) fn poll_reached(&mut self, context: &mut Context<'_>, stage: Stage) -> Poll<()> {
        loop {
            // All there is to do in nearly all cases: one look, and no lock.
            let now = self.now();
            if now >= stage {
                return Poll::Ready(());
            }
            let is_known =
                |woken: &Woken| woken.left == now && woken.waker.will_wake(context.waker());
            if self.woken.as_ref().is_some_and(is_known) {
                return Poll::Pending;
            }
            let mut bell = Box::pin(self.stages.bell(now));
            // It may have rung just before it was listened to, so the next turn looks again.
            if bell.as_mut().poll(context).is_pending() {
                let waker = context.waker().clone();
                self.woken = Some(Woken { waker, left: now, _bell: bell });
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
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Woken {
        fn times(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn site() -> (Arc<Stages>, StageWatch, Arc<Woken>) {
        let stages = Arc::<Stages>::default();
        (Arc::clone(&stages), StageWatch::new(stages), Arc::default())
    }

    #[test]
    fn whoever_waits_is_woken_by_each_stage_and_goes_on_at_its_own() {
        let (stages, mut watch, woken) = site();
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut over = pin!(watch.reached(Stage::Over));
        for (stage, times) in [(Stage::Serving, 0), (Stage::LastCalls, 1)] {
            stages.reach(stage);
            assert_eq!(woken.times(), times);
            assert!(over.as_mut().poll(&mut context).is_pending());
            assert!(over.as_mut().poll(&mut context).is_pending());
        }
        stages.reach(Stage::Over);
        assert_eq!(woken.times(), 2);
        assert!(over.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn each_stage_that_is_waited_for_wakes_anew() {
        let (stages, mut watch, woken) = site();
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        assert!(watch.poll_reached(&mut context, Stage::LastCalls).is_pending());
        stages.reach(Stage::LastCalls);
        assert!(watch.poll_reached(&mut context, Stage::LastCalls).is_ready());
        assert!(watch.poll_reached(&mut context, Stage::Over).is_pending());
        stages.reach(Stage::Over);
        assert_eq!(woken.times(), 2);
    }

    #[test]
    fn it_never_goes_back() {
        let (stages, watch, _) = site();
        stages.reach(Stage::Over);
        stages.reach(Stage::LastCalls);
        assert_eq!(watch.now(), Stage::Over);
    }

    #[test]
    fn whoever_asks_at_the_very_moment_of_a_change_is_woken_by_the_next() {
        for _ in 0..2_000 {
            let (stages, mut watch, woken) = site();
            let waker = Waker::from(Arc::clone(&woken));
            let (started, start) = std::sync::mpsc::sync_channel(1);
            let asking = std::thread::spawn(move || {
                let mut context = Context::from_waker(&waker);
                loop {
                    assert!(watch.poll_reached(&mut context, Stage::Over).is_pending());
                    let _ = started.try_send(());
                    if watch.now() == Stage::LastCalls {
                        assert!(watch.poll_reached(&mut context, Stage::Over).is_pending());
                        return watch;
                    }
                }
            });
            start.recv().unwrap();
            stages.reach(Stage::LastCalls);
            let _watch = asking.join().unwrap();
            let before = woken.times();
            stages.reach(Stage::Over);
            assert_eq!(woken.times(), before + 1);
        }
    }

    #[tokio::test]
    async fn a_task_without_budget_left_is_woken_all_the_same() {
        let (stages, mut watch, _) = site();
        let waiting = tokio::spawn(std::future::poll_fn(move |context| {
            // Whatever else the task does first may take all of it.
            while tokio::task::coop::has_budget_remaining() {
                let mut used = pin!(tokio::task::coop::consume_budget());
                let _ = used.as_mut().poll(context);
            }
            watch.poll_reached(context, Stage::Over)
        }));
        tokio::task::yield_now().await;
        stages.reach(Stage::Over);
        waiting.await.unwrap();
    }
}
