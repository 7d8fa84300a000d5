//! A worker: gets numbers from the queue `task`, and puts their squares on the queue `result`. The
//! master is `task_master`, or the Python program that it is a twin of.
//!
//! Where no task may be lost with its worker, and the manager is a piecework, `lease` and `answer`
//! stand in the place of `get` and `put`.
//!
//! ```text
//! Connect to server 127.0.0.1:5000...
//! run task 3411 * 3411...
//! ...
//! worker exit.
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::time::Duration;

use piecework::{Error, Key, Manager, Queue};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    println!("Connect to server {address}...");
    let manager = Manager::connect(&address, Key::new("abc")).await?;
    let tasks: Queue<u64> = manager.queue("task").await?;
    let results: Queue<String> = manager.queue("result").await?;
    for _ in 0..10 {
        let Some(n) = tasks.get_timeout(Duration::from_secs(10)).await? else {
            println!("task queue is empty.");
            continue;
        };
        println!("run task {n} * {n}...");
        results.put(&format!("{n} * {n} = {}", n * n)).await?;
    }
    println!("worker exit.");
    Ok(())
}
