//! The link to a manager on the network: piecework's own, or a stock Python one.
//!
//! A stock manager knows no leases: what was got from it is gone there. So a task that cannot be
//! done is put back, at the end of its queue. It cannot count attempts either: a slot whose
//! commands fail one after the other takes longer and longer pauses instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use piecework::{CallError, Manager, OpenError, Payload, RawQueue, Settle, Value};

use super::answer::{report, text};
use super::link::{Link, Outcome, Ran, Task};
use super::piece::Piece;
use super::recipe::Recipe;
use super::stop::{Stage, Stop};
use crate::{output, plain};

/// How long a request for a task waits at the manager. A stop has to wait for it: a request that
/// is given up may have taken a task with it.
const TAKE_WAIT: Duration = Duration::from_secs(1);

/// The pause after the first of several failures against a manager that cannot count them; each
/// further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The longest such pause: the task may be right again when the machine is.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What the links of a worker have in common.
#[derive(Debug)]
pub(crate) struct Work {
    /// The queue that tasks come from.
    pub(crate) queue: String,
    /// The queue that results go to.
    pub(crate) results: String,
    /// What is run for each task.
    pub(crate) recipe: Arc<Recipe>,
    /// Whether a result is a report instead of the output alone.
    pub(crate) json: bool,
    /// The name of this machine.
    pub(crate) host: String,
    /// How many tasks have come.
    pub(crate) taken: AtomicU64,
    /// Whether the manager has closed a connection.
    pub(crate) closed: AtomicBool,
}

/// The connection of one slot.
#[derive(Debug)]
pub(crate) struct ManagerLink {
    work: Arc<Work>,
    tasks: RawQueue,
    results: RawQueue,
    held: Option<Held>,
    /// Failures one after the other, at a manager that does not count them.
    failures: u32,
}

/// A task that was taken and is not settled.
#[derive(Debug)]
struct Held {
    /// Its lease; a stock manager has none.
    lease: Option<u64>,
    attempt: u32,
    payload: Payload,
}

impl ManagerLink {
    /// Opens a connection and the queues.
    ///
    /// # Errors
    /// If the manager cannot be reached, or has no such queues.
    pub(crate) async fn open(manager: &Manager, work: Arc<Work>) -> Result<Self, OpenError> {
        let session = manager.session().await?;
        let tasks = session.queue(&work.queue).await?;
        let results = session.queue(&work.results).await?;
        Ok(Self { work, tasks, results, held: None, failures: 0 })
    }

    /// Asks for a task once; `None` if none came in time.
    async fn ask(&mut self) -> Result<Option<Held>, CallError> {
        if !self.tasks.is_native() {
            let got = self.tasks.get(Some(TAKE_WAIT)).await?;
            return Ok(got.map(|payload| Held { lease: None, attempt: 1, payload }));
        }
        let leases = self.tasks.lease(1, Some(TAKE_WAIT)).await?;
        Ok(leases.into_iter().next().map(|leased| Held {
            lease: Some(leased.id),
            attempt: leased.attempt,
            payload: leased.payload,
        }))
    }

    /// Makes a task of what was taken; `None` if a command cannot be given it.
    async fn accept(&mut self, held: Held) -> Result<Option<Task>, CallError> {
        let argument = match held.payload.value() {
            Ok(value) => plain::text(&value).map_err(|error| error.to_string()),
            Err(_) => Err(match held.payload.class_name() {
                Some(class) => format!("an instance of {class} is no text"),
                None => "it is not plain data".to_owned(),
            }),
        };
        let seq = self.work.taken.fetch_add(1, Ordering::Relaxed) + 1;
        match argument {
            Ok(argument) => {
                let (id, attempt) = (held.lease.unwrap_or(seq), held.attempt);
                self.held = Some(held);
                let piece = Piece { seq, args: vec![argument], stdin: None };
                Ok(Some(Task { id, attempt, piece, recipe: self.work.recipe.clone(), files: None }))
            }
            Err(why) => {
                let fate = fate(&held);
                output::talk(format_args!(
                    "task {seq} cannot be given to a command: {why}; {fate}"
                ));
                self.fail(&held).await?;
                Ok(None)
            }
        }
    }

    /// Gives a task back after a failure, and pauses where the manager would not.
    async fn fail(&mut self, held: &Held) -> Result<(), CallError> {
        self.failures = self.failures.saturating_add(1);
        match held.lease {
            Some(id) => self.end_lease(id, Settle::Nack).await,
            None => self.tasks.put(&held.payload).await,
        }
    }

    /// Gives a task back that nobody is to blame for.
    async fn release(&mut self, held: &Held) -> Result<(), CallError> {
        match held.lease {
            Some(id) => self.end_lease(id, Settle::Release).await,
            None => self.tasks.put(&held.payload).await,
        }
    }

    /// Ends a lease without an answer. One that has run out is at its end already.
    async fn end_lease(&self, id: u64, how: Settle) -> Result<(), CallError> {
        match self.tasks.settle(id, how).await {
            Err(error) if is_run_out(&error) => Ok(()),
            ended => ended,
        }
    }

