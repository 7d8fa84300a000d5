//! Decisions that are not kept yet, and the replies that wait until they are.
//!
//! The state decides at once, call by call; an engine keeps decisions batch by batch, and takes its
//! time. A reply that leaves before everything that was decided before it is kept could tell of
//! something that a crash undoes: not only what its own call changed, but also what it saw, say an
//! item that somebody put a moment ago. So replies leave in the order of the decisions, each when
//! all before it are kept. What comes in meanwhile is the next batch.

use crate::{Call, ItemId, Note, Outcome, Record, Reply, SessionId, State, Time};
use bytes::Bytes;
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};

/// A state, and what it has decided that nobody may know yet.
///
/// Whoever changes the state hands its [`Outcome`] to [`Ledger::tell`].
///
/// ```
/// use piecework_state::{Call, Ledger, Limits, Outcome, Payload, Peer, QueueOptions, State, Time};
///
/// let mut ledger = Ledger::new(State::new(1, Limits::default()), true);
/// let (now, mut out) = (Time::from_secs(1), Outcome::default());
/// let task = ledger.state.register("task", QueueOptions::default(), &mut out);
/// ledger.tell(None, out)?;
/// let master = ledger.state.open(now, Peer::native("master"));
/// let out = ledger.state.apply(now, master, Call::put(task, Payload::opaque("3411")));
/// assert!(ledger.tell(Some(master), out)?.reply.is_none(), "it is not kept yet");
///
/// let mut batch = Vec::new();
/// assert!(ledger.take_batch(&mut batch));
/// assert_eq!(batch.len(), 2);
/// ledger.kept();
/// assert_eq!(ledger.leave().len(), 1, "now its reply may leave");
/// # Ok::<(), piecework_state::Lost>(())
/// ```
#[derive(Debug)]
pub struct Ledger {
    /// What decides.
    pub state: State,
    /// Whether anything is ever kept.
    keeps: bool,
    /// Decided, and not given to the engine yet.
    pending: Vec<Record>,
    /// Records so far: decided, given to the engine, kept. Ascending from the last to the first.
    decided: u64,
    given: u64,
    kept: u64,
    /// Replies that wait, and in which order they leave. A session makes one call at a time, so it
    /// waits for one reply at most; an entry of the order whose reply was taken back is stale.
    held: HashMap<SessionId, Held>,
    /// Items whose bytes are to be fetched for replies that wait, and for whom.
    fetches: Vec<Fetch>,
    order: VecDeque<(u64, SessionId)>,
    lost: bool,
}

/// A reply that leaves once so many records are kept.
#[derive(Debug)]
struct Held {
    after: u64,
    reply: Reply,
}

/// The bytes of an item are to be fetched from the engine, before it is given another batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fetch {
    /// For whom.
    pub session: SessionId,
    /// Which item.
    pub item: ItemId,
}

/// What may be told at once.
#[derive(Debug, Default)]
pub struct Told {
    /// The caller's reply; `None` if it comes later.
    pub reply: Option<Reply>,
    /// Replies to sessions that waited.
    pub woken: SmallVec<[(SessionId, Reply); 1]>,
    /// What somebody should read in the log.
    pub notes: Vec<Note>,
}

/// Something that was decided could not be kept, now or earlier: nothing may be promised any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("something that was decided could not be kept")]
pub struct Lost;

impl Ledger {
    /// The ledger of a manager that keeps its decisions; or of one that keeps nothing, where every
    /// reply leaves at once.
    pub fn new(mut state: State, keeps: bool) -> Self {
        state.keeps = keeps;
        Self {
            state,
            keeps,
            pending: Vec::new(),
            decided: 0,
            given: 0,
            kept: 0,
            held: HashMap::new(),
            fetches: Vec::new(),
            order: VecDeque::new(),
            lost: false,
        }
    }

    /// The caller's reply, where its call came to nothing else, and nothing waits to be kept: the
    /// same as [`Ledger::tell`] would say of that, and less work.
    pub fn reply_alone(&self, out: &mut Outcome) -> Option<Reply> {
        let alone = out.woken.is_empty() && out.records.is_empty() && out.notes.is_empty();
        let is_here = |reply: &Reply| reply.deliveries().iter().all(|item| item.away.is_none());
        let leaves = alone && self.kept == self.decided && !self.lost;
        if leaves && out.reply.as_ref().is_some_and(is_here) { out.reply.take() } else { None }
    }

