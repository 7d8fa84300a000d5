//! The task that reads and writes one connection: calls go out as they come, replies go to whoever
//! made the call, in order.
//!
//! Replies carry no number by which to tell them apart, so the order is all there is. A stock
//! manager gets one call at a time: it would answer a second one some 40 ms late, when our
//! acknowledgement of the first reply comes.
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use piecework_wire::reply::Returned;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::connection::{self, Connection};
use crate::error::CallError;

/// Calls that are under way on one connection; whoever makes one more waits for room.
pub(crate) const CALLS_MAX: usize = 1_000;

/// How long the manager may take to answer what is under way when nobody is left to call.
const CLOSING_MAX: Duration = Duration::from_secs(5);

const GIVEN_UP: &str = "a call was given up before its reply";

/// Why a connection has ended, once it has.
pub(crate) type Ended = OnceLock<String>;

/// What the task is asked for.
#[derive(Debug)]
pub(crate) enum Order {
    Call(Call),
    /// A reply was not taken that only the end of the connection gives back.
    HangUp,
}

/// A call that is to be sent.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: BytesMut,
    /// Whether others may go out before its reply has come.
    pub(crate) pipelined: bool,
    /// What becomes of its reply if nobody waits for that any more.
    pub(crate) unclaimed: Unclaimed,
    pub(crate) reply: oneshot::Sender<Result<Returned, CallError>>,
}

/// What becomes of a reply that nobody waits for any more.
#[derive(Clone)]
pub(crate) enum Unclaimed {
    /// There is nothing in it to be kept.
    Dropped,
    /// It may hold an item, which only the end of the connection gives back.
    HangUp,
    /// It may hold what these requests give back.
    Undone(Arc<Undo>),
    /// It may hold what neither the end of the connection gives back nor a request over it, which
    /// has ended by then: this sees to it.
    Told(Arc<Tell>),
}

/// The requests that give back what a reply brought.
pub(crate) type Undo = dyn Fn(&Returned) -> Vec<BytesMut> + Send + Sync;

/// Takes a reply that nobody waits for any more.
pub(crate) type Tell = dyn Fn(&Returned) + Send + Sync;

impl fmt::Debug for Unclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dropped => "Dropped",
            Self::HangUp => "HangUp",
            Self::Undone(_) => "Undone",
            Self::Told(_) => "Told",
        })
    }
}

/// Begins to read and write a connection; whoever drops the last sender ends it.
pub(crate) fn drive(connection: Connection) -> (mpsc::Sender<Order>, Arc<Ended>) {
    let (sender, orders) = mpsc::channel(CALLS_MAX);
    let ended = Arc::new(Ended::new());
    let driver = Driver { connection, waiting: VecDeque::new() };
    tokio::spawn(driver.run(orders, Arc::clone(&ended)));
    (sender, ended)
}

/// Gives an order without waiting: in front of all that are given later, if there is room for it.
/// False, if the connection has ended or the program has no runtime any more.
pub(crate) fn order_soon(orders: &mpsc::Sender<Order>, order: Order) -> bool {
    match orders.try_send(order) {
        Ok(()) => true,
        Err(TrySendError::Closed(_)) => false,
        Err(TrySendError::Full(order)) => {
            let Ok(runtime) = Handle::try_current() else { return false };
            let orders = orders.clone();
            runtime.spawn(async move { drop(orders.send(order).await) });
            true
        }
    }
}

struct Driver {
    connection: Connection,
    waiting: VecDeque<Waiting>,
}

/// Who waits for the next reply.
struct Waiting {
    pipelined: bool,
    unclaimed: Unclaimed,
    /// Nobody, if it is the reply to a request of our own.
    reply: Option<oneshot::Sender<Result<Returned, CallError>>>,
}

impl Driver {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>, ended: Arc<Ended>) {
        let why = match self.serve(&mut orders).await {
            // Nobody is left who could call.
            Ok(()) => {
                let _ = timeout(CLOSING_MAX, self.finish()).await;
                return;
            }
            Err(error) => connection::why(&error),
        };
        let _ = ended.set(why);
        orders.close();
        // Whoever waits, or has called and was not yet heard, loses the sender and asks `ended`.
        self.waiting.clear();
    }

    async fn serve(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<(), CallError> {
        loop {
            let room = self.has_room();
            tokio::select! {
                biased;
                order = orders.recv(), if room => match order {
                    Some(Order::Call(call)) => self.send(call)?,
                    Some(Order::HangUp) => return Err(self.connection.closed(GIVEN_UP)),
                    None => return Ok(()),
                },
                frame = self.connection.turn() => self.hand_out(frame?)?,
            }
        }
    }

    /// What is under way is to be heard of by the manager: leases that are settled, above all. What
    /// may wait for long is not waited for: the end of the connection gives it up. What was granted
    /// at the same moment is on its way all the same, so the manager's own end has to be seen where
    /// that counts.
    async fn finish(&mut self) -> Result<(), CallError> {
        let is_told = |waiting: &Waiting| matches!(waiting.unclaimed, Unclaimed::Told(_));
        let is_due =
            |waiting: &Waiting| matches!(waiting.unclaimed, Unclaimed::Dropped) || is_told(waiting);
        if self.waiting.iter().any(is_told) {
            self.connection.say_no_more();
        }
        while self.waiting.iter().any(is_due) {
            let frame = self.connection.turn().await?;
            self.hand_out(frame)?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < CALLS_MAX && self.waiting.back().is_none_or(|last| last.pipelined)
    }

    fn send(&mut self, call: Call) -> Result<(), CallError> {
        let Call { request, pipelined, unclaimed, reply } = call;
        let is_given_up = |waiting: &Waiting| {
            matches!(waiting.unclaimed, Unclaimed::HangUp)
                && waiting.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
        };
        if self.waiting.iter().any(is_given_up) {
            return Err(self.connection.closed(GIVEN_UP));
        }
        self.connection.send(&request);
        self.waiting.push_back(Waiting { pipelined, unclaimed, reply: Some(reply) });
        Ok(())
    }

    fn hand_out(&mut self, frame: Bytes) -> Result<(), CallError> {
        let Some(Waiting { unclaimed, reply, .. }) = self.waiting.pop_front() else {
            return Err(self.connection.closed("it answered what nobody had asked"));
        };
        let Some(reply) = reply else { return Ok(()) };
        match (reply.send(self.connection.read_reply(frame)), unclaimed) {
            (Err(Ok(_)), Unclaimed::HangUp) => Err(self.connection.closed(GIVEN_UP)),
            (Err(Ok(unclaimed)), Unclaimed::Undone(undo)) => {
                for request in undo(&unclaimed) {
                    self.connection.send(&request);
                    let unclaimed = Unclaimed::Dropped;
                    self.waiting.push_back(Waiting { pipelined: true, unclaimed, reply: None });
                }
                Ok(())
            }
            (Err(Ok(unclaimed)), Unclaimed::Told(tell)) => {
                tell(&unclaimed);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
