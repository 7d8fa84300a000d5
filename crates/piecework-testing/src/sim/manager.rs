//! The manager of a life: what the server's hub, committer and connections do with a ledger, one
//! step at a time, so that anything may happen between two of them.

use super::fair::check_reply;
use super::model::{Lasts, Model};
use super::op::{Op, carried, options};
use super::plan::{NAMES, Plan, Q, RESULT};
use super::trace::Trace;
use bytes::Bytes;
use piecework_state::{
    Delivery, Fetch, Ledger, Limits, Lost, Outcome, Peer, QueueId, Record, Reply, SessionId,
    Stands, State, Time, Told,
};
use std::collections::{BTreeMap, VecDeque};

/// A manager that runs.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) ledger: Ledger,
    pub(super) committer: Committer,
    /// What is being kept.
    pub(super) batch: Vec<Record>,
    /// What is being fetched before that, and what that came to.
    pub(super) fetches: Vec<Fetch>,
    pub(super) fetched: Vec<(Fetch, Bytes)>,
    ids: [QueueId; 3],
    /// The connections that have a session, by their numbers.
    desks: BTreeMap<usize, Desk>,
    lines: BTreeMap<SessionId, usize>,
    /// Connections with a reply that waits until something is kept.
    told: VecDeque<usize>,
    /// Connections whose reply can be written since somebody looked last.
    pub(super) to_write: Vec<usize>,
    /// Deliveries that were their own ack and were taken back, which is not kept yet.
    undone: [usize; 3],
}

/// What the thread that keeps decisions is at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Committer {
    Idle,
    /// It will look for a batch.
    Called,
    /// The engine is given the batch.
    Writing,
    /// The engine has kept it, and nobody was told.
    Written,
}

/// One connection's task.
#[derive(Debug)]
struct Desk {
    session: SessionId,
    peer: Peer,
    at: At,
    /// Requests that came in while it waited.
    unread: VecDeque<Asked>,
    /// Its session has ended with the process that opened it.
    orphaned: bool,
}

/// A request of a client; the reply bears the same number.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) op: Op,
    pub(super) ident: String,
}

#[derive(Debug)]
enum At {
    Idle,
    /// The call waits, or bytes are being fetched for its reply.
    Parked(Asked),
    /// The reply is there, and waits until so much is kept.
    Told(Asked, Reply, u64),
    /// The reply is about to be written.
    Released(Asked, Reply),
    /// The connection is gone, and its session ends in a moment.
    Ending,
}

/// What comes out of the attempt to write a reply.
#[derive(Debug)]
pub(super) enum Written {
    Sent(Asked, Reply),
    /// It was taken back: the client has said more meanwhile, or is gone.
    TakenBack,
}

impl Manager {
    /// Starts with what was kept.
    pub(super) fn start(state: State, plan: &Plan) -> Self {
        let mut ledger = Ledger::new(state, true);
        let mut out = Outcome::default();
        let mut register = |queue: Q, answers: Option<QueueId>| {
            let name = NAMES.get(queue.0).expect("one of the three queues");
            let options = options(plan.queue(queue), || answers.expect("results come first"));
            ledger.state.register(name, options, &mut out)
        };
        let result = register(RESULT, None);
        let ids = [Q(0), RESULT, Q(2)];
        let ids =
            ids.map(|queue| if queue == RESULT { result } else { register(queue, Some(result)) });
        ledger.tell(None, out).expect("nothing is lost yet");
        Self {
            ledger,
            committer: Committer::Idle,
            batch: Vec::new(),
            fetches: Vec::new(),
            fetched: Vec::new(),
            ids,
            desks: BTreeMap::new(),
            lines: BTreeMap::new(),
            told: VecDeque::new(),
            to_write: Vec::new(),
            undone: [0; 3],
        }
    }

    pub(super) fn limits(plan: &Plan) -> Limits {
        Limits {
            bytes: plan.bytes_max,
            items: plan.items_max,
            resident: plan.resident_max,
            leases: plan.leases_max,
            ..Limits::default()
        }
    }

    pub(super) fn id(&self, queue: Q) -> QueueId {
        *self.ids.get(queue.0).expect("one of the three queues")
    }

    /// A handle for each queue.
    pub(super) fn create(&mut self) -> [String; 3] {
        self.ids.map(|id| self.ledger.state.create(id).expect("a registered queue exists"))
    }

