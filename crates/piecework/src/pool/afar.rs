//! The workers of a manager as those of a pool: what is given to the pool is put on their queue,
//! and each answer comes to a queue of the pool's own.
//!
//! That queue ends with the pool's connection, and with it whatever nobody has begun. So the pool
//! remembers what has no answer yet: where the connection ends, it puts that once more.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use piecework_wire::{Payload, Value};
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::{CallError, OpenError};
use crate::item::{payload, plain};
use crate::manager::Manager;
use crate::pool::crew::Crew;
use crate::pool::job::Batch;
use crate::pool::line::{Line, read};
use crate::tasks::{Failure, Packed, TaskError};
use crate::worker::message::{Answer, Order};

/// Tasks that are put and have no answer yet: enough that no worker waits, few enough that others
/// of the same queue have their turn.
const AHEAD_MAX: usize = 500;

/// How often it is looked whether a task has died with its workers.
const DEAD_PERIOD: Duration = Duration::from_secs(1);

/// How long it is until a manager is reached for again whose connection ended, however it did.
const AGAIN_PAUSE: Duration = Duration::from_millis(50);

/// Dead items that are listed at a time.
const DEAD_MAX: i64 = 1_000;

/// The pool's side of a queue of tasks.
pub(super) struct Afar {
    crew: Arc<Crew>,
    manager: Manager,
    queue: String,
    attempts: u32,
    /// What ids of this pool begin with: those of no other do.
    token: String,
    count: u64,
    waiting: BTreeMap<u64, Waiting>,
}

/// A task without an answer.
struct Waiting {
    batch: Batch,
    order: Order,
}

/// Checks that a pool can have the workers of this queue.
pub(super) async fn check(manager: &Manager, queue: &str) -> Result<(), OpenError> {
    Line::open(manager, queue).await.map(drop)
}

impl Afar {
    pub(super) fn new(crew: Arc<Crew>, manager: Manager, queue: &str, attempts: u32) -> Self {
        let mut token = [0; 8];
        getrandom::fill(&mut token).expect("the system has random numbers");
        let token = format!("{:016x}", u64::from_le_bytes(token));
        let queue = queue.to_owned();
        Self { crew, manager, queue, attempts, token, count: 0, waiting: BTreeMap::new() }
    }

    /// Has tasks done until nothing more will come.
    pub(super) async fn run(mut self) {
        loop {
            if self.waiting.is_empty() {
                // A manager is needed again when there is something to do.
                match self.crew.next(1).await {
                    Some(batch) => drop(self.begin(batch)),
                    None => return,
                }
            }
            let open = || async {
                Line::open(&self.manager, &self.queue).await.map_err(OpenError::into_call)
            };
            match self.manager.sessions().patiently(open).await {
                Err(error) => self.give_up(&error),
                Ok(line) => match self.serve(line).await {
                    Ok(()) => return,
                    Err(error) => {
                        let again = self.waiting.len();
                        tracing::warn!(%error, again, "the manager is reached for again");
                        sleep(AGAIN_PAUSE).await;
                    }
                },
            }
        }
    }

    /// Puts tasks and gets their answers, for as long as the connections last.
    async fn serve(&mut self, mut line: Line) -> Result<(), CallError> {
        for (number, waiting) in &self.waiting {
            line.put(*number, &waiting.order);
        }
        let answers = line.answers.clone();
        let mut reading = Box::pin(read(answers.clone()));
        let mut look_at = Instant::now() + DEAD_PERIOD;
        loop {
            tokio::select! {
                batch = self.crew.next(1), if self.waiting.len() < AHEAD_MAX => match batch {
                    Some(batch) => {
                        let (number, order) = self.begin(batch);
                        line.put(number, &order);
                    }
                    None => return Ok(()),
                },
                Some(put) = line.puts.join_next() => match put {
                    Ok((_, Ok(()))) | Err(_) => {}
                    Ok((_, Err(error))) if error.is_gone() => return Err(error),
                    Ok((number, Err(refused))) => {
                        self.end(number, Err(TaskError::Call(refused)));
                    }
                },
                read_now = &mut reading => {
                    read_now?.into_iter().for_each(|payload| self.answered(&payload));
                    reading.set(read(answers.clone()));
                }
                () = sleep_until(look_at), if !self.waiting.is_empty() => {
                    match self.bury(&mut line).await {
                        Err(error @ CallError::Remote { .. }) => {
                            tracing::warn!(%error, "the manager does not tell which items are dead");
                        }
                        buried => buried?,
                    }
                    look_at = Instant::now() + DEAD_PERIOD;
                }
            }
        }
    }

