//! A task that fails far away: what it panicked with, and where, comes back and is logged.
//!
//! ```text
//! ERROR foo("0") failed: the task panicked: division by zero at examples/errors.rs:21:5
//! 5
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use piecework::Pool;

/// Ten by a number, as in the tutorial's `foo`, `bar` and `main`.
#[piecework::task]
fn foo(text: String) -> i32 {
    bar(&text) / 2
}

fn bar(text: &str) -> i32 {
    let n: i32 = text.parse().expect("a number");
    assert_ne!(n, 0, "division by zero");
    10 / n * n
}

#[tokio::main]
async fn main() {
    piecework::init(); // first: the children are this program, too
    let pool = Pool::local(1);
    for text in ["0", "3"] {
        match pool.apply(foo, (text.to_owned(),)).await {
            Ok(result) => println!("{result}"),
            Err(error) => println!("ERROR foo({text:?}) failed: {error}"),
        }
    }
}
