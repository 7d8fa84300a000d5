//! The connections of a pool over workers: one for tasks, and one that owns the queue of answers.

use std::collections::HashSet;

use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, Value};
use tokio::task::JoinSet;

use crate::error::{CallError, OpenError};
use crate::manager::Manager;
use crate::raw_queue::{RawQueue, Settle};
use crate::session::MANAGER_IDENT;
use crate::worker::message::Order;

/// Answers that are got at a time.
const ANSWERS_MAX: usize = 100;

/// The connections of a pool, while they last.
pub(super) struct Line {
    tasks: RawQueue,
    pub(super) answers: RawQueue,
    pub(super) puts: JoinSet<(u64, Result<(), CallError>)>,
    /// Dead items that are somebody else's.
    pub(super) others: HashSet<i64>,
}

impl Line {
    pub(super) async fn open(manager: &Manager, queue: &str) -> Result<Self, OpenError> {
        let tasks = manager.raw_queue(queue).await?;
        if !tasks.is_native() {
            return Err(OpenError::Call(CallError::Remote {
                class: "LookupError".to_owned(),
                message: format!(
                    "the manager at {} is a stock Python one, which has no queue of answers for \
                     each pool; hint: `piecework serve` runs one that has",
                    manager.address()
                ),
            }));
        }
        let (_, answers) = manager.session().await?.begin_run().await?;
        Ok(Self { tasks, answers, puts: JoinSet::new(), others: HashSet::new() })
    }

    pub(super) fn put(&mut self, number: u64, order: &Order) {
        let (tasks, answers) = (self.tasks.clone(), self.answers.ident().to_owned());
        let order = Order { answers: Some(answers.clone()), ..order.clone() }.payload();
        self.puts.spawn(async move {
            let put = tasks.put_for(&order, &answers).await;
            (number, put)
        });
    }

    /// What the manager says of the dead items of the queue.
    pub(super) async fn ask(&self, method: &str, arguments: &[Value]) -> Result<Value, CallError> {
        let name = self.tasks.ident().rsplit_once('.').map_or("", |(name, _)| name);
        let name = Value::from(name);
        let arguments: Vec<_> =
            std::iter::once(&name).chain(arguments).map(ArgOut::Value).collect();
        let session = self.tasks.session();
        let returned = session.call(MANAGER_IDENT, method, &arguments).await?;
        match method {
            "payload" => returned.payload().and_then(|payload| payload.value()),
            _ => returned.value(),
        }
        .map_err(|error| session.place().protocol(error))
    }
}

/// Waits for answers, and gets those that are there.
pub(super) async fn read(answers: RawQueue) -> Result<Vec<Payload>, CallError> {
    let leased = answers.lease(ANSWERS_MAX, None).await?;
    let mut payloads = Vec::with_capacity(leased.len());
    for it in leased {
        answers.settle_soon(it.id, Settle::Ack)?;
        payloads.push(it.payload);
    }
    Ok(payloads)
}