    /// Brings a result. One that the manager does not take is the end of its task here, and not of
    /// the slot: the next one may be right.
    async fn answer(&mut self, name: &str, held: &Held, result: &Value) -> Result<(), CallError> {
        let result = Payload::from_value(result);
        let answered = match held.lease {
            Some(id) => self.tasks.answer(id, &self.work.results, &result).await,
            None => self.results.put(&result).await,
        };
        match answered {
            Ok(()) => self.failures = 0,
            Err(error) if held.lease.is_some() && is_run_out(&error) => {
                self.tell_run_out(name);
            }
            Err(error @ CallError::Remote { .. }) if !is_shut_down(&error) => {
                let fate = fate(held);
                output::talk(format_args!("{name}: its result was refused: {error}; {fate}"));
                return self.fail(held).await;
            }
            Err(error) => {
                if matches!(error, CallError::Closed { .. }) {
                    // Often a master that has all it wants: it may well have got this one.
                    output::talk(format_args!("{name}: the manager ended before it confirmed it"));
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn tell_run_out(&self, name: &str) {
        output::talk(format_args!(
            "{name}: its lease ran out before its result came, which is dropped; the attempt \
             counts\nhint: a longer lease= for queue {} of the manager",
            self.work.queue
        ));
    }

    /// Judges the end of a command, and passes on what it wrote to standard error.
    fn judge(&self, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Ended(output) if self.work.json => {
                Verdict::Answer(report(output, &self.work.host))
            }
            Outcome::Ended(output) => {
                output::pass_on(&output.stderr);
                if output.end.is_success() {
                    Verdict::Answer(text(output.stdout))
                } else {
                    Verdict::Failure(format!("ended with {}", output.end))
                }
            }
            Outcome::Failed(why) => Verdict::Failure(why),
            Outcome::Stopped => Verdict::Untried,
        }
    }

    /// How long to wait before the next task.
    fn pause(&self) -> Duration {
        match self.failures.checked_sub(1) {
            Some(doublings) if !self.tasks.is_native() => {
                PAUSE_FIRST.saturating_mul(1 << doublings.min(16)).min(PAUSE_MAX)
            }
            _ => Duration::ZERO,
        }
    }

    /// An end of the connection is an end of the work; anything else is an error.
    fn ended(&self, error: CallError) -> anyhow::Result<Option<Task>> {
        match error {
            CallError::Closed { .. } => self.work.closed.store(true, Ordering::Relaxed),
            error if is_shut_down(&error) => {}
            error => return Err(error).context("cannot take a task"),
        }
        Ok(None)
    }
}

impl Link for ManagerLink {
    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Task>> {
        let pause = self.pause();
        if !pause.is_zero() {
            let _ = tokio::time::timeout(pause, stop.reached(Stage::Draining)).await;
        }
        while stop.stage() == Stage::Working {
            let held = match self.ask().await {
                Ok(Some(held)) => held,
                Ok(None) => continue,
                Err(error) => return self.ended(error),
            };
            if held.payload.is_none() {
                // The stop mark of Python programs; a lease on it must not bring it back.
                return match held.lease {
                    Some(id) => self.end_lease(id, Settle::Ack).await.map(|()| None),
                    None => Ok(None),
                }
                .or_else(|error| self.ended(error));
            }
            if stop.stage() != Stage::Working && held.lease.is_some() {
                return self.release(&held).await.map(|()| None).or_else(|error| self.ended(error));
            }
            match self.accept(held).await {
                Ok(None) => {}
                Ok(task) => return Ok(task),
                Err(error) => return self.ended(error),
            }
        }
        Ok(None)
    }

    async fn started(&mut self, _task: &Task) -> anyhow::Result<bool> {
        Ok(true)
    }

    /// A result is one item: its recipe hands nothing on.
    async fn hand_on(
        &mut self,
        _task: &Task,
        _is_stderr: bool,
        _bytes: Vec<u8>,
        _stop: &Stop,
    ) -> anyhow::Result<bool> {
        anyhow::bail!("output that is handed on has nowhere to go")
    }

    /// A lease is renewed by that, so that a command may take longer than one lasts. Once it has
    /// run out, somebody else has the task.
    async fn is_wanted(&mut self, task: &Task) -> bool {
        let Some(id) = self.held.as_ref().and_then(|held| held.lease) else { return true };
        match self.tasks.renew(id).await {
            Err(error) if is_run_out(&error) => {
                self.tell_run_out(&name(&task.piece));
                false
            }
            // Of an earlier piecework, or gone: that is met again when the task is settled.
            _ => true,
        }
    }

    async fn settle(&mut self, task: Task, outcome: Outcome, _ran: Ran) -> anyhow::Result<()> {
        let held = self.held.take().context("nothing to settle")?;
        let name = name(&task.piece);
        let settled = match self.judge(outcome) {
            Verdict::Answer(result) => self.answer(&name, &held, &result).await,
            Verdict::Failure(why) => {
                output::talk(format_args!("{name}: {why}; {}", fate(&held)));
                self.fail(&held).await
            }
            Verdict::Untried => self.release(&held).await,
        };
        match settled {
            // The next request for a task finds that out too, and ends the slot.
            Ok(()) | Err(CallError::Closed { .. }) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot settle {name}")),
        }
    }

    async fn close(self) {
        // Who cannot be told does not mind.
        let _ = self.results.close().await;
        let _ = self.tasks.close().await;
    }
}

/// How a task ends.
#[derive(Debug)]
enum Verdict {
    /// With this result.
    Answer(Value),
    /// It failed, and why.
    Failure(String),
    /// As if it had never been taken.
    Untried,
}

/// What a task is called.
fn name(piece: &Piece) -> String {
    format!("task {} ({})", piece.seq, plain::shown(&piece.args.concat()))
}

/// What becomes of a task that failed.
fn fate(held: &Held) -> &'static str {
    match held.lease {
        Some(_) => "given back, the attempt counts",
        None => "put back at the end of the queue, as this manager cannot count attempts",
    }
}

/// Whether a call came too late for its lease: the task is ready again, or somebody else's.
fn is_run_out(error: &CallError) -> bool {
    matches!(error, CallError::Remote { class, .. } if class == "LookupError")
}

/// Whether somebody has called `Queue.shutdown()`.
fn is_shut_down(error: &CallError) -> bool {
    matches!(error, CallError::Remote { class, .. } if class == "ShutDown")
}
