//! The seam to a manager: where a run's orders are put and taken, and its reports come together.
//!
//! Two things are behind it: the embedded manager of this process ([`embedded`](super::embedded)),
//! and one on the network ([`remote`](super::remote)).

use piecework_wire::Payload;

use super::stop::Stop;

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
    /// Puts an order whose reports are for `results`: nobody gets it once that is gone. Tells
    /// whether the run still takes any.
    async fn put(&mut self, order: Payload, results: &str) -> anyhow::Result<bool>;

    /// Waits for the next report; `None` once there will be no more.
    async fn report(&mut self) -> anyhow::Result<Option<Payload>>;

    /// Waits for an order; `None` once there will be no more, or a stop has begun. None is taken
    /// then, or it is given back.
    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Leased>>;

    /// Tells something about an order that was taken, and waits while there is too much told, but
    /// not once commands are ended where that can be helped. False if it was not told.
    async fn tell(&mut self, results: &str, report: Payload, stop: &Stop) -> anyhow::Result<bool>;

    /// The same for what is of no great importance: left out where there is too much told.
    async fn mention(&mut self, results: &str, report: Payload) -> anyhow::Result<bool>;

    /// Whether there still is somebody for whom these results are.
    async fn is_wanted(&mut self, results: &str) -> bool;

    /// Settles an order with its last report. False if nobody wants it any more.
    async fn answer(&mut self, id: u64, results: &str, report: Payload) -> anyhow::Result<bool>;

    /// Settles an order by putting it once more, changed. False if the run takes no more.
    async fn again(&mut self, id: u64, order: Payload) -> anyhow::Result<bool>;

    /// Settles an order whose result nobody wants.
    async fn drop(&mut self, id: u64) -> anyhow::Result<()>;

    /// Gives an order back that was not tried.
    async fn release(&mut self, id: u64) -> anyhow::Result<()>;
}
