//! What a task by name looks like on a queue, and its answer: dicts that Python reads and writes.
//!
//! ```text
//! {"task": "square", "args": (7,), "id": "a", "answers": "result", "attempts": 5}
//! {"id": "a", "result": 49}
//! {"id": "a", "error": {"message": ..., "place": ..., "backtrace": ..., "worker": ...}}
//! ```
//!
//! `answers` names the queue that the answer is for, and says that somebody waits for it: then a
//! failure is an answer, too. `attempts` is how often the task is tried at most, if each attempt
//! ends with its worker, its process or its time. Both may be missing.

use piecework_wire::{Payload, Value};

use crate::tasks::{Failure, TaskError};

/// How often a task is tried whose worker dies, unless it says otherwise.
pub(crate) const ATTEMPTS: u32 = 5;

/// A task by name.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) task: String,
    /// A tuple, or a list; None if there are none, as serde has it.
    pub(crate) arguments: Value,
    /// What its answer repeats.
    pub(crate) id: Value,
    /// The queue that somebody waits at.
    pub(crate) answers: Option<String>,
    pub(crate) attempts: u32,
}

impl Order {
    /// Reads what was on a queue; or says what is wrong with it.
    pub(crate) fn read(item: Value) -> Result<Self, String> {
        let Value::Dict(entries) = item else {
            return Err(format!(
                "{item} is no dict with \"task\" and \"args\"; hint: `Worker::each` takes items \
                 that are not"
            ));
        };
        let mut order = Self {
            task: String::new(),
            arguments: Value::None,
            id: Value::None,
            answers: None,
            attempts: ATTEMPTS,
        };
        for (key, value) in entries {
            let Value::Str(key) = key else { continue };
            match (key.as_str(), value) {
                ("task", Value::Str(task)) => order.task = task,
                ("args", Value::Tuple(none) | Value::List(none)) if none.is_empty() => {}
                ("args", arguments @ (Value::Tuple(_) | Value::List(_))) => {
                    order.arguments = arguments;
                }
                ("id", id) => order.id = id,
                ("answers", Value::Str(answers)) => order.answers = Some(answers),
                ("attempts", Value::Int(attempts)) => {
                    order.attempts = u32::try_from(attempts).unwrap_or(u32::MAX).max(1);
                }
                ("task" | "args" | "attempts", odd) => {
                    return Err(format!("its {key:?} cannot be {odd}"));
                }
                _ => {}
            }
        }
        match order.task.is_empty() {
            true => Err("it has no \"task\", the name of a function".to_owned()),
            false => Ok(order),
        }
    }

    pub(crate) fn payload(self) -> Payload {
        let answers = self.answers.map_or(Value::None, Value::Str);
        let arguments = match self.arguments {
            Value::None => Value::Tuple(Vec::new()),
            arguments => arguments,
        };
        Payload::from_value(&dict([
            ("task", Value::Str(self.task)),
            ("args", arguments),
            ("id", self.id),
            ("answers", answers),
            ("attempts", Value::Int(self.attempts.into())),
        ]))
    }
}

/// An answer to a task by name.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: Value,
    pub(crate) result: Result<Value, Failure>,
}

impl Answer {
    /// Reads what was on a queue of answers; `None` if it is none.
    pub(crate) fn read(item: Value) -> Option<Self> {
        let mut entries = entries(item);
        let id = take(&mut entries, "id")?;
        if let Some(error) = take(&mut entries, "error") {
            return Some(Self { id, result: Err(failure(error)) });
        }
        take(&mut entries, "result").map(|result| Self { id, result: Ok(result) })
    }

    pub(crate) fn payload(self) -> Payload {
        let told = match self.result {
            Ok(result) => ("result", result),
            Err(Failure { message, place, backtrace, worker }) => {
                let error = dict([
                    ("message", Value::Str(message)),
                    ("place", Value::Str(place)),
                    ("backtrace", Value::Str(backtrace)),
                    ("worker", Value::Str(worker)),
                ]);
                ("error", error)
            }
        };
        Payload::from_value(&dict([("id", self.id), told]))
    }
}

impl Failure {
    /// What an answer says of a task that failed on this worker.
    pub(crate) fn of(error: &TaskError, worker: &str) -> Self {
        let worker = worker.to_owned();
        match error {
            TaskError::Panicked(panic) => Self {
                message: panic.message.clone(),
                place: panic.place.clone(),
                backtrace: panic.backtrace.clone(),
                worker,
            },
            TaskError::Failed(message) => {
                let message = message.clone();
                Self { message, place: String::new(), backtrace: String::new(), worker }
            }
            other => {
                let message = other.to_string();
                Self { message, place: String::new(), backtrace: String::new(), worker }
            }
        }
    }
}

fn failure(error: Value) -> Failure {
    let mut entries = entries(error);
    let mut text = |key| match take(&mut entries, key) {
        Some(Value::Str(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Failure {
        message: text("message"),
        place: text("place"),
        backtrace: text("backtrace"),
        worker: text("worker"),
    }
}

fn dict<const LEN: usize>(entries: [(&str, Value); LEN]) -> Value {
    Value::Dict(entries.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn entries(value: Value) -> Vec<(Value, Value)> {
    match value {
        Value::Dict(entries) => entries,
        _ => Vec::new(),
    }
}

fn take(entries: &mut Vec<(Value, Value)>, key: &str) -> Option<Value> {
    let at = entries.iter().position(|(it, _)| matches!(it, Value::Str(it) if it == key))?;
    Some(entries.swap_remove(at).1)
}
