//! A queue of a manager, as it is: payloads in, payloads out.
use std::sync::Arc;
use std::time::Duration;

use piecework_wire::reply::{Leased, Returned};
use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, Value, WireError};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::driver::Unclaimed;
use crate::error::{CallError, OpenError};
use crate::opening::Wanted;
use crate::session::{MANAGER_IDENT, Session, written};

/// The method that only piecework's queues have: by it they are told from stock ones.
const NATIVE_METHOD: &str = "lease";

/// How a lease ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// The item is done with.
    Ack,
    /// It failed: it is ready again, with one attempt more.
    Nack,
    /// It was not tried: it is ready again, as if it had never been handed out.
    Release,
}

impl Settle {
    fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Nack => "nack",
            Self::Release => "release",
        }
    }
}

/// A handle on a queue whose items are not decoded.
///
/// Calls on queues of one [`Session`] are answered in order. A `get` whose future is dropped before
/// its reply closes the session, which gives back what it may have got; a `lease` whose future is
/// dropped leases nothing.
#[derive(Clone, Debug)]
pub struct RawQueue {
    session: Session,
    ident: String,
    native: bool,
}

impl Session {
    /// Opens a queue: by the name that `piecework serve --queue` gave it, or by a typeid.
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn queue(&self, name: &str) -> Result<RawQueue, OpenError> {
        let typeids = [name.to_owned(), format!("get_{name}_queue"), format!("get_{name}")];
        let opened = Wanted { place: self.place(), kind: "queue", name }.open(&typeids).await?;
        let native = opened.has(NATIVE_METHOD);
        Ok(RawQueue { session: self.clone(), ident: opened.ident, native })
    }

    /// Begins a run: the queue of tasks that all runs of the manager share, and a queue for the
    /// results of this one, which ends with this session.
    ///
    /// # Errors
    /// The connection has ended, or the manager is a stock Python one.
    pub async fn begin_run(&self) -> Result<(RawQueue, RawQueue), CallError> {
        let returned = self.call(MANAGER_IDENT, "run", &[]).await?;
        match returned.value().map_err(|error| self.place().protocol(error))? {
            Value::Tuple(idents) => match &idents[..] {
                [Value::Str(tasks), Value::Str(results)] => {
                    Ok((self.native_queue(tasks), self.native_queue(results)))
                }
                _ => Err(self.odd("run", &Value::Tuple(idents))),
            },
            other => Err(self.odd("run", &other)),
        }
    }

    /// Opens the queue of tasks that all runs of the manager share.
    ///
    /// # Errors
    /// The connection has ended, or the manager is a stock Python one.
    pub async fn tasks_of_runs(&self) -> Result<RawQueue, CallError> {
        let returned = self.call(MANAGER_IDENT, "tasks", &[]).await?;
        match returned.value().map_err(|error| self.place().protocol(error))? {
            Value::Str(ident) => Ok(self.native_queue(&ident)),
            other => Err(self.odd("tasks", &other)),
        }
    }

    /// A handle on what is known to be a queue of piecework.
    fn native_queue(&self, ident: &str) -> RawQueue {
        RawQueue { session: self.clone(), ident: ident.to_owned(), native: true }
    }

    fn odd(&self, message: &'static str, value: &Value) -> CallError {
        self.place().protocol(WireError::Shape { message, what: value.to_string() })
    }
}

impl RawQueue {
    /// Returns whether this is a queue of piecework: only then are there leases and `put_many`.
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Returns what calls on this queue name it by: as the target of [`RawQueue::answer`] it is as
    /// good as a name.
    pub fn ident(&self) -> &str {
        &self.ident
    }

    /// Returns the session over which this queue is used.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Puts an item; waits while the queue is full.
    ///
    /// # Errors
    /// The connection has ended, or the manager refuses the item.
    pub async fn put(&self, item: &Payload) -> Result<(), CallError> {
        self.call("put", &[ArgOut::Payload(item)]).await.map(drop)
    }

    /// The same queue, called over another session.
    pub(crate) fn over(&self, session: &Session) -> Self {
        Self { session: session.clone(), ..self.clone() }
    }

    /// Puts an item if there is room; tells whether there was.
    pub(crate) async fn put_now(&self, item: &Payload) -> Result<bool, CallError> {
        self.put_to_now(&self.ident, item).await
    }

