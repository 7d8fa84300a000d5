//! One task from the moment it is read to the moment it is settled.

use std::time::Duration;

use piecework_wire::{Payload, Value};
use tokio::time::{sleep, timeout};

use crate::error::CallError;
use crate::tasks::{Failure, TaskError};
use crate::worker::handler::Done;
use crate::worker::message::{Answer, Order};
use crate::worker::slot::Slot;
use crate::worker::source::{Answered, Held};
use crate::worker::work::Work;

/// How often leases are renewed: a queue's leases last longer, if they have an end at all.
pub(super) const RENEW_PERIOD: Duration = Duration::from_secs(1);

/// A task that can be done.
pub(super) struct Errand<S> {
    pub(super) work: Work<S>,
    /// A tuple.
    pub(super) arguments: Value,
    /// What asked for it by name, if something did.
    pub(super) order: Option<Order>,
    pub(super) held: Held,
}

/// How a worker does all its tasks.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// What its answers call it.
    pub(super) worker: String,
    /// How long a task may take.
    pub(super) limit: Option<Duration>,
}

impl<S: 'static> Errand<S> {
    /// Does it, and settles it.
    ///
    /// # Errors
    /// There is nobody who could do it: it was given back.
    pub(super) async fn run(self, slot: &mut Slot<S>, manner: &Manner) -> Result<(), TaskError> {
        let Self { work, arguments, order, held } = self;
        if let Some(answers) = order.as_ref().and_then(|order| order.answers.as_deref())
            && !held.is_wanted(answers).await
        {
            tracing::debug!("a task was dropped: nobody waits for it any more");
            return settled(held.done().await);
        }
        let done = tokio::select! {
            done = in_time(manner.limit, slot.run(work, arguments)) => done,
            () = lost(&held) => {
                tracing::warn!(
                    attempt = held.attempt,
                    "a task was given up: its lease had run out; hint: a longer lease= for its queue"
                );
                return settled(held.done().await);
            }
        };
        match done {
            Ok(result) => settled(answer(order.as_ref(), held, &result, manner).await),
            // The next one would come to the same.
            Err(error @ (TaskError::NoChild(_) | TaskError::NotBegun(_))) => {
                let _ = held.give_back().await;
                Err(error)
            }
            Err(error) => settled(fail(order.as_ref(), held, &error, manner).await),
        }
    }
}

async fn in_time(limit: Option<Duration>, run: impl Future<Output = Done>) -> Done {
    match limit {
        None => run.await,
        Some(limit) => timeout(limit, run).await.unwrap_or(Err(TaskError::TimedOut(limit))),
    }
}

/// Returns when somebody else has the task.
async fn lost(held: &Held) {
    loop {
        sleep(RENEW_PERIOD).await; // rhythm: the lease's own
        if !held.renew().await {
            return;
        }
    }
}

async fn answer(
    order: Option<&Order>,
    held: Held,
    result: &Value,
    manner: &Manner,
) -> Result<(), CallError> {
    let (to, payload) = match order {
        None => (None, Payload::from_value(result)),
        Some(Order { id, answers, .. }) => {
            let answer = Answer { id: id.clone(), result: Ok(result.clone()) };
            (answers.as_deref(), answer.payload())
        }
    };
    match held.answer(to, &payload).await? {
        Answered::Recorded => {}
        Answered::Unwanted(why) => tracing::warn!("a result was dropped: {why}"),
        Answered::Refused(held, error) => {
            let error = TaskError::Failed(format!("its result was refused: {error}"));
            fail(order, *held, &error, manner).await?;
        }
    }
    Ok(())
}

/// Where somebody waits who asked for it, what can only fail again is an answer, and so is what has
/// failed as often as it may; what else fails is tried again as often as the queue says.
async fn fail(
    order: Option<&Order>,
    held: Held,
    error: &TaskError,
    manner: &Manner,
) -> Result<(), CallError> {
    let task = order.map_or("each", |order| order.task.as_str());
    let attempt = held.attempt;
    tracing::warn!(task, attempt, %error, "a task failed");
    let asked = order.filter(|it| it.answers.is_some());
    let asked = asked.filter(|it| is_final(error) || attempt >= it.attempts);
    let Some(Order { id, answers, .. }) = asked else { return held.fail().await };
    let answer = Answer { id: id.clone(), result: Err(Failure::of(error, &manner.worker)) };
    match held.answer(answers.as_deref(), &answer.payload()).await? {
        Answered::Recorded | Answered::Unwanted(_) => Ok(()),
        Answered::Refused(held, error) => {
            tracing::warn!(task, %error, "the answer that says so was refused");
            held.fail().await
        }
    }
}

/// Whether another attempt would end the same way. A process that dies and a time that is up may
/// be the machine's fault.
fn is_final(error: &TaskError) -> bool {
    matches!(
        error,
        TaskError::Panicked(_)
            | TaskError::Failed(_)
            | TaskError::Unsayable(_)
            | TaskError::Mismatch(_)
    )
}

/// What could not be settled is ready again, or somebody else's.
fn settled(settled: Result<(), CallError>) -> Result<(), TaskError> {
    if let Err(error) = settled {
        tracing::warn!(%error, "a task could not be settled, and will be done again");
    }
    Ok(())
}
