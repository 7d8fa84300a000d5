//! What `piecework exec` is made of: Python that a program loads unawares, and the ear that it talks to.
//!
//! ```text
//!  piecework exec ──▶ program ──▶ python3 ──▶ sitecustomize.py      waits for multiprocessing.managers
//!     │                                        piecework_takeover.py  replaces its Server
//!     │                                        piecework_queues.py    finds the queues, moves them
//!     │                                              │
//!     └─ control ◀── one connection per manager ─────┘
//!           └─ a server at the address that the program named
//! ```

pub(crate) mod control;
pub(crate) mod folder;
pub(crate) mod program;
mod request;
mod serving;
