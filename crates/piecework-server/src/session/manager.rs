//! The manager itself as an object: what the `piecework` command asks of it over a main
//! connection, under an ident that no queue can have.

use super::arguments::{Arguments, Signature};
use super::control::shut_down;
use super::error::PyError;
use super::items::ItemsCall;
use super::value::{dict, int, queue_value, seconds};
use crate::hub::{Called, Hub};
use crate::limits::NOTE_BYTES_MAX;
use bytes::BytesMut;
use piecework_state::{Call, SessionId, SessionStats};
use piecework_wire::{Request, Value, reply};
use std::time::Duration;

/// The manager's ident; those of handles hold a '.'.
pub(crate) const IDENT: &str = "manager";

/// A call on the manager.
#[derive(Debug)]
pub(crate) enum ManagerCall {
    /// The counts of every queue.
    Queues,
    /// Every session.
    Sessions,
    /// Drops what is ready or delayed in this queue.
    Purge(String),
    /// About single items of a queue, or its dead ones.
    Items(ItemsCall),
    /// Begins a run: idents of the queue of its tasks, which all runs share, and of one for its
    /// results, which ends with this session.
    Run,
    /// The ident of the queue that holds the tasks of all runs.
    Tasks,
    /// What this session says of itself from now on.
    Announce(String),
    /// Stops the manager.
    ShutDown,
}

impl ManagerCall {
    pub(crate) fn read(request: &Request<'_>) -> Result<Self, PyError> {
        const PURGE: Signature = Signature { method: "purge", names: &["queue"], required: 1 };
        const ANNOUNCE: Signature = Signature { method: "announce", names: &["note"], required: 1 };
        match request.method() {
            "run" => Ok(Self::Run),
            "tasks" => Ok(Self::Tasks),
            "announce" => {
                let note = Arguments::bind("Queue", request, &ANNOUNCE)?.text(0)?;
                match note.len() {
                    0..=NOTE_BYTES_MAX => Ok(Self::Announce(note)),
                    len => Err(PyError::value_error(format!(
                        "announce: a note of {len} bytes; at most {NOTE_BYTES_MAX}"
                    ))),
                }
            }
            "queues" => Ok(Self::Queues),
            "sessions" => Ok(Self::Sessions),
            "purge" => Ok(Self::Purge(Arguments::bind("Queue", request, &PURGE)?.text(0)?)),
            "shutdown" => Ok(Self::ShutDown),
            other => ItemsCall::read(request).map_or_else(
                || {
                    let of_items = ItemsCall::METHODS;
                    Err(PyError::attribute_error(format!(
                        "the manager has no method '{other}'; hint: queues, sessions, purge, \
                         {of_items}, run, tasks, announce, shutdown"
                    )))
                },
                |read| read.map(Self::Items),
            ),
        }
    }

    /// Does it, and appends the reply; or gives back what becomes the reply, where a queue is
    /// changed.
    pub(crate) fn run(
        &self,
        hub: &Hub,
        session: SessionId,
        may_shut_down: impl Fn() -> bool,
        out: &mut BytesMut,
    ) -> Result<Option<Called>, PyError> {
        match self {
            Self::Queues => {
                let queues = hub.look(|state, now| state.queue_stats(now));
                let queues = queues.iter().map(queue_value).collect();
                reply::returned(out, &Value::List(queues));
            }
            Self::Sessions => {
                let (sessions, now) = hub.look(|state, now| (state.session_stats(), now));
                let value = |stats| session_value(stats, now.since(stats.opened));
                reply::returned(out, &Value::List(sessions.iter().map(value).collect()));
            }
            Self::Purge(name) => {
                let queue = hub.look(|state, _| state.queue(name));
                let queue =
                    queue.ok_or_else(|| PyError::key_error(format!("no queue '{name}'")))?;
                return Ok(Some(hub.call_queue(session, Call::Purge(queue))));
            }
            Self::Items(call) => return call.run(hub, session, out),
            Self::Run => {
                let (tasks, results) = hub.begin_run(session)?;
                let idents = [tasks, results].map(Value::Str);
                reply::returned(out, &Value::Tuple(idents.into()));
            }
            Self::Tasks => reply::returned(out, &Value::Str(hub.tasks_of_runs(session)?)),
            Self::Announce(note) => {
                hub.announce(session, note.clone());
                reply::returned_none(out);
            }
            Self::ShutDown => shut_down(hub, may_shut_down, out)?,
        }
        Ok(None)
    }
}

/// A session as a dict; `age` is for how long it has been open.
fn session_value(stats: &SessionStats, age: Duration) -> Value {
    let text = |text: &str| Value::Str(text.to_owned());
    let waits = stats.waits.as_ref();
    dict(vec![
        ("id", int(stats.id.0)),
        ("name", text(&stats.name)),
        ("address", text(&stats.address)),
        ("key", text(&stats.key)),
        ("note", text(&stats.note)),
        ("age", seconds(age)),
        ("leases", int(stats.leases as u64)),
        ("waits_in", waits.map_or(Value::None, |(_, method)| text(method))),
        ("waits_for", waits.map_or(Value::None, |(queue, _)| text(queue))),
    ])
}
