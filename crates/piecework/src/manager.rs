//! A manager somewhere on the network: piecework's own, or a stock Python one.
use std::sync::Arc;
use std::time::Duration;

use piecework_wire::auth::Key;
use piecework_wire::reply::Returned;
use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, Value};

use crate::connection::Connection;
use crate::error::{CallError, ConnectError, OpenError};
use crate::place::Place;
use crate::raw_queue::RawQueue;
use crate::session::{MANAGER_IDENT, Session};
use crate::sessions::{PATIENCE, Sessions};

/// A manager that was reached once; cheap to clone, holds no connection.
#[derive(Clone, Debug)]
pub struct Manager {
    sessions: Arc<Sessions>,
    /// The server, where that runs in this process.
    #[cfg(feature = "server")]
    pub(crate) served: Option<Arc<crate::served::Served>>,
}

impl Manager {
    /// Checks that a manager answers at `address` (`host`, `host:port`, or `unix:path`; or several
    /// of these with commas between them, of which the first that answers counts) and has the same
    /// key.
    ///
    /// # Errors
    /// That is no address, or nobody answers there, or with another key, or in another protocol.
    pub async fn connect(address: impl AsRef<str>, key: Key) -> Result<Self, ConnectError> {
        let manager = Self::at(Place::parse(address.as_ref(), key)?);
        Connection::call_once(manager.place(), "dummy", &[]).await?;
        Ok(manager)
    }

    pub(crate) fn at(place: Place) -> Self {
        Self {
            sessions: Arc::new(Sessions::new(place, PATIENCE)),
            #[cfg(feature = "server")]
            served: None,
        }
    }

    /// Has what is used of this manager wait for so long, instead of a minute, for one that went
    /// away to come back.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.sessions = Arc::new(Sessions::new(self.place().clone(), patience));
        self
    }

    pub(crate) fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    pub(crate) fn place(&self) -> &Place {
        self.sessions.place()
    }

    /// Returns the address, or addresses, for people to read.
    pub fn address(&self) -> String {
        self.place().to_string()
    }

    /// Opens a session: a connection of its own, which owns the leases of what is got over it.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn session(&self) -> Result<Session, CallError> {
        self.sessions.session().await
    }

    /// Opens a queue of items that are not looked into, in a session of its own.
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn raw_queue(&self, name: &str) -> Result<RawQueue, OpenError> {
        self.session().await?.queue(name).await
    }

    /// Returns what was put, of a dead item of the queue of this name.
    ///
    /// # Errors
    /// As for [`Manager::call`]; and there is no such item, or it is not dead.
    pub async fn dead_payload(&self, queue: &str, item: u64) -> Result<Payload, CallError> {
        let item = Value::Int(i64::try_from(item).unwrap_or(i64::MAX));
        let returned = self.ask("payload", &[Value::from(queue), item]).await?;
        returned.payload().map_err(|error| self.place().protocol(error))
    }

    /// Calls a method of the manager itself: `queues`, `sessions`, `purge`, `dead`, `explain`,
    /// `revive`, `drop` or `shutdown`.
    ///
    /// # Errors
    /// The manager cannot be reached, or refuses, or is a stock Python one, which has no such
    /// methods.
    pub async fn call(&self, method: &str, args: &[Value]) -> Result<Value, CallError> {
        let returned = self.ask(method, args).await?;
        returned.value().map_err(|error| self.place().protocol(error))
    }

    async fn ask(&self, method: &str, args: &[Value]) -> Result<Returned, CallError> {
        let session = self.session().await?;
        let args: Vec<ArgOut<'_>> = args.iter().map(ArgOut::Value).collect();
        match session.call(MANAGER_IDENT, method, &args).await {
            Err(error) if error.is_remote("KeyError") && is_of_ident(&error) => {
                Err(CallError::Remote {
                    class: "LookupError".to_owned(),
                    message: format!(
                        "the manager at {} has no method {method:?}; hint: it is a stock Python \
                         manager, `piecework serve` runs one that has it",
                        self.place()
                    ),
                })
            }
            answered => answered,
        }
    }
}

/// Whether it was the ident that the manager did not find: a stock one repeats it in quotes.
fn is_of_ident(error: &CallError) -> bool {
    error.to_string().contains(&format!("'{MANAGER_IDENT}'"))
}
