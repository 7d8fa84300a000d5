//! What can go wrong between a client and a manager, an enum for each kind of call; each variant
//! says whose fault it is.
use std::io;

use piecework_net::AddressError;
use piecework_wire::WireError;
use piecework_wire::auth::AuthError;
use thiserror::Error;

/// Why a call to a manager has no result.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::CallError;
///
/// let error = manager.call("dance", &[]).await.unwrap_err();
/// assert!(matches!(&error, CallError::Remote { class, .. } if class == "AttributeError"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The network's, or the manager's: nobody answers at the address.
    #[error(
        "cannot reach a manager at {address}: {source}; hint: is it running, and does it listen on that address?"
    )]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The caller's: the manager has another authkey than we.
    #[error("the manager at {address} has another authkey; hint: both sides must use the same one")]
    WrongKey {
        /// Where it is.
        address: String,
    },
    /// The network's, or the manager's: the connection has ended; or the caller's, who gave up a
    /// call after which no reply can be told from another.
    #[error("the connection to the manager at {address} is closed: {why}")]
    Closed {
        /// Where the manager is, or was.
        address: String,
        /// How it ended.
        why: String,
    },
    /// The caller's: the manager refused the call, or the call raised an exception there.
    #[error("{class}{colon}{message}", colon = if message.is_empty() { "" } else { ": " })]
    Remote {
        /// The exception's class, without its module.
        class: String,
        /// What it says.
        message: String,
    },
    /// The manager's: its bytes make no sense.
    #[error("the manager at {address} does not speak the managers protocol: {source}")]
    Protocol {
        /// Where it is.
        address: String,
        /// The rule that was broken.
        source: ProtocolError,
    },
}

/// Which rule of the protocol a manager broke.
///
/// ```
/// use piecework::{CallError, ProtocolError};
///
/// /// Whether the other side is no manager of the protocol, so that it is of no use to try again.
/// fn is_stranger(error: &CallError) -> bool {
///     matches!(error, CallError::Protocol { source: ProtocolError::Wire(_), .. })
/// }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// One about frames and messages.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// One about challenges and answers.
    #[error(transparent)]
    Auth(#[from] AuthError),
}

/// Why there is no [`Manager`](crate::Manager), or no [`Pool`](crate::Pool) of its workers.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use piecework::{ConnectError, Key, Manager};
///
/// let nobody = Manager::connect("unix:/no/such/socket", Key::new("abc")).await;
/// assert!(matches!(nobody, Err(ConnectError::Call(error)) if error.is_gone()));
/// let nowhere = Manager::connect("unix:", Key::new("abc")).await;
/// assert!(matches!(nowhere, Err(ConnectError::Address(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The caller's: what was given is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Of a pool: the manager has no queue of its name.
    #[error(transparent)]
    Missing(Box<Missing>),
    /// It cannot be reached, or has another key, or is no manager.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Why a queue or an object of a manager cannot be used.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::OpenError;
///
/// let opened = manager.queue::<u64>("no such name").await;
/// assert!(matches!(opened, Err(OpenError::Missing(_))));
/// manager.queue("task").await?.put(&1).await?;
/// let opened = manager.lock("task").await; // it is there, and is no lock
/// assert!(matches!(opened, Err(OpenError::Call(error)) if error.is_remote("TypeError")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The caller's, or the manager's who did not make it: there is none.
    #[error(transparent)]
    Missing(Box<Missing>),
    /// The manager cannot be reached, or refuses.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The manager has no queue or object of that name, or it is of another kind.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::OpenError;
///
/// let opened = manager.queue::<u64>("no such name").await;
/// let Err(OpenError::Missing(missing)) = opened else { panic!("{opened:?}") };
/// assert_eq!((&*missing.kind, &*missing.name), ("queue", "no such name"));
/// assert!(missing.to_string().contains("hint: "), "{missing}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[error("the manager at {address} has no {kind} {name:?}: {why}; hint: {}", hint(kind, name))]
pub struct Missing {
    /// Where the manager is.
    pub address: String,
    /// What was asked for: a queue, a Lock, a dict.
    pub kind: String,
    /// By which name.
    pub name: String,
    /// What it said, or what is there instead.
    pub why: String,
}

fn hint(kind: &str, name: &str) -> String {
    match kind {
        "queue" => format!("`piecework serve --queue {name}` has one"),
        kind => format!("`piecework serve --object {name}:{kind}` has one"),
    }
}

/// Why an item or a value was not put or set.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::PutError;
/// use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};
///
/// let paths = manager.queue::<PathBuf>("path").await?;
/// let put = paths.put(&OsStr::from_bytes(b"\xff").into()).await; // it is no text
/// assert!(matches!(put, Err(PutError::Unsayable(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PutError {
    /// The caller's: it cannot be said as plain data.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// The manager cannot be reached, or refuses it.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Why there is no item or value.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::GetError;
