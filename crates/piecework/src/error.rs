//! What can go wrong between a client and a manager, and whose fault it is.
use std::io;

use piecework_net::AddressError;
use piecework_wire::WireError;
use piecework_wire::auth::AuthError;
use thiserror::Error;

/// Why a call to a manager has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// What was given is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Nobody answers at the address.
    #[error(
        "cannot reach a manager at {address}: {source}; hint: is it running, and does it listen on that address?"
    )]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The manager has another authkey than we.
    #[error("the manager at {address} has another authkey; hint: both sides must use the same one")]
    WrongKey {
        /// Where it is.
        address: String,
    },
    /// The connection has ended, or a call on it was given up, after which no reply can be told
    /// from another.
    #[error("the connection to the manager at {address} is closed: {why}")]
    Closed {
        /// Where the manager is, or was.
        address: String,
        /// How it ended.
        why: String,
    },
    /// The manager has no such queue.
    #[error("the manager at {address} has no queue {name:?}: it refused {tried} with {message:?}")]
    NoQueue {
        /// Where the manager is.
        address: String,
        /// What was asked for.
        name: String,
        /// The typeids that were asked for in turn.
        tried: String,
        /// What it said to the first one.
        message: String,
    },
    /// The manager refused the call, or the call raised an exception there.
    #[error("{class}{colon}{message}", colon = if message.is_empty() { "" } else { ": " })]
    Remote {
        /// The exception's class, without its module.
        class: String,
        /// What it says.
        message: String,
    },
    /// What is to be put cannot be said as plain data.
    #[error("cannot put a {kind}: {why}")]
    Unsayable {
        /// The Rust type.
        kind: &'static str,
        /// What is in the way.
        why: String,
    },
    /// What was got is of another type than what was asked for.
    #[error(
        "cannot read {found} as a {kind}: {why}; \
         hint: both sides of a queue must mean the same; a `RawQueue` takes anything"
    )]
    Mismatch {
        /// The Rust type.
        kind: &'static str,
        /// The Python value.
        found: String,
        /// Where they differ.
        why: String,
    },
    /// An answer was to go to a queue of another manager than that of its task.
    #[error(
        "the queue {queue:?} is not one of the manager at {address}, which the task is of; \
         hint: `put` the answer there, and then `ack` the task"
    )]
    Elsewhere {
        /// The queue.
        queue: String,
        /// Where the task's manager is.
        address: String,
    },
    /// The manager's bytes make no sense.
    #[error("the manager at {address} does not speak the managers protocol: {source}")]
    Protocol {
        /// Where it is.
        address: String,
        /// The rule that was broken.
        source: ProtocolError,
    },
}

/// Which rule of the protocol a manager broke.
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

impl Error {
    /// Returns whether the call raised an exception of this class at the manager.
    pub(crate) fn is_remote(&self, name: &str) -> bool {
        matches!(self, Self::Remote { class, .. } if class == name)
    }
}
