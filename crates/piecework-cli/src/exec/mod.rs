//! What `piecework exec` is made of: Python that a program loads unawares, and who it talks to.
//!
//! ```text
//!  piecework exec ─▶ program ─▶ python3
//!     │                            ├─ sitecustomize.py        waits for the managers module
//!     │                            ├─ piecework_takeover.py   replaces the Server in it
//!     │                            └─ piecework_queues.py     finds the queues, moves them
//!     ├─ control ◀─ a connection ─┘
//!     └─ serving:   per manager, a server where the program wants it
//! ```

pub(crate) mod control;
pub(crate) mod folder;
pub(crate) mod program;
mod request;
mod serving;
