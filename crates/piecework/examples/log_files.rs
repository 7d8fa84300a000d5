//! Tasks are the paths of log files on a shared disk, and not what is in them: a queue is for what
//! is small.
//!
//! ```text
//! a.log: 2 errors
//! b.log: 0 errors
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::path::{Path, PathBuf};

use piecework::Pool;

#[piecework::task]
fn count_errors(path: PathBuf) -> Result<usize, String> {
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.lines().filter(|line| line.starts_with("ERROR")).count())
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    piecework::init(); // first: the children are this program, too
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let pool = Pool::local(2);
    for (path, errors) in paths.iter().zip(pool.map(count_errors, paths.clone()).await?) {
        println!("{}: {} errors", name(path), errors?);
    }
    Ok(())
}