    /// Notes what was decided, and says what may be told. `caller` is whose call it was.
    ///
    /// # Errors
    ///
    /// When something decided could not be kept.
    pub fn tell(&mut self, caller: Option<SessionId>, out: Outcome) -> Result<Told, Lost> {
        if self.lost {
            return Err(Lost);
        }
        let Outcome { reply, woken, records, notes } = out;
        if self.keeps {
            self.decided += records.len() as u64;
            self.pending.extend(records);
        }
        if self.keeps {
            let of_caller = caller.zip(reply.as_ref());
            let replies = of_caller.into_iter().chain(woken.iter().map(|(at, reply)| (*at, reply)));
            let away = replies.flat_map(|(session, reply)| {
                let deliveries =
                    reply.deliveries().iter().filter(|delivery| delivery.away.is_some());
                deliveries.map(move |delivery| Fetch { session, item: delivery.id })
            });
            let before = self.fetches.len();
            self.fetches.extend(away);
            // A batch is to be made for them, if there were none otherwise.
            self.decided += (self.fetches.len() - before) as u64;
        }
        if self.kept == self.decided {
            return Ok(Told { reply, woken, notes });
        }
        let own = caller.zip(reply);
        for (session, reply) in own.into_iter().chain(woken) {
            let earlier = self.held.insert(session, Held { after: self.decided, reply });
            assert!(earlier.is_none(), "a session makes one call at a time");
            self.order.push_back((self.decided, session));
        }
        Ok(Told { notes, ..Told::default() })
    }

    /// Whether there is a batch to keep, and none is being kept.
    pub fn has_batch(&self) -> bool {
        self.given < self.decided && self.given == self.kept && !self.lost
    }

    /// Moves what was decided into `batch`, which is to be kept next; false if there is nothing, or
    /// an earlier batch is being kept still.
    pub fn take_batch(&mut self, batch: &mut Vec<Record>) -> bool {
        batch.clear();
        if !self.has_batch() {
            return false;
        }
        std::mem::swap(&mut self.pending, batch);
        self.given = self.decided;
        true
    }

    /// What is to be fetched with the batch that was just taken, and before it is kept.
    pub fn take_fetches(&mut self) -> Vec<Fetch> {
        std::mem::take(&mut self.fetches)
    }

    /// The bytes of an item were fetched.
    pub fn fetched(&mut self, fetch: Fetch, bytes: &Bytes) {
        let Some(held) = self.held.get_mut(&fetch.session) else { return };
        let mut deliveries = held.reply.deliveries_mut().iter_mut();
        if let Some(delivery) = deliveries.find(|delivery| delivery.id == fetch.item) {
            let mut out = Outcome::default();
            self.state.fetched(fetch.session, delivery, bytes, &mut out);
            if !out.records.is_empty() {
                // It is acked by that, so its reply waits for one batch more.
                self.decided += out.records.len() as u64;
                self.pending.extend(out.records);
                held.after = self.decided;
                self.order.push_back((self.decided, fetch.session));
            }
        }
    }

    /// The batch is kept: the replies that waited for it may leave.
    pub fn kept(&mut self) {
        self.kept = self.given;
    }

    /// The replies that may leave, in this order.
    pub fn leave(&mut self) -> Vec<(SessionId, Reply)> {
        let mut leave = Vec::new();
        while let Some(&(after, session)) = self.order.front().filter(|next| next.0 <= self.kept) {
            self.order.pop_front();
            let current = self.held.get(&session).is_some_and(|held| held.after == after);
            if let Some(held) = current.then(|| self.held.remove(&session)).flatten() {
                leave.push((session, held.reply));
            }
        }
        leave
    }

    /// There is room for so many bytes of payload beside what was kept: what is decided already is
    /// among them.
    pub fn set_room(&mut self, room: u64) {
        let pending = self.pending.iter().map(Record::bytes).sum();
        self.state.set_room(room.saturating_sub(pending));
    }

    /// The batch could not be kept. Nobody gets a reply any more.
    pub fn lose(&mut self) {
        self.lost = true;
        self.pending = Vec::new();
        self.held.clear();
        self.fetches.clear();
        self.order.clear();
    }

    /// Whether something decided could not be kept.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether the reply to a session's call waits here.
    pub fn holds(&self, session: SessionId) -> bool {
        self.held.contains_key(&session)
    }

    /// Serves one call of a session.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::tell`].
    pub fn apply(&mut self, now: Time, session: SessionId, call: Call) -> Result<Told, Lost> {
        let out = self.state.apply(now, session, call);
        self.tell(Some(session), out)
    }

    /// Gives up the call of a session whose client no longer waits for the reply: whatever the
    /// reply would have brought goes back. `None` if there is no such call: the reply has left.
    pub fn cancel(&mut self, now: Time, session: SessionId) -> Option<Result<Told, Lost>> {
        let out = match self.held.remove(&session) {
            Some(Held { reply, .. }) => self.state.unsent(now, session, State::deliveries(reply)),
            None => self.state.cancel(now, session)?,
        };
        Some(self.tell(None, out))
    }

    /// Ends a session, as [`State::end`] does; a reply that still waits here never reached it.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::tell`].
    pub fn end(&mut self, now: Time, session: SessionId) -> Result<Told, Lost> {
        let mut told = Told::default();
        if self.holds(session)
            && let Some(cancelled) = self.cancel(now, session)
        {
            told = cancelled?;
        }
        let out = self.state.end(now, session);
        let ended = self.tell(None, out)?;
        told.woken.extend(ended.woken);
        told.notes.extend(ended.notes);
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AckMode, Limits, Payload, Peer, QueueId, QueueOptions};

