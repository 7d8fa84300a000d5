//! What programs share beside queues: locks and the like, and the containers of `SyncManager`.
//!
//! What each kind holds is in a file of its name, and `object.rs` has them all under one roof.
//! The verbs are `serve.rs` (made, called, ended), `locking.rs`, `gathering.rs`, `storing.rs`,
//! `waiting.rs` for whoever waits, and `keeping.rs` for what outlives the manager. Values are bytes
//! that nobody looks into; where Python would compare them, the door says what is the same
//! ([`Key`], [`Same`]).

mod awaits;
mod barrier;
mod call;
mod condition;
mod container_call;
mod dict;
mod event;
mod gathering;
mod handle;
mod keeping;
mod key;
mod knowers;
mod list;
mod lock;
mod locking;
mod object;
mod places;
mod row;
mod semaphore;
mod serve;
mod set;
mod slice;
mod storing;
mod target;
mod value;
mod waiting;

pub(crate) use awaits::Awaits;
pub use call::{Kind, Make, ObjectCall};
pub use container_call::{
    ArrayCall, Convert, DictCall, ListCall, Mix, NamespaceCall, Relation, SetCall,
};
pub(crate) use handle::{Handle, Handles, ident, parse_ident};
pub use key::{Comparable, Key, Ordered, Same};
pub use knowers::Group;
pub(crate) use object::Object;
pub use row::Row;
pub use slice::Slice;
pub use target::Target;
