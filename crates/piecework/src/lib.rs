//! Work spread over processes and machines: queues of a manager, and the commands that do the work.
//!
//! A manager holds named queues; it is `piecework serve`, or any Python program that uses
//! `multiprocessing.managers`. This crate is its client. It does not decode what is in the queues:
//! a [`Payload`] goes through as it is, and reads as a [`Value`] where it is plain data.
//!
//! ```no_run
//! use piecework::{Key, Manager, Payload, Value};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = Manager::connect("10.0.0.5:5000", Key::new("abc")).await?;
//! let session = manager.session().await?;
//! let (tasks, results) = (session.queue("task").await?, session.queue("result").await?);
//! while let Some(task) = tasks.get(None).await? {
//!     let Value::Int(number) = task.value()? else { continue };
//!     results.put(&Payload::from_value(&Value::Int(number * number))).await?;
//! }
//! # Ok(())
//! # }
//! ```

pub mod command;
mod connection;
mod error;
mod manager;
mod queue;
mod session;

pub use error::{Error, ProtocolError};
pub use manager::Manager;
pub use piecework_net::{Address, AddressError, PORT};
pub use piecework_wire::auth::Key;
pub use piecework_wire::reply::Leased;
pub use piecework_wire::{Payload, Value, WireError};
pub use queue::{RawQueue, Settle};
pub use session::Session;
