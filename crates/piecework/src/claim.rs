//! The reply to a call, until whoever made the call has it.
//!
//! A reply may have come when the future that waits for it is dropped: the driver is rid of it by
//! then, so what it brought is given back from here.
use piecework_wire::reply::Returned;
use tokio::sync::{mpsc, oneshot};

use crate::driver::{Call, Order, Unclaimed, order_soon};
use crate::error::CallError;

type Replied = oneshot::Receiver<Result<Returned, CallError>>;

pub(crate) struct Claim {
    replied: Replied,
    unclaimed: Unclaimed,
    orders: mpsc::Sender<Order>,
}

impl Claim {
    pub(crate) fn new(replied: Replied, unclaimed: Unclaimed, orders: mpsc::Sender<Order>) -> Self {
        Self { replied, unclaimed, orders }
    }

    /// The reply; `None` if the connection ends without one.
    pub(crate) async fn reply(mut self) -> Option<Result<Returned, CallError>> {
        (&mut self.replied).await.ok()
    }

    fn order(&self, order: Order) {
        if !order_soon(&self.orders, order) {
            tracing::debug!("a reply that nobody took goes with its connection");
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // From here on the driver sees to what comes.
        self.replied.close();
        let Ok(Ok(returned)) = self.replied.try_recv() else { return };
        match &self.unclaimed {
            Unclaimed::Dropped => {}
            Unclaimed::HangUp => self.order(Order::HangUp),
            Unclaimed::Told(tell) => tell(&returned),
            Unclaimed::Undone(undo) => {
                for request in undo(&returned) {
                    let (reply, _) = oneshot::channel();
                    let unclaimed = Unclaimed::Dropped;
                    self.order(Order::Call(Call { request, pipelined: true, unclaimed, reply }));
                }
            }
        }
    }
}
