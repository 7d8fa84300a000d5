//! Who takes tasks and hands them out: one loop, which owns all that a worker has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::{CallError, OpenError};
use crate::tasks::TaskError;
use crate::worker::aside::Aside;
use crate::worker::errand::{Errand, RENEW_PERIOD};
use crate::worker::error::WorkerError;
use crate::worker::plan::{Plan, Read};
use crate::worker::slot::Slot;
use crate::worker::source::{Held, Source};
use crate::worker::stop::{Stage, Stopper};

/// Tasks are taken ahead for about so long: the way to the manager and back is little of that, and
/// others have something to do as well.
const AHEAD_TIME: Duration = Duration::from_millis(10);

/// The most tasks that are taken ahead for each slot.
const AHEAD_MAX: u32 = 64;

/// The most tasks that are taken at a time.
const TAKE_MAX: usize = 500;

pub(super) struct Desk<S> {
    plan: Arc<Plan<S>>,
    stopper: Stopper,
    source: Arc<Source>,
    count: usize,
    idle: Vec<Slot<S>>,
    busy: JoinSet<Over<S>>,
    /// Taken ahead, and when.
    ahead: VecDeque<(Instant, Errand<S>)>,
    aside: Aside,
    /// Whether no more is taken, for there is no more for this worker.
    is_ending: bool,
    /// What a task took so far, on average.
    took: Option<Duration>,
    taking: JoinSet<Result<Vec<Held>, CallError>>,
}

/// A task is over.
struct Over<S> {
    slot: Slot<S>,
    took: Duration,
    ended: Result<(), TaskError>,
}

