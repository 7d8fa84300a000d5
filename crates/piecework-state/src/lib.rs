//! What a piecework manager decides: queues, items, leases, sessions.
//!
//! The crate is one deterministic state machine. It has no socket, no clock, no randomness, no
//! task and no lock: time comes in as an argument, and everything that must leave it comes back
//! as an [`Outcome`]. The same calls at the same times give the same outcomes, always.
//!
//! ```
//! use piecework_state::{
//!     Call, Limits, Outcome, Payload, Peer, QueueOptions, Reply, State, Take, Time, Wait,
//! };
//!
//! let mut state = State::new(1, Limits::default());
//! let now = Time::from_secs(1);
//! let task = state.register("task", QueueOptions::default(), &mut Outcome::default());
//!
//! let master = state.open(now, Peer::native("master"));
//! state.apply(now, master, Call::put(task, Payload::opaque("3411")));
//!
//! // A worker takes the item, and is lost before it settles it ...
//! let worker = state.open(now, Peer::native("worker"));
//! let take = Call::Take { queue: task, max: 1, wait: Wait::No, style: Take::Item };
//! assert!(matches!(state.apply(now, worker, take.clone()).reply, Some(Reply::Item(_))));
//! state.end(now, worker);
//!
//! // ... so the next one gets it.
//! let other = state.open(now, Peer::native("worker"));
//! let Some(Reply::Item(item)) = state.apply(now, other, take).reply else { panic!() };
//! assert_eq!((&item.payload[..], item.attempt), (&b"3411"[..], 2));
//! ```

mod ack;
mod backlog;
mod body;
mod call;
mod dead;
mod deadline;
mod drain;
mod end;
mod error;
mod expire;
mod explain;
mod forget;
mod holdings;
mod id;
mod invariants;
mod item;
mod keys;
mod ledger;
mod limits;
mod loading;
mod meter;
pub mod objects;
mod once;
mod options;
mod patience;
mod put;
mod queue;
mod ready;
mod record;
mod reference;
mod replay;
pub mod retry;
mod room;
mod serve;
mod session;
mod settle;
mod state;
mod stats;
mod take;
mod time;
mod wait;
mod waiters;

pub use body::Body;
pub use call::{Call, Delivery, Note, Outcome, Payload, Reply, Settle, Shown, Take, Which};
pub use error::{ReplayError, StateError};
pub use explain::{Explained, Stands};
pub use id::{HandleId, ItemId, ObjectId, Place, QueueId, SessionId};
pub use item::{Attempt, Ended, Item, Rare};
pub use ledger::{Fetch, Ledger, Lost, Told};
pub use limits::Limits;
pub use loading::Loading;
pub use objects::{
    ArrayCall, Comparable, Convert, DictCall, Group, Key, Kind, ListCall, Make, Mix, NamespaceCall,
    ObjectCall, Ordered, Relation, Row, Same, SetCall, Slice, Target,
};
pub use options::{AckMode, Order, QueueOptions};
pub use patience::Wait;
pub use record::{DecodeError, Record, Standing};
pub use replay::Replay;
pub use session::Peer;
pub use state::State;
pub use stats::{QueueStats, SessionStats};
pub use time::Time;
