//! The commands, one file each.

pub(crate) mod map;
pub(crate) mod serve;
