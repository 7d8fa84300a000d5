//! The worker of the tutorials as it is written with `Worker`: squares the numbers of the queue
//! `task` on all cores. Its master is `task_master`, or any Python program that uses
//! `multiprocessing.managers`.
//!
//! ```text
//! run task 3411 * 3411...
//! ...
//! worker exit: the master has ended.
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::time::Duration;

use piecework::{Key, Manager, WorkerError};

#[tokio::main]
async fn main() -> Result<(), WorkerError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    // Its master ends when it has all results; without this, one would be waited for.
    let manager = Manager::connect(&address, Key::new("abc")).await?.with_patience(Duration::ZERO);
    let worker = manager.worker("task").each(|n: u64| {
        println!("run task {n} * {n}...");
        format!("{n} * {n} = {}", n * n)
    });
    match worker.run().await {
        Err(WorkerError::Manager(_)) => println!("worker exit: the master has ended."),
        ended => ended?,
    }
    Ok(())
}
