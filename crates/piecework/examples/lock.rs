//! A balance that many change at once: without the lock it would not be 0 in the end.
//!
//! ```text
//! 0
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use piecework::{Error, Manager};
use tokio::task::JoinSet;

/// Puts in, and takes out: the balance should be what it was.
async fn change_it(manager: Manager, n: i64) -> Result<(), Error> {
    let lock = manager.lock("accounts").await?;
    let balance = manager.value::<i64>("balance").await?;
    for _ in 0..50 {
        let held = lock.lock().await?;
        balance.set(&(balance.get().await? + n)).await?;
        balance.set(&(balance.get().await? - n)).await?;
        held.unlock().await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), piecework::Error> {
    let manager = Manager::local().await?;
    let mut tasks = JoinSet::new();
    for n in [5, 8] {
        tasks.spawn(change_it(manager.clone(), n));
    }
    tasks.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("{}", manager.value::<i64>("balance").await?.get().await?);
    Ok(())
}
