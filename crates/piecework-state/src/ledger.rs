//! Decisions that are not kept yet, and the replies whose bytes are not here yet.
//!
//! The state decides at once, call by call; an engine keeps decisions batch by batch, and takes its
//! time. A reply that leaves before everything that was decided before it is kept could tell of
//! something that a crash undoes: not only what its own call changed, but also what it saw, say an
//! item that somebody put a moment ago. So whoever has a reply sends it no sooner than
//! [`Ledger::has_kept`] what was [`Ledger::decided`] when it was told. What comes in meanwhile is
//! the next batch.

use crate::{Call, Delivery, ItemId, Note, Outcome, Record, Reply, SessionId, State, Time};
use bytes::Bytes;
use smallvec::SmallVec;
use std::collections::HashMap;

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
/// let told = ledger.apply(now, master, Call::put(task, Payload::opaque("3411")))?;
/// let upto = ledger.decided();
/// assert!(told.reply.is_some() && !ledger.has_kept(upto), "it is not kept yet");
///
/// let mut batch = Vec::new();
/// assert!(ledger.take_batch(&mut batch));
/// assert_eq!(batch.len(), 2);
/// ledger.kept();
/// assert!(ledger.has_kept(upto), "now its reply may leave");
/// # Ok::<(), piecework_state::Lost>(())
/// ```
#[derive(Debug)]
pub struct Ledger {
    /// What decides.
    pub state: State,
    /// Whether anything is ever kept.
    keeps: bool,
    /// Decided, and not given to the engine yet; and how many bytes of payload that is.
    pending: Vec<Record>,
    pending_bytes: u64,
    /// Records so far: decided, kept, and those that will be once the batch is that is being kept.
    decided: u64,
    kept: u64,
    given: Option<u64>,
    /// Replies some of whose bytes are to be fetched. A session makes one call at a time, so it
    /// waits for one reply at most.
    held: HashMap<SessionId, Reply>,
    /// Items whose bytes are to be fetched for those replies, and for whom.
    fetches: Vec<Fetch>,
    /// Whose replies were made whole, in this order; one that was taken back since is stale.
    whole: Vec<SessionId>,
    lost: bool,
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
    /// The caller's reply; `None` if it comes later, as the call waits or bytes are to be fetched.
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
    /// The ledger of a manager that keeps its decisions; or of one that keeps nothing.
    pub fn new(mut state: State, keeps: bool) -> Self {
        state.keeps = keeps;
        Self {
            state,
            keeps,
            pending: Vec::new(),
            pending_bytes: 0,
            decided: 0,
            kept: 0,
            given: None,
            held: HashMap::new(),
            fetches: Vec::new(),
            whole: Vec::new(),
            lost: false,
        }
    }

    /// The caller's reply, where its call came to nothing else: the same as [`Ledger::tell`] would
    /// say of that, and less work.
    pub fn reply_alone(&self, out: &mut Outcome) -> Option<Reply> {
        let alone = out.woken.is_empty() && out.records.is_empty() && out.notes.is_empty();
        if alone && !self.lost { out.reply.take_if(|reply| is_whole(reply)) } else { None }
    }

    /// Notes what was decided, and says what came of it. `caller` is whose call it was.
    ///
    /// # Errors
    ///
    /// When something decided could not be kept.
    pub fn tell(&mut self, caller: Option<SessionId>, out: Outcome) -> Result<Told, Lost> {
        if self.lost {
            return Err(Lost);
        }
        let Outcome { reply, mut woken, records, notes } = out;
        self.note(records);
        let reply = match (caller, reply) {
            (Some(caller), Some(reply)) => self.hold_unless_whole(caller, reply),
            (_, reply) => reply,
        };
        if woken.iter().any(|(_, reply)| !is_whole(reply)) {
            let replies = std::mem::take(&mut woken).into_iter();
            let told = |(session, reply)| Some((session, self.hold_unless_whole(session, reply)?));
            woken = replies.filter_map(told).collect();
        }
        Ok(Told { reply, woken, notes })
    }

    /// They are to be kept.
    fn note(&mut self, records: impl IntoIterator<Item = Record>) {
        if self.keeps {
            let before = self.pending.len();
            self.pending.extend(records);
            let new = self.pending.iter().skip(before);
            self.pending_bytes += new.map(Record::bytes).sum::<u64>();
            self.decided += (self.pending.len() - before) as u64;
        }
    }

