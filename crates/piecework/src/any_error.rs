//! The error that all others widen into.
use piecework_net::AddressError;
use thiserror::Error;

use crate::command::CommandError;
use crate::error::{
    AnswerError, CallError, ConnectError, Elsewhere, EntryError, GetError, Mismatch, Missing,
    OpenError, PutError, Unsayable,
};
use crate::pipe::PipeError;
use crate::tasks::TaskError;
use crate::worker::WorkerError;

/// Whatever can go wrong with this crate: what a program's own functions return that do several
/// things. Each call's own error becomes one by `?`.
///
/// ```
/// use piecework::{Error, Manager};
///
/// async fn greet(manager: &Manager) -> Result<String, Error> {
///     let mails = manager.queue("mails").await?; // an `OpenError`
///     mails.put(&"Dear Python".to_owned()).await?; // a `PutError`
///     Ok(mails.get().await?) // a `GetError`
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Error> {
/// assert_eq!(greet(&Manager::local().await?).await?, "Dear Python");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's: what was given is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The caller's, or the manager's who did not make it: there is no such queue or object.
    #[error(transparent)]
    Missing(Box<Missing>),
    /// The manager's, the network's, or the caller's: see there.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The caller's: what is to be put cannot be said as plain data.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// Of whoever put it, or of whoever reads it: they do not mean the same.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The caller's: an answer was to go to a queue of another manager than that of its task.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// The task's, its process's, or the caller's: see there.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The other end's, or the caller's: see there.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// The caller's, or the system's: see there.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The caller's, or the system's: see there.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The caller's, or the system's: a manager that was to run in this process does not.
    #[cfg(feature = "server")]
    #[error(transparent)]
    Server(#[from] piecework_server::ServerError),
}

/// Has an enum widen into [`Error`], variant by variant of the same names.
macro_rules! widen {
    ($($narrow:ident: $($variant:ident)|+;)+) => {$(
        impl From<$narrow> for Error {
            fn from(error: $narrow) -> Self {
                match error {
                    $($narrow::$variant(error) => Self::$variant(error),)+
                }
            }
        }
    )+};
}

widen! {
    ConnectError: Address | Missing | Call;
    OpenError: Missing | Call;
    PutError: Unsayable | Call;
    GetError: Mismatch | Call;
    EntryError: Unsayable | Mismatch | Call;
    AnswerError: Unsayable | Elsewhere | Call;
}