    pub(super) fn decref(&mut self, now: Time, ident: &str, world: &mut Around<'_>) {
        let out = self.ledger.state.decref(now, ident).expect("an ident of a named queue is known");
        self.tell(out, world);
    }

    /// A request has arrived over a connection, which may be its first.
    pub(super) fn request(
        &mut self,
        now: Time,
        line: usize,
        peer: &Peer,
        asked: Asked,
        world: &mut Around<'_>,
    ) {
        let (state, lines) = (&mut self.ledger.state, &mut self.lines);
        let desk = self.desks.entry(line).or_insert_with(|| {
            let session = state.open(now, peer.clone());
            lines.insert(session, line);
            let (at, unread) = (At::Idle, VecDeque::new());
            Desk { session, peer: peer.clone(), at, unread, orphaned: false }
        });
        desk.unread.push_back(asked);
        if matches!(desk.at, At::Parked(_)) && !desk.peer.is_native() {
            world.trace.count("interrupted calls");
            self.cancel(now, line, world);
        }
        self.serve(now, line, world);
    }

    /// Serves what has come in, if nothing is being served.
    fn serve(&mut self, now: Time, line: usize, world: &mut Around<'_>) {
        let Some(desk) = self.desks.get_mut(&line).filter(|desk| matches!(desk.at, At::Idle))
        else {
            return;
        };
        let Some(asked) = desk.unread.pop_front() else { return };
        if std::mem::take(&mut desk.orphaned) {
            desk.session = self.ledger.state.open(now, desk.peer.clone());
            self.lines.insert(desk.session, line);
        }
        let session = desk.session;
        desk.at = At::Parked(asked.clone());
        let mut out = Outcome::default();
        let resolved = self.ledger.state.resolve(now, session, &asked.ident, &mut out);
        let at = resolved.expect("an ident of a named queue is known");
        assert_eq!(at.queue(), Some(self.id(asked.op.queue())), "{} leads elsewhere", asked.ident);
        let before = self.ready(now, asked.op.queue());
        let call = asked.op.call(now, |queue| self.id(queue));
        self.ledger.state.apply_into(now, session, call, &mut out);
        check_reply(&asked.op, before, out.reply.as_ref(), world.plan);
        self.finish(session, out, world);
    }

    fn ready(&self, now: Time, queue: Q) -> usize {
        self.ledger.state.stats_of(now, self.id(queue)).expect("a named queue is there").ready
    }

    /// The call that waits at a connection is given up.
    fn cancel(&mut self, now: Time, line: usize, world: &mut Around<'_>) {
        let Some(desk) = self.desks.get_mut(&line) else { return };
        let At::Parked(asked) = std::mem::replace(&mut desk.at, At::Idle) else { return };
        let session = desk.session;
        self.note_held(session, &asked.op, world);
        match self.ledger.cancel(now, session) {
            Some(told) => self.publish(told, world),
            None => assert!(self.ledger.is_lost(), "{session} waits for nothing"),
        }
    }

    /// A reply whose bytes are being fetched is about to be taken back.
    fn note_held(&mut self, session: SessionId, op: &Op, world: &mut Around<'_>) {
        let Op::Take { queue, max, .. } = op else { return };
        if self.ledger.holds(session) {
            world.trace.count("held replies taken back");
            world.model.disturbed(*queue);
        }
        // After a loss nothing is taken back.
        if self.ledger.holds(session) || self.ledger.is_lost() {
            self.undone(*queue, *max);
        }
    }

    fn undone(&mut self, queue: Q, items: usize) {
        if let Some(undone) = self.undone.get_mut(queue.0) {
            *undone += items;
        }
    }

    /// Writes the reply that was released; `gone` if that is seen to fail.
    pub(super) fn write(
        &mut self,
        now: Time,
        line: usize,
        gone: bool,
        world: &mut Around<'_>,
    ) -> Option<Written> {
        let desk = self.desks.get_mut(&line)?;
        let At::Released(asked, reply) = std::mem::replace(&mut desk.at, At::Idle) else {
            unreachable!("a reply is written once")
        };
        let interrupted = !desk.peer.is_native() && !desk.unread.is_empty();
        let session = desk.session;
        if !interrupted && !gone {
            self.serve(now, line, world);
            return Some(Written::Sent(asked, reply));
        }
        self.take_back(now, session, &asked, reply, world);
        match gone {
            true => self.end(now, line, world),
            false => self.serve(now, line, world),
        }
        Some(Written::TakenBack)
    }