    /// Puts items, all or none, if there is room; tells whether there was.
    pub(crate) async fn put_many_now(&self, items: &[Payload]) -> Result<bool, CallError> {
        had_room(self.call("put_many", &[ArgOut::Payloads(items), ArgOut::Bool(false)]).await)
    }

    /// Puts an item under a key if there is room; tells whether there was.
    pub(crate) async fn put_once_now(&self, key: &str, item: &Payload) -> Result<bool, CallError> {
        let args = [ArgOut::Str(key), ArgOut::Payload(item), ArgOut::Bool(false)];
        had_room(self.call("put_once", &args).await)
    }

    /// Puts an item to another queue of the same manager, named by its [`ident`](Self::ident).
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and there is no such queue.
    pub async fn put_to(&self, ident: &str, item: &Payload) -> Result<(), CallError> {
        self.session.call(ident, "put", &[ArgOut::Payload(item)]).await.map(drop)
    }

    /// Puts an item to another queue of the same manager if that has room; tells whether it had.
    ///
    /// # Errors
    /// As for [`RawQueue::put_to`].
    pub async fn put_to_now(&self, ident: &str, item: &Payload) -> Result<bool, CallError> {
        had_room(self.session.call(ident, "put_nowait", &[ArgOut::Payload(item)]).await)
    }

    /// Puts an item whose answer is for the queue `results`, named by its [`ident`](Self::ident):
    /// once that queue has ended, nobody gets the item any more.
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and this queue is not native, or there is no queue `results`.
    pub async fn put_for(&self, item: &Payload, results: &str) -> Result<(), CallError> {
        self.call("put_for", &[ArgOut::Payload(item), ArgOut::Str(results)]).await.map(drop)
    }

    /// Takes back the items whose answers are for the queue `results` and that nobody has got so
    /// far; returns how many those were.
    ///
    /// # Errors
    /// The connection has ended, or this queue is not native, or there is no queue `results`.
    pub async fn withdraw(&self, results: &str) -> Result<u64, CallError> {
        let returned = self.call("withdraw", &[ArgOut::Str(results)]).await?;
        self.read_count("withdraw", &returned)
    }

