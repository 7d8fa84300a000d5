//! One program that is master and worker: started with an address it works for whoever is there,
//! started without one it is the master of two others of itself. They could be anywhere.
//!
//! ```text
//! 9592 primes below 100000, found by 2 workers
//! foo(0) failed on a worker: division by zero, at examples/pool_over_workers.rs:26:5
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::collections::HashSet;
use std::process::{Command, id};

use piecework::server::Config;
use piecework::tasks::TaskError;
use piecework::{Key, Manager, Pool};

/// How many primes there are from `low` to below `high`, and who has counted them.
#[piecework::task]
fn primes(low: u32, high: u32) -> (usize, u32) {
    let is_prime =
        |n: &u32| *n > 1 && (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    ((low..high).filter(is_prime).count(), std::os::unix::process::parent_id())
}

#[piecework::task]
fn foo(n: u32) -> u32 {
    assert!(n != 0, "division by zero");
    10 / n
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    piecework::init(); // first: the children of a worker are this program, too
    if let Some(address) = std::env::args().nth(1) {
        let manager = Manager::connect(address, Key::new("abc")).await?;
        return Ok(manager.worker("task").run().await?);
    }
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec!["127.0.0.1:0".parse()?];
    let manager = Manager::serve(config).await?;
    let mut workers = Vec::new();
    for _ in 0..2 {
        workers.push(Command::new(std::env::current_exe()?).arg(manager.address()).spawn()?);
    }

    let pool = Pool::connect(manager.address(), Key::new("abc")).await?;
    let parts = pool.starmap(primes, (0..100).map(|at| (at * 1_000, (at + 1) * 1_000))).await?;
    let who: HashSet<u32> = parts.iter().map(|(_, worker)| *worker).collect();
    let count: usize = parts.iter().map(|(count, _)| count).sum();
    assert!(!who.contains(&id()), "others have done it");
    println!("{count} primes below 100000, found by {} workers", who.len());
    if let Err(TaskError::Elsewhere(failure)) = pool.apply(foo, (0,)).await {
        println!("foo(0) failed on a worker: {}, at {}", failure.message, failure.place);
    }
    for worker in &mut workers {
        worker.kill()?; // nothing is lost by that: they have nothing to do
        worker.wait()?;
    }
    Ok(())
}