    fn take_back(
        &mut self,
        now: Time,
        session: SessionId,
        asked: &Asked,
        reply: Reply,
        world: &mut Around<'_>,
    ) {
        let deliveries = State::deliveries(reply);
        if !deliveries.is_empty() {
            world.trace.count("unsent replies");
            self.undone(asked.op.queue(), deliveries.len());
            let out = self.ledger.state.unsent(now, session, deliveries);
            self.tell(out, world);
        }
    }

    /// How long the lease lasts of an item that was sent over this connection.
    pub(super) fn lasts(&self, line: usize, delivery: &Delivery) -> Lasts {
        let own = self.desks.get(&line).map(|desk| desk.session);
        let found = self.ledger.state.item(delivery.queue, delivery.id);
        match found.map(|found| found.stands) {
            Some(Stands::Leased { session, deadline, .. }) if Some(session) == own => {
                deadline.map_or(Lasts::On, Lasts::Until)
            }
            _ => Lasts::Over,
        }
    }

    /// The connection's end has come; its session ends now, or `later`, by [`Manager::end`].
    pub(super) fn eof(&mut self, now: Time, line: usize, later: bool, world: &mut Around<'_>) {
        let Some(desk) = self.desks.get_mut(&line) else { return };
        let session = desk.session;
        match std::mem::replace(&mut desk.at, At::Ending) {
            At::Told(asked, reply, _) => {
                world.trace.count("replies taken back before they were kept");
                world.model.disturbed(asked.op.queue());
                self.take_back(now, session, &asked, reply, world);
            }
            At::Released(asked, reply) => self.take_back(now, session, &asked, reply, world),
            At::Parked(asked) if later => {
                desk.at = At::Parked(asked);
                self.cancel(now, line, world);
                if let Some(desk) = self.desks.get_mut(&line) {
                    desk.at = At::Ending;
                }
            }
            At::Parked(asked) => self.note_held(session, &asked.op, world),
            At::Idle | At::Ending => {}
        }
        if !later {
            self.end(now, line, world);
        }
    }

    /// The session of a connection ends.
    pub(super) fn end(&mut self, now: Time, line: usize, world: &mut Around<'_>) {
        let Some(desk) = self.desks.remove(&line) else { return };
        if !desk.orphaned {
            self.lines.remove(&desk.session);
            let told = self.ledger.end(now, desk.session);
            self.publish(told, world);
        }
    }

    /// The system says that the process of this connection has ended.
    pub(super) fn process_ended(&mut self, line: usize) {
        if let Some(desk) = self.desks.get(&line) {
            self.ledger.state.process_ended(desk.session);
        }
    }

