//! What each worker has for itself and makes once, as a thread has its local variables: here the
//! student that a worker speaks of.
//!
//! ```text
//! Hello, Alice (in 17)
//! Hello, Alice (in 18)
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::process::id;
use std::sync::OnceLock;

use piecework::Pool;
use piecework::tasks::TaskError;

static STUDENT: OnceLock<String> = OnceLock::new();

#[piecework::task]
fn enter(name: String) {
    STUDENT.set(name).expect("each worker begins once");
}

#[piecework::task]
fn greet(_place: u32) -> String {
    format!("Hello, {} (in {})", STUDENT.get().map_or("nobody", String::as_str), id())
}

#[tokio::main]
async fn main() -> Result<(), TaskError> {
    piecework::init(); // first: the children are this program, too
    let pool = Pool::options().processes(2).initializer(enter, &("Alice".to_owned(),)).start();
    for greeting in pool.map(greet, 0..2).await? {
        println!("{greeting}");
    }
    Ok(())
}
