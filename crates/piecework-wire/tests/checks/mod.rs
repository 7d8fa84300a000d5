//! What must hold of any bytes that a peer may send: each check takes them, and panics if not.
//!
//! The fuzz targets (`fuzz/` at the root of the repository) call these with what the fuzzer makes
//! up; the test `fuzzed.rs` beside this folder calls them with what it has found before.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

pub mod frames;
pub mod handshake;
pub mod policy;
pub mod splice;
mod unpickler;
pub mod walk;

/// A check, by the name of its fuzz target.
pub type Check = (&'static str, fn(&[u8]));

/// All checks there are.
pub const ALL: [Check; 5] = [
    ("frames", frames::check),
    ("handshake", handshake::check),
    ("walk", walk::check),
    ("splice", splice::check),
    ("policy", policy::check),
];
