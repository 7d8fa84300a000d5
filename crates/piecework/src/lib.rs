//! Work spread over processes and machines: queues of a manager, and the commands that do the work.
//!
//! A manager holds named queues; it is `piecework serve`, any Python program that uses
//! `multiprocessing.managers`, or this program itself. What is put by one program, in Rust or in
//! Python, is got by another.
//!
//! ```
//! use piecework::Manager;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), piecework::Error> {
//! // Elsewhere: `Manager::connect("10.0.0.5:5000", Key::new("abc"))`.
//! let manager = Manager::local().await?;
//! let (tasks, results) = (manager.queue("task").await?, manager.queue("result").await?);
//! tasks.put_all(&[3411_u64, 1605, 1398]).await?;
//! for _ in 0..3 {
//!     let n = tasks.lease().await?; // the manager's until it is answered
//!     let text = format!("{} * {} = {}", *n, *n, *n * *n);
//!     n.answer(&results, &text).await?;
//! }
//! assert_eq!(results.get().await?, "3411 * 3411 = 11634921");
//! # Ok(())
//! # }
//! ```

// Only here: in the crates below an `expect` says what cannot be.
#![warn(clippy::missing_panics_doc)]

/// The tasks that are our own are found by the same path as anybody's.
extern crate self as piecework;

mod again;
mod any_error;
mod claim;
pub mod command;
mod connection;
mod driver;
mod error;
mod item;
mod lease;
mod link;
mod manager;
pub mod objects;
mod opening;
mod pipe;
mod place;
mod pool;
mod process;
mod queue;
mod raw_queue;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "server")]
mod served;
mod session;
mod sessions;
mod target;
pub mod tasks;
mod worker;

#[cfg(feature = "server")]
pub use piecework_server as server;

pub use any_error::Error;
pub use error::{
    AnswerError, CallError, ConnectError, Elsewhere, EntryError, GetError, Mismatch, Missing,
    OpenError, ProtocolError, PutError, Unsayable,
};
pub use lease::Lease;
pub use manager::Manager;
pub use piecework_macros::task;
pub use piecework_net::{Address, AddressError, PORT};
pub use piecework_wire::auth::Key;
pub use piecework_wire::reply::Leased;
pub use piecework_wire::{Payload, Value, WireError};
pub use pipe::{PipeEnd, PipeError, pipe};
pub use pool::{AsyncResult, Pool, PoolOptions};
pub use process::Process;
pub use queue::Queue;
pub use raw_queue::{RawQueue, Settle};
pub use session::Session;
pub use tasks::init;
pub use worker::{Concurrency, Handle, Stopper, Worker, WorkerError};

/// The Rust of the README is code that compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
