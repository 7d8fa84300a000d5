//! The commands, one file each.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod get;
mod greeting;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod purge;
pub(crate) mod put;
pub(crate) mod queues;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod shutdown;
pub(crate) mod worker;
