//! A queue of a manager, as it is: payloads in, payloads out.
mod lease;
mod open;

pub use lease::Settle;

use std::time::Duration;

use piecework_wire::reply::Returned;
use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, Value, WireError};

use crate::connection::Connection;
use crate::driver::Unclaimed;
use crate::error::CallError;
use crate::session::Session;

/// A handle on a queue whose items are not decoded.
///
/// Calls on queues of one [`Session`] are answered in order. A `get` whose future is dropped before
/// its reply closes the session, which gives back what it may have got; a `lease` whose future is
/// dropped leases nothing.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::{Payload, Value};
///
/// let tasks = manager.raw_queue("task").await?;
/// tasks.put(&Payload::from_value(&Value::from("a"))).await?; // whatever Python calls an object
/// let item = tasks.get(None).await?.expect("it waits for one");
/// assert_eq!(item.value()?, Value::from("a"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RawQueue {
    session: Session,
    ident: String,
    native: bool,
}

impl RawQueue {
    /// Returns whether this is a queue of piecework: only then are there leases and `put_many`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// assert!(manager.raw_queue("task").await?.is_native());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Returns what calls on this queue name it by: as the target of [`RawQueue::answer`] it is as
    /// good as a name.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # use piecework::{Payload, Value};
    /// # let session = manager.session().await?;
    /// # let tasks = session.queue("task").await?;
    /// # let item = Payload::from_value(&Value::from("a"));
    /// let results = session.queue("result").await?;
    /// tasks.put_to(results.ident(), &item).await?;
    /// assert_eq!(results.qsize().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ident(&self) -> &str {
        &self.ident
    }

    /// Returns the session over which this queue is used.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let tasks = manager.raw_queue("task").await?;
    /// tasks.session().announce("reads the mail").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Puts an item; waits while the queue is full.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// tasks.put(&item).await?;
    /// assert_eq!(tasks.get(None).await?, Some(item));
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # use piecework::{Payload, Value};
    /// # let session = manager.session().await?;
    /// # let tasks = session.queue("task").await?;
    /// # let item = Payload::from_value(&Value::from("a"));
    /// let results = session.queue("result").await?;
    /// tasks.put_to(results.ident(), &item).await?;
    /// assert_eq!(results.get(None).await?, Some(item));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and there is no such queue.
    pub async fn put_to(&self, ident: &str, item: &Payload) -> Result<(), CallError> {
        self.session.call(ident, "put", &[ArgOut::Payload(item)]).await.map(drop)
    }

    /// Puts an item to another queue of the same manager if that has room; tells whether it had.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # use piecework::{Payload, Value};
    /// # let session = manager.session().await?;
    /// # let tasks = session.queue("task").await?;
    /// # let item = Payload::from_value(&Value::from("a"));
    /// let results = session.queue("result").await?;
    /// assert!(tasks.put_to_now(results.ident(), &item).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`RawQueue::put_to`].
    pub async fn put_to_now(&self, ident: &str, item: &Payload) -> Result<bool, CallError> {
        had_room(self.session.call(ident, "put_nowait", &[ArgOut::Payload(item)]).await)
    }

    /// Puts an item whose answer is for the queue `results`, named by its [`ident`](Self::ident):
    /// once that queue has ended, nobody gets the item any more.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// let (tasks, results) = manager.session().await?.begin_run().await?;
    /// tasks.put_for(&item, results.ident()).await?;
    /// let task = tasks.lease(1, None).await?.remove(0);
    /// tasks.answer(task.id, results.ident(), &item).await?;
    /// assert_eq!(results.get(None).await?, Some(item));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and this queue is not native, or there is no queue `results`.
    pub async fn put_for(&self, item: &Payload, results: &str) -> Result<(), CallError> {
        self.call("put_for", &[ArgOut::Payload(item), ArgOut::Str(results)]).await.map(drop)
    }

    /// Takes back the items whose answers are for the queue `results` and that nobody has got so
    /// far; returns how many those were.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// # let (tasks, results) = manager.session().await?.begin_run().await?;
    /// tasks.put_for(&item, results.ident()).await?;
    /// tasks.put_for(&item, results.ident()).await?;
    /// assert_eq!(tasks.withdraw(results.ident()).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or this queue is not native, or there is no queue `results`.
    pub async fn withdraw(&self, results: &str) -> Result<u64, CallError> {
        let returned = self.call("withdraw", &[ArgOut::Str(results)]).await?;
        self.read_count("withdraw", &returned)
    }

    /// Whether there is a queue of this [`ident`](Self::ident).
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// assert!(tasks.is_there(tasks.ident()).await?);
    /// assert!(!tasks.is_there("no-such-ident").await?);
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// tasks.put_once("order 17", &item).await?;
    /// tasks.put_once("order 17", &item).await?;
    /// assert_eq!(tasks.qsize().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`RawQueue::put`]; and the queue is not native.
    pub async fn put_once(&self, key: &str, item: &Payload) -> Result<(), CallError> {
        self.call("put_once", &[ArgOut::Str(key), ArgOut::Payload(item)]).await.map(drop)
    }

    /// Waits until every item that was put is done.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// tasks.put(&item).await?;
    /// let task = tasks.lease(1, None).await?.remove(0);
    /// tasks.settle(task.id, piecework::Settle::Ack).await?;
    /// tasks.join().await?; // at once: all is done
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn join(&self) -> Result<(), CallError> {
        self.call("join", &[]).await.map(drop)
    }

    /// Puts items, all or none; waits while the queue is full.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use piecework::{Payload, Value};
    ///
    /// let tasks = manager.raw_queue("task").await?;
    /// let items = [1, 2, 3].map(|n| Payload::from_value(&Value::Int(n)));
    /// tasks.put_many(&items).await?; // with one call
    /// assert_eq!(tasks.qsize().await?, 3);
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// assert_eq!(tasks.get(Some(Duration::ZERO)).await?, None); // does not wait
    /// tasks.put(&item).await?;
    /// assert_eq!(tasks.get(None).await?, Some(item));
    /// # Ok(())
    /// # }
    /// ```
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

    /// Returns how many items are ready.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let tasks = manager.raw_queue("task").await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// tasks.put(&item).await?;
    /// assert_eq!(tasks.qsize().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn qsize(&self) -> Result<u64, CallError> {
        let returned = self.call("qsize", &[]).await?;
        self.read_count("qsize", &returned)
    }

    /// Lets go of the queue in good order: the manager sees that this client did not crash.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let tasks = manager.raw_queue("task").await?;
    /// tasks.close().await?;
    /// # Ok(())
    /// # }
    /// ```
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

/// Whether a put that does not wait found room.
fn had_room(put: Result<Returned, CallError>) -> Result<bool, CallError> {
    match put {
        Ok(_) => Ok(true),
        Err(error) if error.is_remote("Full") => Ok(false),
        Err(error) => Err(error),
    }
}