impl<S: 'static> Desk<S> {
    pub(super) fn new(
        plan: Arc<Plan<S>>,
        stopper: Stopper,
        source: Arc<Source>,
        slots: Vec<Slot<S>>,
    ) -> Self {
        Self {
            plan,
            stopper,
            source,
            count: slots.len(),
            idle: slots,
            busy: JoinSet::new(),
            ahead: VecDeque::new(),
            aside: Aside::default(),
            is_ending: false,
            took: None,
            taking: JoinSet::new(),
        }
    }

    /// Works until a stop, an error, or a task that is `None`; and gives back what is not done.
    pub(super) async fn run(mut self) -> Result<(), WorkerError> {
        let worked = self.work().await;
        self.give_back().await;
        let drained = self.drain().await;
        for slot in self.idle {
            slot.end().await;
        }
        self.source.end().await;
        worked.and(drained)
    }

    async fn work(&mut self) -> Result<(), WorkerError> {
        loop {
            self.hand_out();
            if self.is_ending && self.ahead.is_empty() {
                return Ok(());
            }
            self.take();
            let due = self.due();
            tokio::select! {
                biased;
                () = self.stopper.reached(Stage::Draining) => return Ok(()),
                Some(over) = self.busy.join_next() => self.over(over)?,
                Some(taken) = self.taking.join_next() => self.taken(taken).await?,
                () = sleep_until(due) => self.tidy().await,
            }
        }
    }

    fn hand_out(&mut self) {
        while let Some(mut slot) = self.idle.pop() {
            let Some((_, errand)) = self.ahead.pop_front() else {
                self.idle.push(slot);
                return;
            };
            let plan = Arc::clone(&self.plan);
            self.busy.spawn(async move {
                let began = Instant::now();
                let ended = errand.run(&mut slot, &plan.manner).await;
                Over { slot, took: began.elapsed(), ended }
            });
        }
    }

    /// Begins to take as many as are done at once, and those that are done soon.
    fn take(&mut self) {
        let soon = match self.took {
            Some(took) if self.source.has_leases() => {
                let each = AHEAD_TIME.as_nanos() / took.as_nanos().max(1);
                u32::try_from(each).unwrap_or(AHEAD_MAX).min(AHEAD_MAX) as usize * self.count
            }
            _ => 0,
        };
        let room = (self.idle.len() + soon).saturating_sub(self.ahead.len()).min(TAKE_MAX);
        let wants = !self.is_ending && !self.aside.is_full();
        if room > 0 && wants && self.taking.is_empty() {
            let (source, pause) = (Arc::clone(&self.source), self.source.pause());
            self.taking.spawn(async move {
                sleep(pause).await;
                source.take(room).await
            });
        }
    }

    async fn taken(
        &mut self,
        taken: Result<Result<Vec<Held>, CallError>, JoinError>,
    ) -> Result<(), WorkerError> {
        match taken {
            Ok(Ok(taken)) => {
                let mut taken = taken.into_iter();
                while let Some(held) = taken.next() {
                    if held.payload.is_none() {
                        self.is_ending = true;
                        end_at(held).await;
                        give_back(taken.collect()).await;
                        return Ok(());
                    }
                    self.read(held).await;
                }
            }
            Ok(Err(error @ CallError::Closed { .. })) => {
                tracing::warn!(%error, "the worker reaches for its manager again");
                self.reopen().await?;
            }
            Ok(Err(error)) if error.is_remote("ShutDown") => self.is_ending = true,
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => tracing::error!(%error, "a request for tasks came to nothing"),
        }
        Ok(())
    }

    async fn read(&mut self, held: Held) {
        match self.plan.read(held) {
            Read::Errand(errand) => self.ahead.push_back((Instant::now(), errand)),
            Read::Missing(task, held) => {
                if self.aside.put(&task, held) {
                    tracing::error!(
                        task,
                        queue = self.plan.queue,
                        "this build of the worker has no such task: it is left to other workers; \
                         hint: mark the function with #[piecework::task], or register a closure"
                    );
                }
            }
            Read::Odd(why, held) => {
                tracing::error!(why, attempt = held.attempt, "a task makes no sense");
                if let Err(error) = held.fail().await {
                    tracing::warn!(%error, "it could not be given back");
                }
            }
        }
    }

    /// What was leased is ready again, or leased to somebody else.
    async fn reopen(&mut self) -> Result<(), WorkerError> {
        self.ahead.clear();
        self.aside.take_all();
        let plan = Arc::clone(&self.plan);
        let reach = || async { plan.open().await.map_err(OpenError::into_call) };
        let source = tokio::select! {
            source = plan.manager.sessions().patiently(reach) => source?,
            () = self.stopper.reached(Stage::Draining) => return Ok(()),
        };
        self.source = source;
        Ok(())
    }

    fn over(&mut self, over: Result<Over<S>, JoinError>) -> Result<(), WorkerError> {
        match over {
            Ok(Over { slot, took, ended }) => {
                self.idle.push(slot);
                self.took = Some(self.took.map_or(took, |before| (before * 3 + took) / 4));
                Ok(ended?)
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_ended) => Ok(()),
            },
        }
    }

    /// When there is something to tidy up.
    fn due(&self) -> Instant {
        // What is in front of a stop mark is this worker's.
        let ahead = self.ahead.front().filter(|_| !self.is_ending);
        let ahead = ahead.map(|(since, _)| *since + RENEW_PERIOD);
        let due = [ahead, self.aside.due()].into_iter().flatten().min();
        due.unwrap_or_else(|| Instant::now() + RENEW_PERIOD)
    }

    /// Gives back what was set aside for long enough, and what was taken ahead too soon: somebody
    /// else may do it at once.
    async fn tidy(&mut self) {
        let mut back = self.aside.take_due();
        let is_stale = |(since, _): &(Instant, Errand<S>)| since.elapsed() >= RENEW_PERIOD;
        while !self.is_ending && self.ahead.front().is_some_and(is_stale) {
            self.took = None;
            back.extend(self.ahead.pop_front().map(|(_, errand)| errand.held));
        }
        give_back(back).await;
    }

    /// Gives back all that nobody is at.
    async fn give_back(&mut self) {
        if self.source.has_leases() {
            self.taking.abort_all();
        }
        let mut back = Vec::new();
        while let Some(taken) = self.taking.join_next().await {
            back.extend(taken.ok().and_then(Result::ok).into_iter().flatten());
        }
        back.extend(self.ahead.drain(..).map(|(_, errand)| errand.held));
        back.extend(self.aside.take_all());
        give_back(back).await;
    }

    /// Waits until what runs is done, or must not go on.
    async fn drain(&mut self) -> Result<(), WorkerError> {
        let mut first = Ok(());
        loop {
            tokio::select! {
                over = self.busy.join_next() => match over {
                    Some(over) => {
                        let ended = self.over(over);
                        first = first.and(ended);
                    }
                    None => return first,
                },
                () = self.stopper.reached(Stage::Killing) => {
                    // Each gives its task back when it is dropped.
                    self.busy.shutdown().await;
                    return first;
                }
            }
        }
    }
}

/// The stop mark of Python programs has come: what was in front of it is done.
async fn end_at(mark: Held) {
    if let Err(error) = mark.done().await {
        tracing::warn!(%error, "the stop mark may come again");
    }
}

async fn give_back(back: Vec<Held>) {
    for held in back {
        if let Err(error) = held.give_back().await {
            tracing::debug!(%error, "a task is given back by the end of its connection");
        }
    }
}
