//! The version that is written, and what tells records apart.

/// The version that is written.
pub(super) const VERSION: u8 = 3;

pub(super) const QUEUE: u8 = 1;
pub(super) const PUT: u8 = 2;
pub(super) const ACKED: u8 = 3;
pub(super) const RETURNED: u8 = 4;
pub(super) const READY: u8 = 5;
pub(super) const DIED: u8 = 6;
pub(super) const PURGED: u8 = 7;
pub(super) const ITEM: u8 = 8;
pub(super) const NUMBERED: u8 = 9;
// Since version 2.
pub(super) const REVIVED: u8 = 10;
pub(super) const KEY: u8 = 11;
pub(super) const FORGOTTEN: u8 = 12;
// Since version 3.
pub(super) const OBJECT: u8 = 13;
pub(super) const ROWS: u8 = 14;
pub(super) const ROWS_GONE: u8 = 15;
pub(super) const EMPTIED: u8 = 16;
