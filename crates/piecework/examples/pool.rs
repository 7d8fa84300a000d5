//! Five tasks on four workers: the fifth waits until one of the others is done.
//!
//! ```text
//! Parent process 669.
//! Waiting for all subprocesses done...
//! Run task 0 (671)...
//! Run task 1 (672)...
//! Run task 2 (673)...
//! Run task 3 (674)...
//! Task 2 runs 0.14 seconds.
//! Run task 4 (673)...
//! Task 1 runs 0.27 seconds.
//! Task 3 runs 0.86 seconds.
//! Task 0 runs 1.41 seconds.
//! Task 4 runs 1.91 seconds.
//! All subprocesses done.
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::process::id;
use std::thread::sleep;
use std::time::{Duration, Instant};

use piecework::Pool;
use piecework::tasks::TaskError;

#[piecework::task]
fn long_time_task(name: u64) -> f64 {
    println!("Run task {name} ({})...", id());
    let start = Instant::now();
    sleep(Duration::from_millis(40 * (name * 7 % 5 + 1))); // rhythm: what the task is
    let seconds = start.elapsed().as_secs_f64();
    println!("Task {name} runs {seconds:.2} seconds.");
    seconds
}

#[tokio::main]
async fn main() -> Result<(), TaskError> {
    piecework::init(); // first: the children are this program, too
    println!("Parent process {}.", id());
    let pool = Pool::local(4);
    let results: Vec<_> = (0..5).map(|name| pool.apply_async(long_time_task, (name,))).collect();
    println!("Waiting for all subprocesses done...");
    pool.close();
    pool.join().await;
    for result in results {
        result.get().await?;
    }
    println!("All subprocesses done.");
    Ok(())
}
