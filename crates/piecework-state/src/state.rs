//! The one door: calls come in with the time, outcomes go out.

use crate::call::{Call, Outcome, Reply};
use crate::deadline::{Deadlines, Due};
use crate::error::StateError;
use crate::id::IdMap;
use crate::limits::Limits;
use crate::objects::{Handles, Object, Target};
use crate::options::Order;
use crate::queue::{Life, Queue};
use crate::record::Record;
use crate::session::{Put, Session, Undecided, Waiting};
use crate::stats::{QueueStats, SessionStats};
use crate::{ItemId, ObjectId, Peer, Place, QueueId, QueueOptions, SessionId, Time};
use smallvec::smallvec;
use std::collections::{BTreeMap, HashMap};

/// All that a manager decides. Whoever owns it gives it calls and the time, sends the replies,
/// and calls [`State::tick`] when [`State::next_deadline`] has come.
///
/// How the calls work is in the files of their verbs: `put.rs`, `take.rs`, `settle.rs`, and
/// `end.rs` for what the end of a session means.
#[derive(Debug)]
pub struct State {
    pub(crate) queues: IdMap<QueueId, Queue>,
    pub(crate) names: HashMap<String, QueueId>,
    /// Each behind a pointer: half of such a map is empty.
    pub(crate) sessions: IdMap<SessionId, Box<Session>>,
    /// Ended sessions of threads that may have died or not; their leases are still theirs.
    pub(crate) undecided: BTreeMap<SessionId, Undecided>,
    /// Who ends just now: its session is gone, its leases are being settled.
    pub(crate) leaving: Option<(SessionId, Peer)>,
    pub(crate) handles: Handles,
    pub(crate) objects: IdMap<ObjectId, Object>,
    /// Those with a name, by what their idents begin with.
    pub(crate) object_names: HashMap<String, ObjectId>,
    pub(crate) deadlines: Deadlines,
    /// Payload bytes in all queues.
    pub(crate) bytes: u64,
    /// Items in all queues.
    pub(crate) items: usize,
    /// Keys of `put_once()` that all queues remember.
    pub(crate) keys: usize,
    pub(crate) limits: Limits,
    /// The latest moment that anybody has named.
    latest: Time,
    /// Whether the manager stops: nobody is served any more.
    pub(crate) stopping: bool,
    /// Those of them that are in memory.
    pub(crate) resident: u64,
    /// Bytes of payload that there is room for, where all is kept.
    pub(crate) room: u64,
    /// Whether anything is kept at all, so that it has to be said.
    pub(crate) keeps: bool,
    /// Calls so far: what "before" and "after" mean where time is too coarse.
    pub(crate) calls: u64,
    next: u64,
}

impl State {
    /// A state without queues. Handles are numbered from `first_handle`: a manager that starts
    /// again passes a number that no earlier run has reached, so that no two clients ever hold
    /// the same ident.
    pub fn new(first_handle: u64, limits: Limits) -> Self {
        Self {
            queues: IdMap::default(),
            names: HashMap::new(),
            sessions: IdMap::default(),
            undecided: BTreeMap::new(),
            leaving: None,
            handles: Handles::new(first_handle),
            objects: IdMap::default(),
            object_names: HashMap::new(),
            deadlines: Deadlines::default(),
            bytes: 0,
            items: 0,
            keys: 0,
            limits,
            latest: Time::default(),
            stopping: false,
            resident: 0,
            room: u64::MAX,
            keeps: true,
            calls: 0,
            next: 1,
        }
    }

    /// Adds a named queue, or gives an existing one new options.
    pub fn register(&mut self, name: &str, options: QueueOptions, out: &mut Outcome) -> QueueId {
        let (id, is_news) = self.add_named(name, Life::Kept, &options);
        if is_news {
            self.keep(Record::Queue { queue: id, name: name.to_owned(), options }, out);
            // What was set for other options is not for these. There may be room now that there
            // was not before.
            self.unwatch_expiry(id);
            self.serve(self.latest, id, out);
        }
        id
    }

    /// The same for a queue of which nothing is kept: it ends with the manager.
    pub fn register_passing(&mut self, name: &str, options: &QueueOptions) -> QueueId {
        self.add_named(name, Life::Passing, options).0
    }

    /// The queue of that name, and whether that is new or its options are.
    fn add_named(&mut self, name: &str, life: Life, options: &QueueOptions) -> (QueueId, bool) {
        if let Some(&id) = self.names.get(name) {
            let queue = self.queues.get_mut(&id).expect("a name leads to its queue");
            let is_news = queue.options != *options;
            queue.set_options(options.clone());
            return (id, is_news);
        }
        let id = QueueId(self.fresh_number());
        self.names.insert(name.to_owned(), id);
        self.queues.insert(id, Queue::new(name, life, options.clone()));
        (id, true)
    }

