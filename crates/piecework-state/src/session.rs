//! One session: who it is, what it holds, what it waits for.

use crate::call::Payload;
use crate::call::Take;
use crate::holdings::{Held, Holdings};
use crate::objects::{Awaits, Group, Target};
use crate::waiters::Ticket;
use crate::{HandleId, ObjectId, QueueId, Time};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// The other end of a session, as it describes itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peer {
    name: Arc<str>,
    address: Arc<str>,
    key: Option<Arc<str>>,
    native: bool,
    group: Option<Group>,
}

impl Peer {
    /// A stock Python client: the name from its `accept_connection`, the host it comes from.
    pub fn stock(name: &str, address: &str) -> Self {
        Self { name: name.into(), address: address.into(), key: None, native: false, group: None }
    }

    /// A client that knows piecework, or a caller within the manager's own process.
    pub fn native(name: &str) -> Self {
        Self { name: name.into(), address: "".into(), key: None, native: true, group: None }
    }

    /// The same, from this address.
    #[must_use]
    pub fn at(self, address: &str) -> Self {
        Self { address: address.into(), ..self }
    }

    /// The same, known by the key of this name.
    #[must_use]
    pub fn with_key(self, key: impl Into<Arc<str>>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// The same, of this process group, where that is known.
    #[must_use]
    pub fn of_group(self, group: Option<Group>) -> Self {
        Self { group, ..self }
    }

    pub(crate) fn group(&self) -> Option<Group> {
        self.group
    }

    /// The name of the key that it knows.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// The whole name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host it comes from.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn shared_address(&self) -> &Arc<str> {
        &self.address
    }

    /// Whether it announced itself as a native client.
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Whether it is a thread other than its process's main thread. CPython names the connection
    /// of such a thread `process|thread` (`BaseProxy._connect` in `managers.py`).
    pub fn is_thread(&self) -> bool {
        !self.native && self.name.contains('|')
    }

    /// Whether both connections may come from one process.
    pub(crate) fn same_process(&self, other: &Self) -> bool {
        let [a, b] = [self, other].map(|peer| peer.name.split('|').next());
        self.address == other.address && a == b
    }
}

/// One authenticated connection that makes object calls.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) peer: Peer,
    pub(crate) opened: Time,
    pub(crate) held: Holdings,
    /// So many of them, the last ones, are on their way to a client that speaks without waiting:
    /// what it says now cannot be about them.
    pub(crate) under_way: usize,
    /// The locks that it holds.
    pub(crate) locks: SmallVec<[ObjectId; 1]>,
    /// The queue it got from last.
    pub(crate) got_last: Option<QueueId>,
    /// Items it got that are acked and not yet paid for by `task_done()`, by queue.
    pub(crate) unpaid: SmallVec<[(QueueId, u64); 1]>,
    /// The handles it uses, each with the moment of its last use in calls of the whole manager.
    pub(crate) handles: SmallVec<[(HandleId, u64); 2]>,
    /// What its last call named, for as long as that has nothing to decide.
    pub(crate) resolved: Option<Resolved>,
    /// Whether it has used a handle that was released for good since.
    pub(crate) released: bool,
    /// Whether its process is known to have ended.
    pub(crate) process_ended: bool,
    pub(crate) waiting: Option<Waiting>,
    /// Handles of the queues that end with it.
    pub(crate) owns: Vec<HandleId>,
    /// What it says of itself, for lists.
    pub(crate) note: String,
}

/// A session of a thread that has ended, and since when it is not known how.
#[derive(Debug)]
pub(crate) struct Undecided {
    pub(crate) session: Box<Session>,
    pub(crate) since: Time,
}

/// An ident that a session has just used: it most likely uses it again.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) ident: Box<str>,
    pub(crate) handle: HandleId,
    pub(crate) of: Target,
}

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) ticket: Ticket,
    pub(crate) deadline: Option<Time>,
    pub(crate) at: Target,
    pub(crate) what: Waits,
}

/// What a session wants to put, all of it or none.
#[derive(Debug, Default)]
pub(crate) struct Put {
    pub(crate) payloads: SmallVec<[Payload; 1]>,
    /// Ready only after this long.
    pub(crate) delay: Option<Duration>,
    /// Only if nothing was put under this key a while ago.
    pub(crate) once: Option<Arc<str>>,
    /// The lease that it settles, where the session says so.
    pub(crate) settles: Option<Held>,
    /// Whether it settled a lease when it came, in a queue with a bound that this exempts it from.
    pub(crate) acks: bool,
}

/// What a waiting call waits for.
#[derive(Debug)]
pub(crate) enum Waits {
    Take {
        max: usize,
        style: Take,
    },
    Put(Box<Put>),
    Join,
    /// For an object, and what of it.
    Object(Awaits),
}

impl Waits {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Take { .. } => "get",
            Self::Put(_) => "put",
            Self::Join => "join",
            Self::Object(Awaits::Lock | Awaits::Again { .. } | Awaits::Permit) => "acquire",
            Self::Object(_) => "wait",
        }
    }
}

impl Session {
    pub(crate) fn new(peer: Peer, opened: Time) -> Self {
        Self {
            peer,
            opened,
            held: Holdings::default(),
            under_way: 0,
            locks: SmallVec::new(),
            got_last: None,
            unpaid: SmallVec::new(),
            handles: SmallVec::new(),
            resolved: None,
            released: false,
            process_ended: false,
            waiting: None,
            owns: Vec::new(),
            note: String::new(),
        }
    }

    /// Notes the use of a handle that it uses already; false if it does not.
    pub(crate) fn uses(&mut self, handle: HandleId, call: u64) -> bool {
        let used = self.handles.iter_mut().find(|(used, _)| *used == handle);
        used.map(|(_, last_use)| *last_use = call).is_some()
    }

    /// The leases on `queue` that a stock client's calls speak of, oldest first.
    pub(crate) fn held_on(&self, queue: QueueId) -> impl Iterator<Item = Held> + '_ {
        self.held.on(queue, self.held.len().saturating_sub(self.under_way))
    }

    /// Remembers that an item of `queue` is acked and not yet paid for by `task_done()`.
    pub(crate) fn owes(&mut self, queue: QueueId) {
        match self.unpaid.iter_mut().find(|(of, _)| *of == queue) {
            Some((_, count)) => *count += 1,
            None => self.unpaid.push((queue, 1)),
        }
    }

    /// Pays for the oldest item of `queue` that is acked already; false if there is none.
    pub(crate) fn pay(&mut self, queue: QueueId) -> bool {
        let Some(at) = self.unpaid.iter().position(|&(of, _)| of == queue) else { return false };
        if let Some((_, count)) = self.unpaid.get_mut(at) {
            *count -= 1;
            if *count == 0 {
                self.unpaid.swap_remove(at);
            }
        }
        true
    }
}