    /// The process that opened a connection has ended, and somebody goes on with the connection.
    pub(super) fn orphan(&mut self, now: Time, line: usize, world: &mut Around<'_>) {
        let Some(desk) = self.desks.get_mut(&line) else { return };
        let session = desk.session;
        match &desk.at {
            At::Parked(asked) if !self.ledger.holds(session) && !self.ledger.is_lost() => {
                let ident = asked.ident.clone();
                world.trace.count("hand-overs");
                let handed = self.ledger.state.hand_over(now, session, &ident);
                let (heir, out) = handed.expect("a call that is not served waits");
                desk.session = heir;
                self.lines.remove(&session);
                self.lines.insert(heir, line);
                self.finish(heir, out, world);
            }
            At::Idle if !desk.orphaned => {
                desk.orphaned = true;
                self.lines.remove(&session);
                self.ledger.state.process_ended(session);
                let told = self.ledger.end(now, session);
                self.publish(told, world);
            }
            _ => {}
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Time, world: &mut Around<'_>) {
        let out = self.ledger.state.tick(now);
        self.tell(out, world);
    }

    /// Stops in good order: all sessions end, and nobody is blamed.
    pub(super) fn stop(&mut self, now: Time, world: &mut Around<'_>) {
        self.ledger.state.stop();
        let lines: Vec<usize> = self.desks.keys().copied().collect();
        for line in lines {
            self.eof(now, line, false, world);
        }
    }

    /// A call of somebody who has no connection.
    pub(super) fn administer(
        &mut self,
        now: Time,
        call: piecework_state::Call,
        world: &mut Around<'_>,
    ) -> Option<Reply> {
        let session = self.ledger.state.open(now, Peer::native("piecework/1 administrator"));
        let mut out = self.ledger.state.apply(now, session, call);
        let reply = out.reply.take();
        self.tell(out, world);
        let told = self.ledger.end(now, session);
        self.publish(told, world);
        reply
    }

    /// What was given to the engine is kept.
    pub(super) fn kept(&mut self, world: &mut Around<'_>) {
        for (fetch, bytes) in std::mem::take(&mut self.fetched) {
            world.trace.count("fetched payloads");
            self.ledger.fetched(fetch, &bytes);
        }
        self.ledger.kept();
        let whole = self.ledger.leave();
        self.wake(whole, world);
        self.release(world);
    }

    /// Whether all that was decided is kept.
    pub(super) fn is_quiet(&mut self) -> bool {
        let quiet = !self.ledger.has_batch() && self.committer == Committer::Idle;
        if quiet {
            self.undone = [0; 3];
        }
        quiet
    }

    /// The manager is gone: what was on its way to somebody, and acked by that, may be gone too.
    pub(super) fn crashed(&self, model: &mut Model) {
        for desk in self.desks.values() {
            if let At::Parked(asked) | At::Told(asked, ..) | At::Released(asked, _) = &desk.at
                && let Op::Take { queue, max, .. } = asked.op
            {
                model.on_their_way(queue, max);
            }
        }
        for (at, undone) in self.undone.iter().enumerate() {
            model.on_their_way(Q(at), *undone);
        }
    }

    /// Tells the caller and others what a call led to.
    fn finish(&mut self, session: SessionId, out: Outcome, world: &mut Around<'_>) {
        let told = self.ledger.tell(Some(session), out).map(|mut told| {
            if let Some(reply) = told.reply.take() {
                told.woken.insert(0, (session, reply));
            }
            told
        });
        self.publish(told, world);
    }

    fn tell(&mut self, out: Outcome, world: &mut Around<'_>) {
        let told = self.ledger.tell(None, out);
        self.publish(told, world);
    }

    fn publish(&mut self, told: Result<Told, Lost>, world: &mut Around<'_>) {
        // After a loss nobody is told anything.
        let Ok(told) = told else { return };
        for note in &told.notes {
            world.trace.count(match note {
                piecework_state::Note::Unanswered { acked: true, .. } => "leases acked at an end",
                piecework_state::Note::Unanswered { .. } => "leases returned at an end",
                piecework_state::Note::Late { .. } => "late answers",
                piecework_state::Note::Died { .. } => "deaths",
                piecework_state::Note::Expired { .. } => "expiries",
                piecework_state::Note::LeasesMax { .. } => "sessions with too many leases",
                piecework_state::Note::LockFreed { .. } => "locks freed",
                piecework_state::Note::Forgotten { .. } => "forgotten objects",
            });
        }
        self.wake(told.woken, world);
    }

    fn wake(
        &mut self,
        woken: impl IntoIterator<Item = (SessionId, Reply)>,
        world: &mut Around<'_>,
    ) {
        for (session, reply) in woken {
            let line = self.lines.get(&session).copied();
            let line =
                line.unwrap_or_else(|| panic!("a reply for {session}, who is gone: {reply:?}"));
            let desk = self.desks.get_mut(&line).expect("a line of a session has a desk");
            let At::Parked(asked) = std::mem::replace(&mut desk.at, At::Idle) else {
                panic!("a reply for {session}, who does not wait: {reply:?}")
            };
            let upto = self.ledger.decided();
            desk.at = At::Told(asked, reply, upto);
            self.told.push_back(line);
        }
        self.release(world);
    }

    /// Lets those replies be written that wait for nothing that is not kept, in the order in which
    /// they were told.
    fn release(&mut self, world: &mut Around<'_>) {
        let lost = self.ledger.is_lost();
        self.told.retain(|line| {
            let Some(desk) = self.desks.get_mut(line) else { return false };
            let At::Told(_, _, upto) = &desk.at else { return false };
            if lost || !self.ledger.has_kept(*upto) {
                return true;
            }
            let At::Told(asked, reply, _) = std::mem::replace(&mut desk.at, At::Idle) else {
                unreachable!("as was just seen")
            };
            carried(&reply).iter().for_each(|delivery| world.model.released(delivery));
            desk.at = At::Released(asked, reply);
            self.to_write.push(*line);
            false
        });
    }
}

/// What a manager's steps need of the life around it.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) plan: &'a Plan,
    pub(super) model: &'a mut Model,
    pub(super) trace: &'a mut Trace,
}
