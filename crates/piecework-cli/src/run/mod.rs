//! Commands run for tasks: where the tasks come from, who runs them, what becomes of the results.
//!
//! ```text
//!  input ─▶ feed ─put─▶ tasks ─take─▶ slot 1 .. slot N ─settle─▶ results ─▶ collect ─▶ output
//!            ▲                       one command each                         │
//!            └─────────────── window: how far ahead ◀─────────────────────────┘
//! ```
//!
//! The slots know a [`Link`](link::Link) and nothing of what is behind it: the run's own queues
//! for
//! `map`, the connection to a manager for `worker`. [`stop`] tells everybody how far a stop
//! has gone, and the [`guard`] is a second process that ends what is left if this one is killed.

pub(crate) mod answer;
pub(crate) mod collect;
pub(crate) mod feed;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod gate;
pub(crate) mod guard;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod halt;
pub(crate) mod jobs;
pub(crate) mod link;
pub(crate) mod manager_link;
pub(crate) mod message;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod piece;
pub(crate) mod program;
pub(crate) mod queues;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod rlimit;
pub(crate) mod slot;
pub(crate) mod stop;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod summary;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod term_seq;
#[allow(dead_code, reason = "wired in with the rest of map")]
pub(crate) mod timeout;
pub(crate) mod window;
