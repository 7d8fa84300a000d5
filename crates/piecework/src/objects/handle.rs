//! A handle on one object of a manager.
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use piecework_wire::reply::Returned;
use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, WireError};
use serde::de::DeserializeOwned;

use crate::again::Again;
use crate::driver::{Unclaimed, Undo};
use crate::error::{CallError, GetError, OpenError};
use crate::item::from_payload;
use crate::manager::Manager;
use crate::opening::Wanted;
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
    ) -> Result<Self, OpenError> {
        let number = number.map(|number| format!("={number}")).unwrap_or_default();
        // A stock manager has no types in its typeids; piecework's tells what is wrong.
        let typeids = [format!("{name}:{kind}{number}"), name.to_owned(), format!("get_{name}")];
        let wanted = Wanted { place: manager.place(), kind, name };
        let opened = wanted.open(&typeids).await?;
        if !opened.has(method) {
            return Err(wanted.missing(format!("what it has of that name has no {method:?}")));
        }
        Ok(Self { manager: manager.clone(), ident: opened.ident.into() })
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
    ) -> Result<Returned, CallError> {
        let sessions = self.manager.sessions();
        let call = |session: Session| async move { session.call(&self.ident, method, args).await };
        sessions.again(again, || sessions.shared(), call).await
    }

    /// Makes a call that may wait, over a session of its own; given up, it ends the session.
    pub(super) async fn wait(
        &self,
        again: Again,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<(Returned, Seat), CallError> {
        self.wait_or(again, method, args, Unclaimed::HangUp).await
    }

    /// The same; given up, its reply is `unclaimed`.
    pub(super) async fn wait_or(
        &self,
        again: Again,
        method: &str,
        args: &[ArgOut<'_>],
        unclaimed: Unclaimed,
    ) -> Result<(Returned, Seat), CallError> {
        let unclaimed = &unclaimed;
        let call = |seat: Seat| async move {
            let call = seat.session.call_for(&self.ident, method, args, unclaimed.clone());
            Ok((call.await?, seat))
        };
        self.manager.sessions().again(again, || self.seat(), call).await
    }

    /// Makes a call that may wait over this session; given up, it ends the session.
    pub(super) async fn wait_over(
        &self,
        seat: &Seat,
        method: &str,
        args: &[ArgOut<'_>],
    ) -> Result<Returned, CallError> {
        seat.session.call_for(&self.ident, method, args, Unclaimed::HangUp).await
    }

    pub(super) async fn seat(&self) -> Result<Seat, CallError> {
        Arc::clone(self.manager.sessions()).seat().await
    }

    /// Makes a call that takes a value out, if there is one: `none` is raised where there is none.
    /// What nobody takes, or is no `T`, is put back by the call that `back` makes of it.
    pub(super) async fn take<T: DeserializeOwned>(
        &self,
        method: &str,
        args: &[ArgOut<'_>],
        none: &str,
        back: impl Fn(&str, Payload) -> Option<BytesMut> + Send + Sync + 'static,
    ) -> Result<Option<T>, GetError> {
        let (ident, session) = (Arc::clone(&self.ident), self.manager.sessions().shared().await?);
        let undo = move |returned: &Returned| {
            let payload = returned.payload().ok();
            Vec::from_iter(payload.and_then(|payload| back(&ident, payload)))
        };
        let undo: Arc<Undo> = Arc::new(undo);
        let unclaimed = Unclaimed::Undone(Arc::clone(&undo));
        let taken = match session.call_for(&self.ident, method, args, unclaimed).await {
            Err(error) if error.is_remote(none) => return Ok(None),
            taken => taken?,
        };
        let read = self.read(&taken);
        if matches!(read, Err(GetError::Mismatch(_))) {
            for request in undo(&taken) {
                session.post_written(&self.ident, request)?;
            }
        }
        read.map(Some)
    }

    /// Makes a call over this session whose reply is of no interest.
    pub(super) fn post(&self, session: &Session, method: &str) {
        if let Err(error) = session.post(&self.ident, method, &[]) {
            tracing::debug!(%error, method, "its connection has ended, and with it what was held");
        }
    }

    /// Reads plain data of a type.
    pub(super) fn read<T: DeserializeOwned>(&self, returned: &Returned) -> Result<T, GetError> {
        Ok(from_payload(&self.payload(returned)?)?)
    }

    /// Reads what the manager says in words of its own, and not in a client's.
    pub(super) fn told<T: DeserializeOwned>(&self, returned: &Returned) -> Result<T, CallError> {
        from_payload(&self.payload(returned)?).map_err(|odd| {
            let (message, what) = ("reply of an object", odd.found);
            self.manager.place().protocol(WireError::Shape { message, what })
        })
    }

    pub(super) fn payload(&self, returned: &Returned) -> Result<Payload, CallError> {
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
