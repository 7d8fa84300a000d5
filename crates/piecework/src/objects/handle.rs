//! A handle on one object of a manager.
use std::sync::Arc;
use std::time::Duration;

use piecework_wire::Payload;
use piecework_wire::reply::Returned;
use piecework_wire::request::ArgOut;
use serde::de::DeserializeOwned;

use crate::again::Again;
use crate::connection::Connection;
use crate::driver::Unclaimed;
use crate::error::Error;
use crate::item::from_payload;
use crate::manager::Manager;
use crate::session::Session;
use crate::sessions::Seat;

/// A handle on one object of a manager; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    manager: Manager,
    ident: Arc<str>,
}

impl Handle {
    /// Opens the object `name` of the type `kind`; `number` is what it begins with if it is made.
    pub(super) async fn open(
        manager: &Manager,
        name: &str,
        kind: &str,
        number: Option<u32>,
        method: &str,
    ) -> Result<Self, Error> {
        let number = number.map(|number| format!("={number}")).unwrap_or_default();
        // A stock manager has no types in its typeids; piecework's tells what is wrong.
        let typeids = [format!("{name}:{kind}{number}"), name.to_owned(), format!("get_{name}")];
        let mut refused = None;
        for typeid in &typeids {
            match Connection::call_once(manager.place(), "create", &[ArgOut::Str(typeid)]).await {
                Ok(created) => {
                    let created = created.created();
                    let (ident, exposed) =
                        created.map_err(|error| manager.place().protocol(error))?;
                    if !exposed.iter().any(|exposed| exposed == method) {
                        let message = format!("its {name:?} is no {kind}: it has no {method:?}");
                        return Err(Error::Remote { class: "TypeError".to_owned(), message });
                    }
                    return Ok(Self { manager: manager.clone(), ident: ident.into() });
                }
                Err(error @ Error::Remote { .. }) if error.is_remote("KeyError") => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused.expect("one typeid at least was asked for"))
    }

    pub(super) fn ident(&self) -> &str {
        &self.ident
    }

    /// Makes a call that is answered at once.
    pub(super) async fn call(
        &self,
        again: Again,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, Error> {
        loop {
            let session = self.manager.sessions().shared().await?;
            match session.call(&self.ident, method, args).await {
                Err(Error::Closed { .. }) if again == Again::Yes => {}
                answered => return answered,
            }
        }
    }

    /// Makes a call that may wait, over a session of its own; given up, it ends the session.
    pub(super) async fn wait(
        &self,
        again: Again,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<(Returned, Seat), Error> {
        self.wait_or(again, method, args, Unclaimed::HangUp).await
    }

    /// The same; given up, its reply is `unclaimed`.
    pub(super) async fn wait_or(
        &self,
        again: Again,
        method: &str,
        args: &[ArgOut<'_>],
        unclaimed: Unclaimed,
    ) -> Result<(Returned, Seat), Error> {
        loop {
            let seat = self.seat().await?;
            match seat.session.call_for(&self.ident, method, args, unclaimed.clone()).await {
                Err(Error::Closed { .. }) if again == Again::Yes => {}
                answered => return Ok((answered?, seat)),
            }
        }
    }

    /// Makes a call that may wait over this session; given up, it ends the session.
    pub(super) async fn wait_over(
        &self,
        seat: &Seat,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, Error> {
        seat.session.call_for(&self.ident, method, args, Unclaimed::HangUp).await
    }

    pub(super) async fn seat(&self) -> Result<Seat, Error> {
        Arc::clone(self.manager.sessions()).seat().await
    }

    /// Makes a call over this session whose reply is of no interest.
    pub(super) fn post(&self, session: &Session, method: &str) {
        if let Err(error) = session.post(&self.ident, method, &[]) {
            tracing::debug!(%error, method, "its connection has ended, and with it what was held");
        }
    }

    /// Reads plain data of a type.
    pub(super) fn read<T: DeserializeOwned>(&self, returned: &Returned) -> Result<T, Error> {
        from_payload(&self.payload(returned)?)
    }

    pub(super) fn payload(&self, returned: &Returned) -> Result<Payload, Error> {
        returned.payload().map_err(|error| self.manager.place().protocol(error))
    }
}

/// How long a call waits: for ever, or so long.
pub(super) fn patience(timeout: Option<Duration>) -> ArgOut<'static> {
    timeout.map_or(ArgOut::None, |timeout| ArgOut::Float(timeout.as_secs_f64()))
}

/// An argument that says a count.
pub(super) fn count(count: usize) -> ArgOut<'static> {
    ArgOut::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
