//! Torture: real processes around a real manager, killed again and again, and the books afterwards.
//!
//! ```text
//!  schedule ──▶ bout ──▶ troupe: manager, masters, workers, collectors, each started again
//!  (a seed)      │  └──▶ proxy, through which about half of them connect
//!                ▼
//!              books: each task put, its one result, nothing left
//! ```
//!
//! The seed decides what is hit when; what the processes are doing just then is up to the machine.

mod books;
mod bout;
mod cast;
mod census;
mod logs;
mod member;
mod proxy;
mod report;
mod schedule;
mod tally;
mod troupe;

pub use report::{Options, run};
