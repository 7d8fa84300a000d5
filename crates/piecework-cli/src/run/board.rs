//! The seam to a manager: where a run's orders are put and taken, and its reports come together.
//!
//! Two things are behind it: the embedded manager of this process ([`embedded`](super::embedded)),
//! and one on the network ([`remote`](super::remote)).

use std::future::Future;

use piecework_wire::Payload;

/// An order that was taken, under a lease.
#[derive(Debug)]
pub(crate) struct Leased {
    /// What settles it.
    pub(crate) id: u64,
    /// Which attempt it is, from 1; earlier ones were lost with their workers.
    pub(crate) attempt: u32,
    /// The order.
    pub(crate) payload: Payload,
}

/// One session with the manager of a run. What it has taken goes back when it ends.
pub(crate) trait Board: Send + 'static {
    /// Puts an order; tells whether the run still takes any.
    fn put(&mut self, order: Payload) -> impl Future<Output = anyhow::Result<bool>> + Send;

    /// Waits for the next report; `None` once there will be no more.
    fn report(&mut self) -> impl Future<Output = anyhow::Result<Option<Payload>>> + Send;

    /// Waits for an order; `None` once there will be no more. Given up, it has taken none, or the
    /// session must end.
    fn take(&mut self) -> impl Future<Output = anyhow::Result<Option<Leased>>> + Send;

    /// Tells something about an order that was taken, and waits while there is too much told.
    fn tell(
        &mut self,
        results: &str,
        report: Payload,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Settles an order with its last report. False if nobody wants it any more.
    fn answer(
        &mut self,
        id: u64,
        results: &str,
        report: Payload,
    ) -> impl Future<Output = anyhow::Result<bool>> + Send;

    /// Settles an order by putting it once more, changed.
    fn again(&mut self, id: u64, order: Payload)
    -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Gives an order back that was not tried.
    fn release(&mut self, id: u64) -> impl Future<Output = anyhow::Result<()>> + Send;
}