    /// Has the bytes of a reply fetched that are not here, and keeps it until they are.
    fn hold_unless_whole(&mut self, session: SessionId, reply: Reply) -> Option<Reply> {
        if is_whole(&reply) {
            return Some(reply);
        }
        let away = reply.deliveries().iter().filter(|delivery| delivery.away.is_some());
        self.fetches.extend(away.map(|delivery| Fetch { session, item: delivery.id }));
        let earlier = self.held.insert(session, reply);
        assert!(earlier.is_none(), "a session makes one call at a time");
        None
    }

    /// How many records were decided so far.
    pub fn decided(&self) -> u64 {
        self.decided
    }

    /// Whether the first so many of them are kept.
    pub fn has_kept(&self, decided: u64) -> bool {
        self.kept >= decided
    }

    /// Whether there is something to keep or to fetch that is not being kept already.
    pub fn has_batch(&self) -> bool {
        !self.lost && (!self.pending.is_empty() || !self.fetches.is_empty())
    }

    /// Whether the next batch begins with something to fetch.
    pub fn has_fetches(&self) -> bool {
        !self.fetches.is_empty()
    }

    /// How many bytes the next batch takes, about.
    pub fn batch_size(&self) -> u64 {
        self.pending.iter().map(Record::size).sum()
    }

    /// Moves what was decided into `batch`, which is to be kept next; false if there is nothing, or
    /// an earlier batch is being kept still.
    pub fn take_batch(&mut self, batch: &mut Vec<Record>) -> bool {
        batch.clear();
        if !self.has_batch() || self.given.is_some() {
            return false;
        }
        std::mem::swap(&mut self.pending, batch);
        self.pending_bytes = 0;
        self.given = Some(self.decided);
        true
    }

    /// What is to be fetched with the batch that was just taken, and before it is kept: an item may
    /// be gone with it.
    pub fn take_fetches(&mut self) -> Vec<Fetch> {
        std::mem::take(&mut self.fetches)
    }

    /// The bytes of an item were fetched.
    pub fn fetched(&mut self, fetch: Fetch, bytes: &Bytes) {
        let Some(reply) = self.held.get_mut(&fetch.session) else { return };
        let away = |delivery: &&mut Delivery| delivery.id == fetch.item && delivery.away.is_some();
        let Some(delivery) = reply.deliveries_mut().iter_mut().find(away) else { return };
        let mut out = Outcome::default();
        self.state.fetched(fetch.session, delivery, bytes, &mut out);
        if is_whole(reply) {
            self.whole.push(fetch.session);
        }
        // It may be acked by that.
        self.note(out.records);
    }

    /// The batch is kept; gives back how many records are, by now.
    pub fn kept(&mut self) -> u64 {
        self.kept = self.given.take().unwrap_or(self.kept);
        self.kept
    }

    /// The replies that have been made whole, in this order.
    pub fn leave(&mut self) -> Vec<(SessionId, Reply)> {
        let mut leave = Vec::new();
        for session in self.whole.drain(..) {
            if self.held.get(&session).is_some_and(is_whole)
                && let Some(reply) = self.held.remove(&session)
            {
                leave.push((session, reply));
            }
        }
        leave
    }

    /// Whether there may be such replies.
    pub fn has_whole(&self) -> bool {
        !self.whole.is_empty()
    }

    /// There is room for so many bytes of payload beside what was kept: what is decided already is
    /// among them.
    pub fn set_room(&mut self, room: u64) {
        self.state.set_room(room.saturating_sub(self.pending_bytes));
    }

    /// The batch could not be kept. Nobody gets a reply any more.
    pub fn lose(&mut self) {
        self.lost = true;
        self.pending = Vec::new();
        self.held.clear();
        self.fetches.clear();
        self.whole.clear();
    }

    /// Whether something decided could not be kept.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether the reply to a session's call waits here for bytes.
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
    /// reply would have brought goes back. `None` if there is no such call: the reply was told.
    pub fn cancel(&mut self, now: Time, session: SessionId) -> Option<Result<Told, Lost>> {
        let out = match self.held.remove(&session) {
            Some(reply) => self.state.unsent(now, session, State::deliveries(reply)),
            None => self.state.cancel(now, session)?,
        };
        Some(self.tell(None, out))
    }

