//! Work for the processors: as many workers as there are cores, all of them busy.
//!
//! ```text
//! 9592 primes below 100000, found by 2 processes
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::collections::BTreeSet;
use std::process::id;

use piecework::Pool;
use piecework::tasks::TaskError;

/// How many primes there are in a thousand numbers, and who has counted them.
#[piecework::task]
fn count_primes(thousand: u32) -> (u32, u32) {
    let is_prime =
        |n: &u32| *n > 1 && (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    let count = (thousand * 1_000..(thousand + 1) * 1_000).filter(is_prime).count();
    (u32::try_from(count).unwrap_or(u32::MAX), id())
}

#[tokio::main]
async fn main() -> Result<(), TaskError> {
    piecework::init(); // first: the children are this program, too
    let pool = Pool::options().start();
    let counted = pool.map(count_primes, 0..100).await?;
    let primes: u32 = counted.iter().map(|(count, _)| count).sum();
    let processes = counted.iter().map(|(_, pid)| pid).collect::<BTreeSet<_>>().len();
    println!("{primes} primes below 100000, found by {processes} processes");
    Ok(())
}
