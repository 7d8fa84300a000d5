//! A master: puts ten numbers on the queue `task`, and gets ten results from the queue `result`.
//! The workers are `task_worker`, or any Python program that uses `multiprocessing.managers`.
//!
//! ```text
//! listening on 127.0.0.1:5000
//! Put task 3411...
//! ...
//! Try get results...
//! Result: 3411 * 3411 = 11634921
//! ...
//! master exit.
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::time::Duration;

use piecework::server::{Config, QueueSpec};
use piecework::{Key, Manager, Queue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::new(Key::new("abc"));
    if let Some(address) = std::env::args().nth(1) {
        config.listen = vec![address.parse()?];
    }
    config.queues = ["task", "result"].map(QueueSpec::named).into();
    let manager = Manager::serve(config).await?;
    println!("listening on {}", manager.address());
    let tasks: Queue<u64> = manager.queue("task").await?;
    let results: Queue<String> = manager.queue("result").await?;
    for n in [3411, 1605, 1398, 4729, 5300, 7471, 68, 4219, 339, 7866] {
        println!("Put task {n}...");
        tasks.put(&n).await?;
    }
    println!("Try get results...");
    for _ in 0..10 {
        match results.get_timeout(Duration::from_secs(60)).await? {
            Some(result) => println!("Result: {result}"),
            None => return Err("no result within a minute; hint: start a task_worker".into()),
        }
    }
    manager.stop().await?;
    println!("master exit.");
    Ok(())
}
