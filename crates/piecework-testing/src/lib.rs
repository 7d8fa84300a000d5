//! What tests of the whole share: the real binary as a server or on a terminal, real Python
//! interpreters, the simulator of all that, and the torture of all of them.
//!
//! Never published, and nothing depends on it. The rules of the house, which no compiler holds,
//! are its test `tidy`.

mod python;
mod scenes;
mod server;
pub mod sim;
mod svg;
mod terminal;
pub mod torture;

pub use python::{PYTHON_MINOR_MIN, Python};
pub use scenes::draw;
pub use server::Server;
pub use svg::svg;
pub use terminal::Terminal;
