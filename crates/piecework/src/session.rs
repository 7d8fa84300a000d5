//! A session with a manager: the connection that owns what is leased over it.
use std::sync::Arc;

use piecework_wire::reply::Returned;
use piecework_wire::request::ArgOut;
use tokio::sync::Mutex;

use crate::connection::{Connection, Place};
use crate::error::Error;

/// How native clients name themselves; the number is that of the native calls.
const NATIVE_NAME: &str = "piecework/1";

/// Under this ident, piecework's manager answers calls about itself.
pub(crate) const MANAGER_IDENT: &str = "manager";

/// A connection over which queues are used, one call at a time.
///
/// What is got over it is leased to it, so a task and its answer go over the same session. It ends
/// when its last clone and the last of its queues are dropped.
#[derive(Clone, Debug)]
pub struct Session {
    place: Place,
    connection: Arc<Mutex<Connection>>,
}

impl Session {
    pub(crate) async fn open(place: &Place) -> Result<Self, Error> {
        let mut connection = Connection::open(place).await?;
        let name = format!("{NATIVE_NAME} {}", program());
        connection.call(None, "accept_connection", &[ArgOut::Str(&name)]).await?;
        Ok(Self { place: place.clone(), connection: Arc::new(Mutex::new(connection)) })
    }

    /// What the manager's list of sessions shows of this one from now on, up to 1,000 bytes.
    ///
    /// # Errors
    /// The connection has ended, or the manager is a stock Python one.
    pub async fn announce(&self, note: &str) -> Result<(), Error> {
        self.call(MANAGER_IDENT, "announce", &[ArgOut::Str(note)]).await.map(drop)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Makes one call on an object.
    pub(crate) async fn call(
        &self,
        ident: &str,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, Error> {
        self.connection.lock().await.call(Some(ident), method, args).await
    }
}

/// The name of this program, for the manager's list of sessions.
fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
