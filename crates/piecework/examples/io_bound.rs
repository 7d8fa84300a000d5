//! Work that waits: a thousand waits in one process take as long as one.
//!
//! ```text
//! 1000 answers, one after the other 100 s, here less than 10
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::time::{Duration, Instant};

use piecework::{Error, Manager, Queue};
use tokio::task::JoinSet;

async fn wait_and_answer(tasks: Queue<u32>, answers: Queue<u32>) -> Result<(), Error> {
    let task = tasks.lease().await?;
    tokio::time::sleep(Duration::from_millis(100)).await; // rhythm: what the task is
    let n = *task;
    Ok(task.answer(&answers, &n).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manager = Manager::local().await?;
    let (tasks, answers) = (manager.queue("task").await?, manager.queue("result").await?);
    tasks.put_all(&(0..1_000).collect::<Vec<_>>()).await?;
    let (start, mut workers) = (Instant::now(), JoinSet::new());
    for _ in 0..1_000 {
        workers.spawn(wait_and_answer(tasks.clone(), answers.clone()));
    }
    workers.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (count, time) = (answers.len().await?, start.elapsed());
    assert!(time < Duration::from_secs(10), "{time:?}");
    println!("{count} answers, one after the other 100 s, here less than 10");
    Ok(())
}
