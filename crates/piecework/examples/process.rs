//! A function in a child process.
//!
//! ```text
//! Parent process 928.
//! Child process will start.
//! Run child process test (929)...
//! Child process end.
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::process::id;

use piecework::Process;
use piecework::tasks::TaskError;

#[piecework::task]
fn run_proc(name: String) {
    println!("Run child process {name} ({})...", id());
}

#[tokio::main]
async fn main() -> Result<(), TaskError> {
    piecework::init(); // first: the child is this program, too
    println!("Parent process {}.", id());
    println!("Child process will start.");
    Process::spawn(run_proc, ("test".to_owned(),))?.join().await?;
    println!("Child process end.");
    Ok(())
}
