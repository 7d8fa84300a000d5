//! What a server is told when it starts, and how starting can fail.

use crate::object_spec::ObjectSpec;
use crate::{Keyring, Limits, Payloads, QueueSpec};
use piecework_engine::{EngineError, SyncPolicy};
use piecework_net::{Address, PORT};
use piecework_state::ReplayError;
use piecework_wire::Policy;
use piecework_wire::auth::Key;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything a server is told; made with [`Config::new`] and changed field by field.
#[derive(Debug)]
pub struct Config {
    /// Addresses to listen on; port 0 takes a free one.
    pub listen: Vec<Address>,
    /// The secrets one of which clients must know.
    pub keys: Keyring,
    /// The named queues. Others that earlier runs have left are served as they were kept.
    pub queues: Vec<QueueSpec>,
    /// Named objects beside them, which end with the manager.
    pub objects: Vec<ObjectSpec>,
    /// Whether an unknown typeid registers a queue of that name.
    pub open: bool,
    /// Typeids that make an anonymous queue at every `create`, as `Queue` and `JoinableQueue` do.
    pub anonymous: Vec<String>,
    /// Typeids that are refused, each with the reason that its client is told.
    pub refused: Vec<(String, String)>,
    /// Which payloads are let in, where a queue does not say.
    pub payloads: Payloads,
    /// The policy of [`Payloads::Data`].
    pub policy: Policy,
    /// Who may shut the manager down over the network.
    pub shutdown: Shutdown,
    /// The limits.
    pub limits: Limits,
    /// Where decisions are kept.
    pub storage: Storage,
}

/// Where decisions are kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Storage {
    /// Nowhere: all ends with the manager.
    #[default]
    Memory,
    /// In a folder of the manager's own.
    Disk {
        /// Which; made if it is not there.
        folder: PathBuf,
        /// When what was decided is safe from a loss of power.
        sync: SyncPolicy,
    },
}

/// Who may shut the manager down over the network.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shutdown {
    /// Clients on the same machine that run as the same user.
    #[default]
    SameUser,
    /// Every client, as with CPython's own server.
    Anyone,
}

impl Config {
    /// Listens on 127.0.0.1:5000, the tutorials' port, with the queues `task` and `result`.
    pub fn new(key: Key) -> Self {
        Self {
            listen: vec![Address::from(SocketAddr::from(([127, 0, 0, 1], PORT)))],
            keys: Keyring::new(key),
            queues: vec![QueueSpec::kept("task"), QueueSpec::kept("result")],
            objects: Vec::new(),
            open: false,
            anonymous: Vec::new(),
            refused: Vec::new(),
            payloads: Payloads::default(),
            policy: Policy::data(),
            shutdown: Shutdown::default(),
            limits: Limits::default(),
            storage: Storage::default(),
        }
    }
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An address to listen on cannot be understood or found.
    #[error(
        "cannot listen on '{address}': {error}; hint: an address is HOST:PORT, say 127.0.0.1:5000"
    )]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        error: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "address {address} is in use{}; hint: stop it, or listen elsewhere",
        holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default()
    )]
    InUse {
        /// Where.
        address: String,
        /// The process that holds it, where that can be known.
        holder: Option<String>,
    },
    /// Listening failed otherwise.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// Where.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The queues do not fit together.
    #[error("{0}")]
    Queues(String),
    /// What earlier runs have kept cannot be read, or no more can be kept.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What earlier runs have kept does not fit together.
    #[error("what earlier runs have kept does not fit together: {0}")]
    Replay(#[from] ReplayError),
    /// The thread that keeps decisions could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// What was decided could not be kept; the log says why.
    #[error("the manager could not keep what it had decided, and stops; hint: its log says why")]
    Lost,
}