    /// The names of all queues that have one, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.names.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The queue of that name.
    pub fn queue(&self, name: &str) -> Option<QueueId> {
        self.names.get(name).copied()
    }

    /// The order of a queue; and what orders the item that is got next, if there is one and the
    /// queue goes by priority.
    pub fn order(&self, queue: QueueId) -> (Order, Option<&[u8]>) {
        let Some(at) = self.queues.get(&queue) else { return (Order::Fifo, None) };
        let first = match at.options.order {
            Order::Priority => at.ready.first(),
            Order::Fifo | Order::Lifo => None,
        };
        (at.options.order, first.map(|item| &item.order()[..]))
    }

    /// The options of a queue.
    pub fn options(&self, queue: QueueId) -> Option<&QueueOptions> {
        self.queues.get(&queue).map(|queue| &queue.options)
    }

    /// Opens a session.
    pub fn open(&mut self, now: Time, peer: Peer) -> SessionId {
        self.latest = now;
        let id = SessionId(self.fresh_number());
        self.sessions.insert(id, Box::new(Session::new(peer, now)));
        id
    }

    /// There is room for so many bytes of payload from now on, where all is kept: puts beyond are
    /// refused. One that answers an item is let in all the same: it frees as much as it takes.
    pub fn set_room(&mut self, room: u64) {
        self.room = room;
    }

