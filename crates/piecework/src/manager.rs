//! A manager somewhere on the network: piecework's own, or a stock Python one.
use std::sync::Arc;

use piecework_wire::auth::Key;
use piecework_wire::request::ArgOut;
use piecework_wire::{Value, WireError};
use tokio::sync::Mutex;

use crate::connection::{Connection, Place};
use crate::error::Error;
use crate::queue::RawQueue;

/// Where a manager listens when only its host is given, as `piecework serve` does.
pub const PORT: u16 = 5000;

/// Under this ident, piecework's manager answers calls about itself.
const MANAGER_IDENT: &str = "manager";

/// How native clients name themselves; the number is that of the native calls.
const NATIVE_NAME: &str = "piecework/1";

/// A manager that was reached once; cheap to clone, holds no connection.
#[derive(Clone, Debug)]
pub struct Manager {
    place: Place,
}

impl Manager {
    /// Checks that a manager answers at `address` (`host` or `host:port`) and has the same key.
    ///
    /// # Errors
    /// Nobody answers there, or with another key, or in another protocol.
    pub async fn connect(address: impl AsRef<str>, key: Key) -> Result<Self, Error> {
        let manager = Self { place: Place { address: with_port(address.as_ref()).into(), key } };
        manager.call_once("dummy", &[]).await?;
        Ok(manager)
    }

    /// Returns the address, as `host:port`.
    pub fn address(&self) -> &str {
        &self.place.address
    }

    /// Opens a session: a connection of its own, which owns the leases of what is got over it.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn session(&self) -> Result<Session, Error> {
        let mut connection = Connection::open(&self.place).await?;
        let name = format!("{NATIVE_NAME} {}", program());
        connection.call(None, "accept_connection", &[ArgOut::Str(&name)]).await?;
        let connection = Arc::new(Mutex::new(connection));
        Ok(Session { manager: self.clone(), connection })
    }

    /// Opens a queue in a session of its own.
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn queue(&self, name: &str) -> Result<RawQueue, Error> {
        self.session().await?.queue(name).await
    }

    /// Calls a method of the manager itself: `queues`, `sessions`, `purge` or `shutdown`.
    ///
    /// # Errors
    /// The manager cannot be reached, or refuses, or is a stock Python one, which has no such
    /// methods.
    pub async fn call(&self, method: &str, args: &[Value]) -> Result<Value, Error> {
        let session = self.session().await?;
        let args: Vec<ArgOut<'_>> = args.iter().map(ArgOut::Value).collect();
        let mut connection = session.connection.lock().await;
        match connection.call(Some(MANAGER_IDENT), method, &args).await {
            Ok(returned) => returned.value().map_err(|error| connection.protocol(error)),
            Err(error) if error.is_remote("KeyError") && is_of_ident(&error) => {
                Err(Error::Remote {
                    class: "LookupError".to_owned(),
                    message: format!(
                        "the manager at {} has no method {method:?}; hint: it is a stock Python \
                         manager, `piecework serve` runs one that has it",
                        self.place.address
                    ),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Makes one call to the manager on a connection of its own, which then ends.
    pub(crate) async fn call_once(
        &self,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<piecework_wire::reply::Returned, Error> {
        Connection::open(&self.place).await?.call(None, method, args).await
    }

    /// Makes a handle on a queue, whichever of the usual typeids it is registered under.
    async fn create(&self, name: &str) -> Result<(String, Vec<String>), Error> {
        let typeids = [name.to_owned(), format!("get_{name}_queue"), format!("get_{name}")];
        let mut first_refusal = None;
        for typeid in &typeids {
            match self.call_once("create", &[ArgOut::Str(typeid)]).await {
                Ok(returned) => {
                    return returned.created().map_err(|source: WireError| Error::Protocol {
                        address: self.place.address.to_string(),
                        source: source.into(),
                    });
                }
                Err(Error::Remote { class, message }) if class == "KeyError" => {
                    first_refusal.get_or_insert(message);
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::NoQueue {
            address: self.place.address.to_string(),
            name: name.to_owned(),
            tried: typeids.join(", "),
            message: first_refusal.unwrap_or_default(),
        })
    }
}

/// A connection over which queues are used, one call at a time.
///
/// What is got over it is leased to it, so a task and its answer go over the same session. It ends
/// when its last clone and the last of its queues are dropped.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) manager: Manager,
    pub(crate) connection: Arc<Mutex<Connection>>,
}

impl Session {
    /// Opens a queue: by the name that `piecework serve --queue` gave it, or by a typeid.
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn queue(&self, name: &str) -> Result<RawQueue, Error> {
        let (ident, exposed) = self.manager.create(name).await?;
        Ok(RawQueue::new(self.clone(), ident, &exposed))
    }
}

/// Whether it was the ident that the manager did not find: a stock one repeats it in quotes.
fn is_of_ident(error: &Error) -> bool {
    error.to_string().contains(&format!("'{MANAGER_IDENT}'"))
}

/// Adds the usual port where none is named; an IPv6 address needs brackets to name one.
fn with_port(address: &str) -> String {
    let colons = address.matches(':').count();
    match address.rsplit_once(':') {
        _ if colons > 1 && !address.starts_with('[') => format!("[{address}]:{PORT}"),
        Some((_, port)) if !port.ends_with(']') => address.to_owned(),
        _ => format!("{address}:{PORT}"),
    }
}

/// The name of this program, for the manager's list of sessions.
fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_is_added_where_none_is_named() {
        let cases = [
            ("example.org", "example.org:5000"),
            ("example.org:80", "example.org:80"),
            ("10.0.0.5", "10.0.0.5:5000"),
            ("::1", "[::1]:5000"),
            ("[::1]", "[::1]:5000"),
            ("[::1]:80", "[::1]:80"),
        ];
        for (given, expected) in cases {
            assert_eq!(with_port(given), expected);
        }
    }
}
