//! What tests of the whole share: the real binary as a server, and real Python interpreters.
//!
//! Never published, and nothing depends on it. The rules of the house, which no compiler holds,
//! are its test `tidy`.

mod python;
mod server;

pub use python::{PYTHON_MINOR_MIN, Python};
pub use server::Server;