///
/// manager.queue("task").await?.put(&"seven").await?;
/// let got = manager.queue::<u64>("task").await?.get().await;
/// assert!(matches!(got, Err(GetError::Mismatch(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GetError {
    /// It is of another type than what was asked for.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The manager cannot be reached, or refuses.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Why there is no value of a key.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use piecework::EntryError;
///
/// let dict = manager.dict::<Vec<u64>, u64>("dict").await?;
/// let error = dict.get(&vec![1]).await.unwrap_err();
/// let EntryError::Call(refused) = error else { panic!("{error}") };
/// assert_eq!(refused.to_string(), "TypeError: unhashable type: 'list'");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The caller's: the key, or the value to be, cannot be said as plain data.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// The value is of another type than what was asked for.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The manager cannot be reached, or refuses: a list is no key.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Why an item was not answered; it is still its lease's, which ends then.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # use piecework::{AnswerError, Manager};
/// manager.queue("task").await?.put(&7).await?;
/// let elsewhere = Manager::local().await?.queue("result").await?;
/// let answered = manager.queue::<u64>("task").await?.lease().await?.answer(&elsewhere, &49).await;
/// assert!(matches!(answered, Err(AnswerError::Elsewhere(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The caller's: the answer cannot be said as plain data.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// The caller's: the answer was to go to another manager.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// The manager cannot be reached, or refuses the answer, or the lease has ended.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What is to be put cannot be said as plain data.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};
///
/// let paths = manager.queue::<PathBuf>("path").await?;
/// let error = paths.put(&OsStr::from_bytes(b"\xff").into()).await.unwrap_err();
/// assert!(error.to_string().ends_with("path contains invalid UTF-8 characters"), "{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[error("cannot put a {kind}: {why}")]
pub struct Unsayable {
    /// The Rust type.
    pub kind: &'static str,
    /// What is in the way.
    pub why: String,
}

/// What was got is of another type than what was asked for.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// manager.value("balance").await?.set(&"much".to_owned()).await?;
/// let error = manager.value::<i64>("balance").await?.get().await.unwrap_err();
/// assert!(error.to_string().starts_with("cannot read 'much' as a i64"), "{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[error(
    "cannot read {found} as a {kind}: {why}; \
     hint: both sides of a queue must mean the same; a `RawQueue` takes anything"
)]
pub struct Mismatch {
    /// The Rust type.
    pub kind: &'static str,
    /// The Python value.
    pub found: String,
    /// Where they differ.
    pub why: String,
}

/// An answer was to go to a queue of another manager than that of its task.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// # use piecework::Manager;
/// manager.queue("task").await?.put(&7).await?;
/// let task = manager.queue::<u64>("task").await?.lease().await?;
/// let elsewhere = Manager::local().await?.queue("result").await?;
/// let error = task.answer(&elsewhere, &49).await.unwrap_err();
/// assert!(error.to_string().ends_with("hint: `put` the answer there, and then `ack` the task"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[error(
    "the queue {queue:?} is not one of the manager at {address}, which the task is of; \
     hint: `put` the answer there, and then `ack` the task"
)]
pub struct Elsewhere {
    /// The queue.
    pub queue: String,
    /// Where the task's manager is.
    pub address: String,
}

impl CallError {
    /// Returns whether the call raised an exception of this class at the manager.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let error = manager.call("dance", &[]).await.unwrap_err();
    /// assert!(error.is_remote("AttributeError") && !error.is_remote("KeyError"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_remote(&self, name: &str) -> bool {
        matches!(self, Self::Remote { class, .. } if class == name)
    }

    /// Returns whether the manager, or the connection to it, is gone: it may come back.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use piecework::{ConnectError, Key, Manager};
    ///
    /// let reached = Manager::connect("unix:/no/such/socket", Key::new("abc")).await;
    /// let Err(ConnectError::Call(error)) = reached else { panic!("{reached:?}") };
    /// assert!(error.is_gone()); // it may be there later
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Closed { .. })
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}

impl OpenError {
    /// The error of a call on what was there before: it raises at the manager, too.
    pub(crate) fn into_call(self) -> CallError {
        match self {
            Self::Call(error) => error,
            Self::Missing(missing) => {
                CallError::Remote { class: "KeyError".to_owned(), message: missing.to_string() }
            }
        }
    }
}

impl From<GetError> for EntryError {
    fn from(error: GetError) -> Self {
        match error {
            GetError::Mismatch(mismatch) => Self::Mismatch(mismatch),
            GetError::Call(error) => Self::Call(error),
        }
    }
}

impl From<OpenError> for ConnectError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Missing(missing) => Self::Missing(missing),
            OpenError::Call(error) => Self::Call(error),
        }
    }
}
