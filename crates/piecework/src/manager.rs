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
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let (here, there) = (manager.clone(), manager); // for two parts of a program
/// let put = tokio::spawn(async move {
///     here.queue("task").await?.put(&3411_u64).await?;
///     Ok::<(), piecework::Error>(())
/// });
/// assert_eq!(there.queue::<u64>("task").await?.get().await?, 3411);
/// put.await??;
/// # Ok(())
/// # }
/// ```
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use piecework::{Key, Manager};
    /// # use piecework::server::Config;
    /// # let mut config = Config::new(Key::new("abc"));
    /// # config.listen = vec!["127.0.0.1:0".parse()?];
    /// # let served = Manager::serve(config).await?;
    /// # let address = served.address();
    ///
    /// // Such as "10.0.0.5:5000", or "unix:/run/piecework.sock".
    /// let manager = Manager::connect(&address, Key::new("abc")).await?;
    /// assert!(Manager::connect(&address, Key::new("another")).await.is_err());
    /// # drop(manager);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use std::time::Duration;
    ///
    /// let manager = manager.with_patience(Duration::from_secs(3_600)); // for one that is moved
    /// # drop(manager);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// println!("the manager at {}", manager.address());
    /// # Ok(())
    /// # }
    /// ```
    pub fn address(&self) -> String {
        self.place().to_string()
    }

    /// Opens a session: a connection of its own, which owns the leases of what is got over it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let session = manager.session().await?;
    /// let (tasks, results) = (session.queue("task").await?, session.queue("result").await?);
    /// # drop((tasks, results));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn session(&self) -> Result<Session, CallError> {
        self.sessions.session().await
    }

    /// Opens a queue of items that are not looked into, in a session of its own.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let tasks = manager.raw_queue("task").await?;
    /// assert_eq!(tasks.qsize().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn raw_queue(&self, name: &str) -> Result<RawQueue, OpenError> {
        self.session().await?.queue(name).await
    }

    /// Returns what was put, of a dead item of the queue of this name.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use piecework::{Manager, Settle};
    /// # use piecework::{Key, Payload, Value, server::Config};
    /// # let item = Payload::from_value(&Value::from("a"));
    ///
    /// # let mut config = Config::new(Key::new("abc"));
    /// # config.listen.clear();
    /// config.queues = vec!["task:attempts=1".parse()?];
    /// let manager = Manager::serve(config).await?;
    /// let tasks = manager.raw_queue("task").await?;
    /// tasks.put(&item).await?;
    /// let leased = tasks.lease(1, None).await?.remove(0);
    /// tasks.settle(leased.id, Settle::Nack).await?; // it was the only attempt
    /// assert_eq!(manager.dead_payload("task", leased.id).await?, item);
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// use piecework::Value;
    ///
    /// manager.queue("task").await?.put_all(&[1, 2]).await?;
    /// let Value::List(queues) = manager.call("queues", &[]).await? else { panic!("it is one") };
    /// println!("{} queues, such as {}", queues.len(), queues[0]);
    /// let purged = manager.call("purge", &["task".into()]).await?;
    /// assert_eq!(purged, Value::Int(2));
    /// # Ok(())
    /// # }
    /// ```
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
