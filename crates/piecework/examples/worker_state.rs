//! What each worker has for itself and makes once, as a thread has its local variables: here the
//! student that a thread speaks of, and how often it has.
//!
//! ```text
//! Hello, Alice (in ThreadId(3), time 1)
//! Hello, Alice (in ThreadId(4), time 1)
//! Hello, Alice (in ThreadId(3), time 2)
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::thread::current;

use piecework::{Concurrency, Manager, Queue};

/// In real life a connection to a database, or a model: what takes long to make.
struct Student {
    name: &'static str,
    greeted: u32,
}

#[tokio::main]
async fn main() -> Result<(), piecework::Error> {
    let manager = Manager::local().await?;
    let tasks: Queue<Option<u32>> = manager.queue("task").await?;
    tasks.put_all(&[Some(1), Some(2), Some(3), None]).await?; // `None` ends a worker
    let worker = manager
        .worker("task")
        .concurrency(Concurrency::Threads(2))
        .state(|| Student { name: "Alice", greeted: 0 })
        .each(|student: &mut Student, _task: u32| {
            student.greeted += 1;
            format!("Hello, {} (in {:?}, time {})", student.name, current().id(), student.greeted)
        });
    worker.run().await?;
    let greetings: Queue<String> = manager.queue("result").await?;
    while let Some(greeting) = greetings.try_get().await? {
        println!("{greeting}");
    }
    Ok(())
}