    fn begin(&mut self, batch: Batch) -> (u64, Order) {
        self.count += 1;
        let first = batch.piece.arguments.iter().next().map(Bytes::copy_from_slice);
        let arguments = first.map(|arguments| plain(&payload(arguments)));
        let order = Order {
            task: batch.task.to_owned(),
            arguments: arguments.and_then(Result::ok).unwrap_or(Value::Tuple(Vec::new())),
            id: Value::Str(format!("{}.{}", self.token, self.count)),
            answers: None,
            attempts: self.attempts,
        };
        self.waiting.insert(self.count, Waiting { batch, order: order.clone() });
        (self.count, order)
    }

    /// Which task an id is of, if that is one of this pool and has no answer yet.
    fn number(&self, id: &Value) -> Option<u64> {
        let Value::Str(id) = id else { return None };
        let number = id.strip_prefix(&self.token)?.strip_prefix('.')?.parse().ok()?;
        self.waiting.contains_key(&number).then_some(number)
    }

    fn answered(&mut self, payload: &Payload) {
        let Some(Answer { id, result }) = plain(payload).ok().and_then(Answer::read) else {
            tracing::warn!("an answer makes no sense, and is dropped");
            return;
        };
        // A task that was put twice may be answered twice.
        let Some(number) = self.number(&id) else { return };
        // As a child says a result.
        let ok = |result| Payload::from_value(&Value::Dict(vec![(Value::from("Ok"), result)]));
        self.end(number, result.map(ok).map_err(TaskError::Elsewhere));
    }

    /// A task has come to something.
    fn end(&mut self, number: u64, told: Result<Payload, TaskError>) {
        let Some(Waiting { batch, .. }) = self.waiting.remove(&number) else { return };
        let told = told.map(|result| Packed::one(result.as_bytes()));
        // Whoever waited may be gone.
        let _ = batch.told.try_send((batch.piece.at, told));
        self.crew.done(&batch.told, None, Vec::new());
    }

    /// Tasks whose workers died as often as they were tried have no other answer than this.
    async fn bury(&mut self, line: &mut Line) -> Result<(), CallError> {
        let mut after = Value::None;
        let mut seen = HashSet::new();
        loop {
            let Value::List(dead) = line.ask("dead", &[after, Value::Int(DEAD_MAX)]).await? else {
                break;
            };
            let is_last = i64::try_from(dead.len()).is_ok_and(|len| len < DEAD_MAX);
            let mut last = 0;
            for item in dead {
                let Some(Value::Int(id)) = entry(&item, "id").cloned() else { continue };
                last = id;
                if !line.others.contains(&id) && self.is_ours(line, id, &item).await? {
                    line.ask("drop", &[Value::Int(id)]).await?;
                } else {
                    seen.insert(id);
                }
            }
            after = Value::Int(last);
            if is_last {
                break;
            }
        }
        line.others = seen;
        Ok(())
    }

    /// Whether a dead item is a task of this pool; then whoever waits for it is told.
    async fn is_ours(&mut self, line: &Line, id: i64, item: &Value) -> Result<bool, CallError> {
        let payload = match line.ask("payload", &[Value::Int(id)]).await {
            Ok(payload) => payload,
            Err(CallError::Remote { .. } | CallError::Protocol { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let number = Order::read(payload).ok().and_then(|order| self.number(&order.id));
        let Some(number) = number else { return Ok(false) };
        let said = |key| entry(item, key).map(ToString::to_string).unwrap_or_default();
        let failure = Failure {
            message: format!(
                "tried {} times, and the last attempt was {}",
                said("attempts"),
                said("error")
            ),
            place: String::new(),
            backtrace: String::new(),
            worker: format!("{} at {}", said("name"), said("address")),
        };
        self.end(number, Err(TaskError::Elsewhere(failure)));
        Ok(true)
    }

    /// The manager has been away for too long.
    fn give_up(&mut self, error: &CallError) {
        while let Some(number) = self.waiting.keys().next().copied() {
            self.end(number, Err(TaskError::Failed(format!("nobody can do it: {error}"))));
        }
    }
}

fn entry<'a>(dict: &'a Value, key: &str) -> Option<&'a Value> {
    let Value::Dict(entries) = dict else { return None };
    entries.iter().find(|(it, _)| matches!(it, Value::Str(it) if it == key)).map(|(_, value)| value)
}