    /// Ends a session, as [`State::end`] does; a reply that waits here for bytes never reached it.
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

/// Whether all its bytes are here.
fn is_whole(reply: &Reply) -> bool {
    reply.deliveries().iter().all(|delivery| delivery.away.is_none())
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

    fn keep(ledger: &mut Ledger) {
        assert!(ledger.take_batch(&mut Vec::new()));
        ledger.kept();
    }

    fn ready(ledger: &Ledger, queue: QueueId) -> usize {
        ledger.state.stats_of(NOW, queue).unwrap().ready
    }

    #[test]
    fn a_reply_is_told_at_once_and_says_what_is_to_be_kept_before_it_leaves() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        let put = Call::put(task, Payload::opaque("1"));
        assert!(ledger.apply(NOW, master, put).unwrap().reply.is_some());
        let put = ledger.decided();
        assert!(ledger.take_batch(&mut Vec::new()));
        // It decides nothing, but it shows what was put.
        assert!(ledger.apply(NOW, worker, Call::get(task)).unwrap().reply.is_some());
        assert!(!ledger.has_kept(ledger.decided()));
        assert!(!ledger.has_batch(), "a lease is not kept");
        ledger.kept();
        assert!(ledger.has_kept(put) && ledger.has_kept(ledger.decided()));
    }

    #[test]
    fn what_is_decided_while_a_batch_is_kept_waits_for_the_next() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        let put = || Call::put(task, Payload::opaque("12"));
        ledger.apply(NOW, master, put()).unwrap();
        let first = ledger.decided();
        assert!(ledger.take_batch(&mut Vec::new()));
        ledger.apply(NOW, worker, put()).unwrap();
        let second = ledger.decided();
        assert!(ledger.has_batch() && !ledger.take_batch(&mut Vec::new()), "one at a time");
        assert!((2..1_000).contains(&ledger.batch_size()));
        ledger.kept();
        assert!(ledger.has_kept(first) && !ledger.has_kept(second));
        keep(&mut ledger);
        assert!(ledger.has_kept(second) && !ledger.has_batch());
    }

    #[test]
    fn an_item_whose_getter_left_before_the_reply_did_goes_back() {
        // With `none` the delivery was its own ack, and is taken back too.
        for ack in [AckMode::Auto, AckMode::None] {
            let (mut ledger, task, master, worker) = ledger(ack);
            let put = Call::put(task, Payload::opaque("1"));
            ledger.apply(NOW, master, put).unwrap();
            let got = ledger.apply(NOW, worker, Call::get(task)).unwrap().reply.unwrap();
            assert_eq!(ready(&ledger, task), 0);
            let out = ledger.state.unsent(NOW, worker, State::deliveries(got));
            ledger.tell(None, out).unwrap();
            ledger.end(NOW, worker).unwrap();
            assert_eq!(ready(&ledger, task), 1, "{ack:?}");
        }
    }

    #[test]
    fn after_a_loss_nothing_is_told() {
        let (mut ledger, task, master, worker) = ledger(AckMode::Auto);
        ledger.apply(NOW, master, Call::put(task, Payload::opaque("1"))).unwrap();
        assert!(ledger.take_batch(&mut Vec::new()));
        ledger.lose();
        assert!(ledger.is_lost() && !ledger.has_batch() && !ledger.has_kept(ledger.decided()));
        assert_eq!(ledger.apply(NOW, worker, Call::Qsize(task)).unwrap_err(), Lost);
        let mut alone = Outcome { reply: Some(Reply::None), ..Outcome::default() };
        assert!(ledger.reply_alone(&mut alone).is_none());
        assert!(ledger.end(NOW, master).is_err());
    }

    #[test]
    fn a_manager_that_keeps_nothing_has_nothing_to_keep() {
        let mut ledger = Ledger::new(State::new(1, Limits::default()), false);
        let mut out = Outcome::default();
        let task = ledger.state.register("task", QueueOptions::default(), &mut out);
        ledger.tell(None, out).unwrap();
        let master = ledger.state.open(NOW, Peer::native("master"));
        let put = ledger.apply(NOW, master, Call::put(task, Payload::opaque("1"))).unwrap();
        assert!(put.reply.is_some() && !ledger.has_batch() && ledger.has_kept(ledger.decided()));
    }
}
