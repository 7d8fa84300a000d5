//! What tests of the whole share: the real binary as a server or on a terminal, and real Python
//! interpreters.
//!
//! Never published, and nothing depends on it. The rules of the house, which no compiler holds,
//! are its test `tidy`.

mod python;
mod scenes;
mod server;
mod svg;
mod terminal;

pub use python::{PYTHON_MINOR_MIN, Python};
pub use scenes::draw;
pub use server::Server;
pub use svg::svg;
pub use terminal::Terminal;