    /// What a session says of itself from now on, for lists.
    pub fn announce(&mut self, session: SessionId, note: String) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.note = note;
        }
    }

    /// How many items are on their way to a session whose client speaks without waiting for them:
    /// calls that settle the oldest item that it has are not about these.
    pub fn set_under_way(&mut self, session: SessionId, items: usize) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.under_way = items;
        }
    }

    /// Serves one call of a session that waits for nothing.
    pub fn apply(&mut self, now: Time, session: SessionId, call: Call) -> Outcome {
        let mut out = Outcome::default();
        self.apply_into(now, session, call, &mut out);
        out
    }

    /// The same, adding to an outcome that [`State::resolve`] began.
    pub fn apply_into(&mut self, now: Time, session: SessionId, call: Call, out: &mut Outcome) {
        self.latest = now;
        let served = match call {
            Call::Put { queue, payloads, delay, wait } => {
                let put = Put { payloads, delay, ..Put::default() };
                self.put(now, session, queue, put, wait, out)
            }
            Call::PutOnce { queue, key, payload, wait } => {
                let payloads = smallvec![payload];
                let put = Put { payloads, once: Some(key.into()), ..Put::default() };
                self.put(now, session, queue, put, wait, out)
            }
            Call::Take { queue, max, wait, style } => {
                self.take(now, session, queue, max, wait, style, out)
            }
            Call::Answer { queue, item, to, payload } => {
                self.answer(now, session, queue, item, to, payload, out)
            }
            Call::Settle(queue, item, how) => self.settle(now, session, queue, item, how, out),
            Call::Ack(queue) => self.ack(session, queue, out),
            Call::Nack(queue, delay) => self.nack(now, session, queue, delay, out),
            Call::Extend(queue, by) => self.extend(now, session, queue, by),
            Call::Renew(queue, item) => self.renew(now, session, queue, item),
            Call::Progress(queue, fraction, note) => self.progress(session, queue, fraction, note),
            Call::TaskDone(queue) => self.task_done(session, queue, out),
            Call::Join(queue) => self.join(session, queue),
            Call::ShutDown(queue, immediate) => self.shut_down(queue, immediate, out),
            Call::Object(id, call) => self.call_object(now, session, id, call, out),
            Call::Purge(queue) => self.purge(now, queue, out),
            Call::Show(queue, item) => self.show(queue, item),
            Call::Revive { queue, which } => self.revive(now, queue, which, out),
            Call::Drop { queue, which } => self.drop_dead(queue, which, out),
            Call::Withdraw(queue, results) => self.withdraw(now, queue, results, out),
            Call::Qsize(queue) => self.look(queue, |queue| Reply::Count(queue.ready.len() as u64)),
            Call::IsEmpty(queue) => self.look(queue, |queue| Reply::Bool(queue.ready.len() == 0)),
            Call::IsFull(queue) => self.look(queue, |queue| Reply::Bool(queue.is_full())),
            Call::Stats(queue) => self.look(queue, |q| Reply::Stats(Box::new(q.stats(now)))),
        };
        out.reply = served.unwrap_or_else(|error| Some(Reply::Error(error)));
    }

    /// When [`State::tick`] is due next.
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// Does what has become due.
    pub fn tick(&mut self, now: Time) -> Outcome {
        let mut out = Outcome::default();
        self.latest = now;
        while let Some(due) = self.deadlines.pop(now) {
            match due {
                Due::Delay(queue, item) => self.delay_over(now, queue, item, &mut out),
                Due::Lease(queue, item) => self.lease_run_out(now, queue, item, &mut out),
                Due::Wait(session) => self.wait_over(now, session, &mut out),
                Due::Expiry(queue) => self.expire(now, queue, &mut out),
                Due::Keys(queue) => self.forget_keys(now, queue, &mut out),
                Due::Undecided(session) => self.decide_all(now, vec![session], false, &mut out),
            }
        }
        out
    }

    /// The counts of every queue, named ones first, by name.
    pub fn queue_stats(&self, now: Time) -> Vec<QueueStats> {
        let mut all: Vec<_> = self.queues.values().map(|queue| queue.stats(now)).collect();
        all.sort_by(|a, b| (a.anonymous, &a.name).cmp(&(b.anonymous, &b.name)));
        all
    }

    /// The counts of one queue.
    pub fn stats_of(&self, now: Time, queue: QueueId) -> Option<QueueStats> {
        Some(self.queues.get(&queue)?.stats(now))
    }

    /// How many sessions are open.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Every open session, oldest first.
    pub fn session_stats(&self) -> Vec<SessionStats> {
        let waits = |waiting: &Waiting| {
            let name = match waiting.at {
                Target::Queue(queue) => self.queues.get(&queue)?.name.clone(),
                Target::Object(object) => self.objects.get(&object)?.stem(),
            };
            Some((name, waiting.what.name()))
        };
        let mut all: Vec<_> = self
            .sessions
            .iter()
            .map(|(&id, session)| SessionStats {
                id,
                name: session.peer.name().to_owned(),
                address: session.peer.address().to_owned(),
                note: session.note.clone(),
                key: session.peer.key().to_owned(),
                opened: session.opened,
                leases: session.held.iter().filter(|held| !held.late).count(),
                waits: session.waiting.as_ref().and_then(waits),
            })
            .collect();
        all.sort_by_key(|session| session.id);
        all
    }

    fn look(&self, queue: QueueId, read: impl FnOnce(&Queue) -> Reply) -> Served {
        self.at(queue).map(|queue| Some(read(queue)))
    }

    /// The queue, for a call on it.
    pub(crate) fn at(&self, queue: QueueId) -> Result<&Queue, StateError> {
        self.queues.get(&queue).ok_or_else(|| gone(queue))
    }

    /// The queue, for a call that changes it.
    pub(crate) fn at_mut(&mut self, queue: QueueId) -> Result<&mut Queue, StateError> {
        self.queues.get_mut(&queue).ok_or_else(|| gone(queue))
    }

    /// Says that a decision is to be kept, unless it is about a queue of which nothing is.
    pub(crate) fn keep(&self, record: Record, out: &mut Outcome) {
        let is_kept = |queue: QueueId| self.is_kept(queue);
        match record {
            Record::Put { queue, mut items, due, mut acked } => {
                // What an item is tied to ends with a session, or never.
                items.iter_mut().for_each(|item| item.reply_to = None);
                acked.retain(|(source, _)| is_kept(*source));
                if is_kept(queue) && !(items.is_empty() && acked.is_empty()) {
                    out.records.push(Record::Put { queue, items, due, acked });
                } else {
                    let acked = acked.into_iter().map(|(queue, item)| Record::Acked(queue, item));
                    out.records.extend(acked);
                }
            }
            record if record.queue().is_some_and(is_kept) => out.records.push(record),
            _ => {}
        }
    }

    /// Whether what is decided about this queue is kept.
    pub(crate) fn is_kept(&self, queue: QueueId) -> bool {
        self.keeps && self.queues.get(&queue).is_some_and(Queue::is_kept)
    }

    /// Gives out no number below `next` any more.
    pub(crate) fn skip_numbers(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// The next number of the one counter behind items, places, sessions, queues and tickets.
    pub(crate) fn fresh_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    pub(crate) fn fresh_item(&mut self) -> (ItemId, Place) {
        let number = self.fresh_number();
        (ItemId(number), Place(number))
    }

    pub(crate) fn name_of(&self, queue: QueueId) -> String {
        self.queues.get(&queue).map_or_else(|| queue.to_string(), |queue| queue.name.clone())
    }
}

/// What a call comes to: a reply, nothing yet (it waits), or an error.
pub(crate) type Served = Result<Option<Reply>, StateError>;

/// A call on an anonymous queue that has just ended.
fn gone(queue: QueueId) -> StateError {
    StateError::NoObject { ident: queue.to_string() }
}
