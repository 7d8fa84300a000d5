//! Other programs: one that is called, and one that is talked to.
//!
//! ```text
//! $ echo hello
//! hello
//! Exit code: 0
//! $ sort
//! apple
//! pear
//! Exit code: 0
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use piecework::command::{Command, CommandError, Output};

fn show(output: &Output) {
    print!("{}", String::from_utf8_lossy(&output.stdout));
    match output.end {
        piecework::command::End::Code(code) => println!("Exit code: {code}"),
        piecework::command::End::Signal(signal) => println!("Signal: {signal}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), CommandError> {
    println!("$ echo hello");
    show(&Command::new("echo").arg("hello").spawn()?.finish().await?);
    println!("$ sort");
    show(&Command::new("sort").input("pear\napple\n").spawn()?.finish().await?);
    Ok(())
}