    /// Whether there is a queue of this [`ident`](Self::ident).
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn is_there(&self, ident: &str) -> Result<bool, CallError> {
        match self.session.call(ident, "empty", &[]).await {
            Ok(_) => Ok(true),
            Err(CallError::Remote { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts an item unless one was put under this key before, as long as the manager remembers.
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and the queue is not native.
    pub async fn put_once(&self, key: &str, item: &Payload) -> Result<(), CallError> {
        self.call("put_once", &[ArgOut::Str(key), ArgOut::Payload(item)]).await.map(drop)
    }

    /// Waits until every item that was put is done.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn join(&self) -> Result<(), CallError> {
        self.call("join", &[]).await.map(drop)
    }

    /// Puts items, all or none; waits while the queue is full.
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and the queue is not native, or there are too many items.
    pub async fn put_many(&self, items: &[Payload]) -> Result<(), CallError> {
        self.call("put_many", &[ArgOut::Payloads(items)]).await.map(drop)
    }

    /// Gets the next item; waits for one, without a `timeout` for ever. `None` when the time is up.
    ///
    /// Whether the item is leased by that, and what ends the lease, is a matter of the queue's ack
    /// mode; on a stock queue it is gone.
    ///
    /// # Errors
    /// The connection has ended, or the manager refuses.
    pub async fn get(&self, timeout: Option<Duration>) -> Result<Option<Payload>, CallError> {
        let args = match timeout {
            None => vec![],
            Some(Duration::ZERO) => vec![ArgOut::Bool(false)],
            Some(timeout) => vec![ArgOut::Bool(true), ArgOut::Float(timeout.as_secs_f64())],
        };
        match self.session.call_for(&self.ident, "get", &args, Unclaimed::HangUp).await {
            Ok(returned) => self.read(returned.payload()).map(Some),
            Err(error) if error.is_remote("Empty") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes up to `max` items under a lease each; waits for one, without a `timeout` for ever.
    ///
    /// # Errors
    /// The connection has ended, or the queue is not native, or the manager refuses.
    pub async fn lease(
        &self,
        max: usize,
        timeout: Option<Duration>,
    ) -> Result<Vec<Leased>, CallError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // Two that wait would give way to each other for ever.
        let Some(_turn) = self.session.turn(deadline).await else {
            return self.lease_once(max, Some(Duration::ZERO)).await;
        };
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let leased = self.lease_once(max, left).await?;
            // One that waits gives way to whatever else is asked over its session.
            if !leased.is_empty() || left == Some(Duration::ZERO) {
                return Ok(leased);
            }
        }
    }

    async fn lease_once(
        &self,
        max: usize,
        timeout: Option<Duration>,
    ) -> Result<Vec<Leased>, CallError> {
        let timeout = timeout.map_or(ArgOut::None, |it| ArgOut::Float(it.as_secs_f64()));
        let count = ArgOut::Int(i64::try_from(max).unwrap_or(i64::MAX));
        match self.session.call_for(&self.ident, "lease", &[count, timeout], self.release()).await {
            Ok(returned) => self.read(returned.leases(max)),
            Err(error) if error.is_remote("Empty") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// What was leased for nobody goes back, as if it had never been handed out.
    fn release(&self) -> Unclaimed {
        let ident = self.ident.clone();
        Unclaimed::Undone(Arc::new(move |returned: &Returned| {
            let leased = returned.leases(usize::MAX).unwrap_or_default();
            let release = |it: &Leased| {
                let args = [ArgOut::Value(&id_value(it.id)), ArgOut::Str(Settle::Release.name())];
                written(&ident, "settle", &args)
            };
            leased.iter().map(release).collect()
        }))
    }

    /// Puts `item` to the queue `to`, and acks the lease `id` of this queue: both, or neither.
    ///
    /// # Errors
    /// The connection has ended, or the lease has, or there is no queue `to`.
    pub async fn answer(&self, id: u64, to: &str, item: &Payload) -> Result<(), CallError> {
        let id = id_value(id);
        let args = [ArgOut::Value(&id), ArgOut::Str(to), ArgOut::Payload(item)];
        self.call("answer", &args).await.map(drop)
    }

    /// Has the lease `id` last for the whole of its queue's time again, from now; without effect
    /// where the queue's leases have no end.
    ///
    /// # Errors
    /// The connection has ended, or the lease has, or the queue is not native.
    pub async fn renew(&self, id: u64) -> Result<(), CallError> {
        self.call("renew", &[ArgOut::Value(&id_value(id))]).await.map(drop)
    }

    /// Ends the lease `id`.
    ///
    /// # Errors
    /// The connection has ended, or the lease has.
    pub async fn settle(&self, id: u64, how: Settle) -> Result<(), CallError> {
        let id = id_value(id);
        let args = [ArgOut::Value(&id), ArgOut::Str(how.name())];
        // Given up or not: nobody else would end it.
        self.session.order(&self.ident, "settle", &args)?.await
    }

    /// Ends the lease `id`, and does not wait until the manager has heard of it.
    pub(crate) fn settle_soon(&self, id: u64, how: Settle) -> Result<(), CallError> {
        let id = id_value(id);
        self.session.post(&self.ident, "settle", &[ArgOut::Value(&id), ArgOut::Str(how.name())])
    }

    /// Returns how many items are ready.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn qsize(&self) -> Result<u64, CallError> {
        let returned = self.call("qsize", &[]).await?;
        self.read_count("qsize", &returned)
    }

    /// Lets go of the queue in good order: the manager sees that this client did not crash.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn close(self) -> Result<(), CallError> {
        let args = [ArgOut::Str(&self.ident)];
        Connection::call_once(self.session.place(), "decref", &args).await.map(drop)
    }

    async fn call(&self, method: &str, args: &[ArgOut<'_>]) -> Result<Returned, CallError> {
        self.session.call(&self.ident, method, args).await
    }

    fn read_count(&self, message: &'static str, returned: &Returned) -> Result<u64, CallError> {
        match self.read(returned.value())? {
            Value::Int(count) => Ok(u64::try_from(count).unwrap_or_default()),
            other => self.read(Err(WireError::Shape { message, what: other.to_string() })),
        }
    }

    fn read<T>(&self, read: Result<T, WireError>) -> Result<T, CallError> {
        read.map_err(|error| self.session.place().protocol(error))
    }
}

/// An id as an int. Ids count up from 1, so none is beyond 63 bits.
fn id_value(id: u64) -> Value {
    Value::Int(i64::try_from(id).unwrap_or(i64::MAX))
}

/// Whether a put that does not wait found room.
fn had_room(put: Result<Returned, CallError>) -> Result<bool, CallError> {
    match put {
        Ok(_) => Ok(true),
        Err(error) if error.is_remote("Full") => Ok(false),
        Err(error) => Err(error),
    }
}
