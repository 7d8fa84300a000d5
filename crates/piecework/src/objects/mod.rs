//! What programs share beside queues: locks and the like, and values, dicts and lists, all of them
//! the manager's. Rust and Python programs use the same ones.
//!
//! An object has a name: `piecework serve --object accounts:Lock`, or what a stock Python manager
//! registers as `accounts`. A manager with `--queue '*'`, and `Manager::local`, make what is asked
//! for and not there.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let manager = piecework::Manager::local().await?;
//! let lock = manager.lock("accounts").await?;
//! let balance = manager.value::<i64>("balance").await?;
//! let held = lock.lock().await?; // until `held` is dropped
//! balance.set(&(balance.get().await? + 5)).await?;
//! assert_eq!(balance.get().await?, 5);
//! drop(held);
//! # Ok(())
//! # }
//! ```

mod barrier;
mod condition;
mod dict;
mod event;
mod handle;
mod list;
mod lock;
mod namespace;
mod rlock;
mod semaphore;
mod value;

pub use barrier::Barrier;
pub use condition::{Condition, ConditionGuard};
pub use dict::Dict;
pub use event::Event;
pub use list::List;
pub use lock::{Lock, LockGuard};
pub use namespace::Namespace;
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{Permit, Semaphore};
pub use value::Value;
