//! The piecework manager as a library: the only place where sockets, clocks and tasks meet.
//!
//! ```no_run
//! use piecework_server::{Config, Key, Server};
//!
//! # async fn example() -> Result<(), piecework_server::ServerError> {
//! let config = Config::new(Key::new("a secret of some length"));
//! let server = Server::bind(config).await?;
//! println!("listening on {}", server.addresses()[0]);
//! server.run(std::future::pending()).await
//! # }
//! ```
//!
//! Bytes go one way: a connection cuts frames off its socket, its
//! session reads them and says which call they mean, the hub has the state
//! decide, and the reply goes back the same way.

mod allowance;
mod clock;
mod committer;
mod complaints;
mod config;
mod connection;
mod ended;
mod failures;
mod groups;
mod hub;
mod input;
mod keeper;
mod keyring;
pub mod limits;
mod listener;
mod lobby;
mod local;
pub mod measure;
mod netstat;
mod object_spec;
mod process;
mod queue_spec;
mod registry;
pub mod runs;
mod server;
mod session;
mod socket;
mod stage;
mod unsent;

pub use config::{Config, ServerError, Shutdown, Storage};
pub use keyring::Keyring;
pub use limits::Limits;
pub use local::Local;
pub use object_spec::ObjectSpec;
pub use piecework_engine::{
    Checked, DATABASE, EngineError, ObjectCount, QueueCount, SyncPolicy, Syncer, backup, check,
};
pub use piecework_net::{Address, AddressError};
pub use piecework_state::{
    Call, Delivery, ItemId, Payload, QueueId, QueueStats, Reply, Settle, StateError, Take, Wait,
};
pub use piecework_wire::Policy;
pub use piecework_wire::auth::Key;
pub use queue_spec::{AckSpec, Payloads, QueueSpec};
pub use server::Server;
