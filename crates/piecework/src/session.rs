//! A session with a manager: the connection that owns what is leased over it.
use std::sync::Arc;

use bytes::BytesMut;
use piecework_wire::reply::Returned;
use piecework_wire::request::{ArgOut, request};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::claim::Claim;
use crate::connection::Connection;
use crate::driver::{self, Call, Order, Unclaimed, order_soon};
use crate::error::CallError;
use crate::place::Place;

/// How native clients name themselves; the number is that of the native calls.
const NATIVE_NAME: &str = "piecework/1";

/// Under this ident, piecework's manager answers calls about itself.
pub(crate) const MANAGER_IDENT: &str = "manager";

/// A connection over which queues and other objects are used. Calls that are made at the same time
/// travel together, and are answered in order: one that waits has those behind it wait as well.
///
/// What is got over it is leased to it, so a task and its answer go over the same session. It ends
/// when its last clone and the last of its queues are dropped.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # let item = piecework::Payload::from_value(&"a".into());
/// let session = manager.session().await?;
/// let (tasks, results) = (session.queue("task").await?, session.queue("result").await?);
/// tasks.put(&item).await?;
/// let task = tasks.lease(1, None).await?.remove(0); // leased to this session
/// tasks.answer(task.id, results.ident(), &item).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    place: Place,
    orders: mpsc::Sender<Order>,
    ended: Arc<driver::Ended>,
    /// Held by whoever waits for items.
    turn: Arc<Mutex<()>>,
}

impl Session {
    pub(crate) async fn open(place: &Place) -> Result<Self, CallError> {
        let mut connection = Connection::open(place).await?;
        let name = format!("{NATIVE_NAME} {}", program());
        connection.call(None, "accept_connection", &[ArgOut::Str(&name)]).await?;
        let (orders, ended) = driver::drive(connection);
        Ok(Self { place: place.clone(), orders, ended, turn: Arc::default() })
    }

    /// What the manager's list of sessions shows of this one from now on, up to 1,000 bytes.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let session = manager.session().await?;
    /// session.announce("reads the mail").await?;
    /// let sessions = manager.call("sessions", &[]).await?.to_string();
    /// assert!(sessions.contains("reads the mail"), "{sessions}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the manager is a stock Python one.
    pub async fn announce(&self, note: &str) -> Result<(), CallError> {
        self.call(MANAGER_IDENT, "announce", &[ArgOut::Str(note)]).await.map(drop)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Makes one call on an object, the reply to which is nothing to be kept.
    pub(crate) async fn call(
        &self,
        ident: &str,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, CallError> {
        self.call_for(ident, method, args, Unclaimed::Dropped).await
    }

    /// Makes one call on an object; if its future is dropped, its reply is `unclaimed`.
    pub(crate) async fn call_for(
        &self,
        ident: &str,
        method: &str,
        args: &[ArgOut<'_>],
        unclaimed: Unclaimed,
    ) -> Result<Returned, CallError> {
        let (call, replied) = prepare(ident, method, args, unclaimed.clone());
        let claim = Claim::new(replied, unclaimed, self.orders.clone());
        if self.orders.send(Order::Call(call)).await.is_err() {
            return Err(self.closed());
        }
        claim.reply().await.unwrap_or_else(|| Err(self.closed()))
    }

    /// Makes one call whose reply nobody waits for: it travels in front of all that are made later.
    pub(crate) fn post(
        &self,
        ident: &str,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<(), CallError> {
        self.order(ident, method, args).map(drop)
    }

    /// Makes one call as [`Session::post`] does, whether or not its reply is waited for then.
    pub(crate) fn order(
        &self,
        ident: &str,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<impl Future<Output = Result<(), CallError>> + use<>, CallError> {
        let (call, replied) = prepare(ident, method, args, Unclaimed::Dropped);
        self.order_soon(call)?;
        let session = self.clone();
        Ok(async move {
            let replied = replied.await.unwrap_or_else(|_| Err(session.closed()));
            replied.map(drop)
        })
    }

    /// Makes a call that is [`written`] already, as [`Session::post`] does.
    pub(crate) fn post_written(&self, ident: &str, request: BytesMut) -> Result<(), CallError> {
        let (reply, _) = oneshot::channel();
        let (pipelined, unclaimed) = (is_native(ident), Unclaimed::Dropped);
        self.order_soon(Call { request, pipelined, unclaimed, reply })
    }

    fn order_soon(&self, call: Call) -> Result<(), CallError> {
        match order_soon(&self.orders, Order::Call(call)) {
            true => Ok(()),
            false => Err(self.closed()),
        }
    }

    /// Has others over this session wait who would wait for items, too; `None` if the time is up
    /// before it is this one's turn.
    pub(crate) async fn turn(&self, deadline: Option<Instant>) -> Option<MutexGuard<'_, ()>> {
        match deadline {
            None => Some(self.turn.lock().await),
            // In this order: a turn that may be had at once is had by whoever does not wait.
            Some(deadline) => match self.turn.try_lock() {
                Ok(turn) => Some(turn),
                Err(_) => timeout_at(deadline, self.turn.lock()).await.ok(),
            },
        }
    }

    /// Whether nothing can be called over it any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.orders.is_closed()
    }

    fn closed(&self) -> CallError {
        let why = self.ended.get().map_or("the program that used it ends", String::as_str);
        self.place.closed(why)
    }
}

fn prepare(
    ident: &str,
    method: &str,
    args: &[ArgOut<'_>],
    unclaimed: Unclaimed,
) -> (Call, oneshot::Receiver<Result<Returned, CallError>>) {
    let (reply, replied) = oneshot::channel();
    let request = written(ident, method, args);
    (Call { request, pipelined: is_native(ident), unclaimed, reply }, replied)
}

/// A call of an object's method as it travels.
pub(crate) fn written(ident: &str, method: &str, args: &[ArgOut<'_>]) -> BytesMut {
    let mut bytes = BytesMut::new();
    request(&mut bytes, Some(ident), method, args, &[]);
    bytes
}

/// Whether an ident is of piecework's manager: a stock one's are hexadecimal.
fn is_native(ident: &str) -> bool {
    ident.contains('.')
}

/// The name of this program, for the manager's list of sessions.
fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