    const NOW: Time = Time::from_micros(1_000_000);

    fn ledger(ack: AckMode) -> (Ledger, QueueId, SessionId, SessionId) {
        let mut ledger = Ledger::new(State::new(1, Limits::default()), true);
        let mut out = Outcome::default();
        let options = QueueOptions { ack, ..QueueOptions::default() };
        let task = ledger.state.register("task", options, &mut out);
        ledger.tell(None, out).unwrap();
        keep(&mut ledger);
        let [master, worker] =
            ["master", "worker"].map(|name| ledger.state.open(NOW, Peer::native(name)));
        (ledger, task, master, worker)
    }

    fn keep(ledger: &mut Ledger) -> Vec<SessionId> {
        assert!(ledger.take_batch(&mut Vec::new()));
        ledger.kept();
        ledger.leave().into_iter().map(|(session, _)| session).collect()
    }

    fn ready(ledger: &Ledger, queue: QueueId) -> usize {
        ledger.state.stats_of(NOW, queue).unwrap().ready
    }

    #[test]
    fn replies_leave_in_order_once_all_before_them_is_kept() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        let mut batch = Vec::new();
        let put = Call::put(task, Payload::opaque("1"));
        assert!(ledger.apply(NOW, master, put).unwrap().reply.is_none());
        assert!(ledger.take_batch(&mut batch));
        // It decides nothing, but it shows what was put.
        assert!(ledger.apply(NOW, worker, Call::get(task)).unwrap().reply.is_none());
        assert!(!ledger.has_batch(), "a lease is not kept");
        ledger.kept();
        assert_eq!(ledger.leave().iter().map(|r| r.0).collect::<Vec<_>>(), [master, worker]);
        assert!(ledger.apply(NOW, master, Call::Qsize(task)).unwrap().reply.is_some());
    }

    #[test]
    fn what_is_decided_while_a_batch_is_kept_waits_for_the_next() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        let mut batch = Vec::new();
        let put = || Call::put(task, Payload::opaque("1"));
        ledger.apply(NOW, master, put()).unwrap();
        assert!(ledger.take_batch(&mut batch));
        ledger.apply(NOW, worker, put()).unwrap();
        assert!(!ledger.take_batch(&mut Vec::new()), "one at a time");
        ledger.kept();
        assert_eq!(ledger.leave().len(), 1);
        assert_eq!(keep(&mut ledger), [worker]);
    }

    #[test]
    fn an_item_whose_getter_left_before_the_reply_did_goes_back() {
        // With `none` the delivery was its own ack, and is taken back too.
        for ack in [AckMode::Auto, AckMode::None] {
            let (mut ledger, task, master, worker) = ledger(ack);
            let put = Call::put(task, Payload::opaque("1"));
            ledger.apply(NOW, master, put).unwrap();
            ledger.apply(NOW, worker, Call::get(task)).unwrap();
            assert_eq!(ready(&ledger, task), 0);
            ledger.end(NOW, worker).unwrap();
            assert_eq!(ready(&ledger, task), 1, "{ack:?}");
            assert_eq!(keep(&mut ledger), [master]);
        }
    }

    #[test]
    fn an_interrupted_call_whose_reply_waits_is_taken_back_and_another_can_follow() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        let put = Call::put(task, Payload::opaque("1"));
        ledger.apply(NOW, master, put).unwrap();
        ledger.apply(NOW, worker, Call::get(task)).unwrap();
        assert!(ledger.cancel(NOW, worker).is_some());
        assert!(ledger.cancel(NOW, worker).is_none(), "there is nothing more to cancel");
        ledger.apply(NOW, worker, Call::Qsize(task)).unwrap();
        assert_eq!(keep(&mut ledger), [master, worker]);
    }

    #[test]
    fn after_a_loss_nothing_is_told() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        ledger.apply(NOW, master, Call::put(task, Payload::opaque("1"))).unwrap();
        assert!(ledger.take_batch(&mut Vec::new()));
        ledger.lose();
        assert!(ledger.is_lost() && !ledger.has_batch());
        assert_eq!(ledger.apply(NOW, worker, Call::Qsize(task)).unwrap_err(), Lost);
        assert!(ledger.end(NOW, master).is_err());
    }

    #[test]
    fn a_manager_that_keeps_nothing_tells_at_once() {
        let mut ledger = Ledger::new(State::new(1, Limits::default()), false);
        let mut out = Outcome::default();
        let task = ledger.state.register("task", QueueOptions::default(), &mut out);
        ledger.tell(None, out).unwrap();
        let master = ledger.state.open(NOW, Peer::native("master"));
        let put = ledger.apply(NOW, master, Call::put(task, Payload::opaque("1"))).unwrap();
        assert!(put.reply.is_some() && !ledger.has_batch());
    }
}
