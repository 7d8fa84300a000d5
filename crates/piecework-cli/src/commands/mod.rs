//! The commands, one file each.

pub(crate) mod exec;
pub(crate) mod map;
pub(crate) mod serve;
