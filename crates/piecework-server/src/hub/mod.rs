//! The state behind one short lock: what is decided is kept, then told.

mod doing;
mod keep;
mod log;
mod progress;

use crate::clock::Clock;
use crate::keeper::Keeper;
use crate::registry::{Registered, Registry};
use crate::runs;
use doing::Doing;
use log::log;
use piecework_engine::EngineError;
use piecework_state::{
    Call, Delivery, Group, Ledger, Lost, Make, ObjectId, Outcome, Peer, QueueId, QueueOptions,
    Reply, SessionId, Shown, State, StateError, Target, Time, Told,
};
use progress::Progress;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

/// What all connections share. Every method takes the lock, decides, and lets go.
pub(crate) struct Hub {
    clock: Clock,
    shared: Mutex<Shared>,
    /// How much of what was decided is kept.
    progress: Progress,
    /// What keeps it, if anything does. Whoever has this may take the lock, not the other way.
    keeper: Mutex<Option<Keeper>>,
    /// Whether that was quick when it was looked at last.
    quick: AtomicBool,
    /// How many sessions there are.
    sessions: AtomicUsize,
    /// Wakes the committer, where there is one.
    work: Condvar,
    /// Rings when the committer has kept something that somebody waits for.
    kept: Notify,
    /// Rings when a deadline comes before the one that the timer sleeps for.
    sooner: Notify,
    /// Rings when somebody who may do so has asked the manager to stop.
    stop: Notify,
}

struct Shared {
    ledger: Ledger,
    registry: Registry,
    /// Whoever waits for a reply, by session.
    parked: HashMap<SessionId, oneshot::Sender<Reply>>,
    /// What the timer sleeps for.
    armed: Option<Time>,
    /// What the committer is about.
    committer: Doing,
    /// Why something could not be kept.
    failed: Option<EngineError>,
}

/// Who sees to it that what was decided is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Keeps {
    /// Whoever tells of it: [`Hub::keep`] comes before that.
    Teller,
    /// The committer, as nobody tells of it.
    Committer,
}

/// What a call came to, so far. What it decided may not be kept yet: whoever gets this asks for
/// that by [`Hub::keep`] before he tells of it, or by [`Hub::keep_soon`] where he has to wait.
#[derive(Debug)]
pub(crate) enum Called {
    /// It is done.
    Replied(Reply),
    /// It is done, and somebody who waited was served by it.
    Served(Reply),
    /// It waits, or bytes are being fetched; the reply comes here.
    Parked(oneshot::Receiver<Reply>),
    /// Something that was decided could not be kept: nothing may be promised any more.
    Lost,
}

/// What those who turn a request into a call may look at.
pub(crate) struct Desk<'a> {
    pub(crate) now: Time,
    pub(crate) state: &'a State,
    pub(crate) registry: &'a Registry,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    pub(crate) fn new(clock: Clock, ledger: Ledger, registry: Registry) -> Self {
        let parked = HashMap::new();
        let committer = Doing::default();
        let shared = Shared { ledger, registry, parked, armed: None, committer, failed: None };
        Self {
            clock,
            shared: Mutex::new(shared),
            progress: Progress::default(),
            keeper: Mutex::new(None),
            quick: AtomicBool::new(false),
            sessions: AtomicUsize::new(0),
            work: Condvar::new(),
            kept: Notify::new(),
            sooner: Notify::new(),
            stop: Notify::new(),
        }
    }

    /// Opens a session.
    pub(crate) fn open(&self, peer: Peer) -> SessionId {
        let now = self.clock.now();
        let state = &mut self.lock().ledger.state;
        let session = state.open(now, peer);
        self.sessions.store(state.session_count(), Ordering::Relaxed);
        session
    }

    /// Has the state serve one call on the object `ident`; `call` says which, given what that is.
    /// So many items are on their way to the session: it cannot have meant these.
    pub(crate) fn call<E: From<StateError>>(
        &self,
        session: SessionId,
        ident: &str,
        under_way: usize,
        call: impl FnOnce(&Desk<'_>, Target) -> Result<Call, E>,
    ) -> Result<Called, E> {
        let mut shared = self.lock();
        let now = self.clock.now();
        let mut out = Outcome::default();
        let at = shared.ledger.state.resolve(now, session, ident, &mut out);
        let called = at.map_err(E::from).and_then(|at| {
            call(&Desk { now, state: &shared.ledger.state, registry: &shared.registry }, at)
        });
        let Ok(called) = called else {
            // Even a call that is refused may have shown that its process lives.
            self.tell(shared, out);
            return called.map(|_| unreachable!("an error, as was just seen"));
        };
        if under_way > 0 {
            shared.ledger.state.set_under_way(session, under_way);
        }
        shared.ledger.state.apply_into(now, session, called, &mut out);
        if under_way > 0 {
            shared.ledger.state.set_under_way(session, 0);
        }
        Ok(self.finish(shared, session, out))
    }

    /// The same for a caller within this process, who knows the queue.
    pub(crate) fn call_queue(&self, session: SessionId, call: Call) -> Called {
        let mut shared = self.lock();
        let now = self.clock.now();
        let out = shared.ledger.state.apply(now, session, call);
        self.finish(shared, session, out)
    }

    /// Gives up a waiting call whose client no longer waits. If it was served at the last moment,
    /// what it got goes back.
    pub(crate) fn cancel(&self, session: SessionId, mut reply: oneshot::Receiver<Reply>) {
        let mut shared = self.lock();
        shared.parked.remove(&session);
        let now = self.clock.now();
        match (shared.ledger.cancel(now, session), reply.try_recv()) {
            (Some(told), _) => self.publish(shared, told, Keeps::Committer),
            (None, Ok(reply)) => self.take_back(shared, session, reply),
            (None, Err(_)) => {}
        }
    }

    /// The client of a waiting call is gone, and the session is about to end: it takes nothing any
    /// more. A put that waits for room is not given up: it counts, and the end lets it in.
    pub(crate) fn abandon(&self, session: SessionId, reply: oneshot::Receiver<Reply>) {
        // A wait for an object ends with the session: to give it up is for one who goes on.
        let waits_on =
            self.look(|state, _| state.waits_to_put(session) || state.waits_for_object(session));
        if !waits_on {
            self.cancel(session, reply);
        }
    }

    /// The process of a session has ended while its call on the object `ident` waits, and its
    /// connection has been inherited: the session ends, and the call waits on in a new one, unless
    /// it was served at the last moment.
    pub(crate) fn hand_over(
        &self,
        session: SessionId,
        ident: &str,
        mut reply: oneshot::Receiver<Reply>,
    ) -> (SessionId, Called) {
        let mut shared = self.lock();
        if shared.ledger.holds(session) {
            return (session, Called::Parked(reply));
        }
        shared.parked.remove(&session);
        match shared.ledger.state.hand_over(self.clock.now(), session, ident) {
            Some((heir, out)) => (heir, self.finish(shared, heir, out)),
            None => (session, reply.try_recv().map_or(Called::Lost, Called::Replied)),
        }
    }

    /// Takes back what a reply carried that will not be sent.
    pub(crate) fn unsent(&self, session: SessionId, reply: Reply) {
        self.take_back(self.lock(), session, reply);
    }

    /// Begins a run: idents of the queue of tasks that all runs share, and of a queue for the
    /// results of this one, which ends with the session.
    pub(crate) fn begin_run(&self, session: SessionId) -> Result<(String, String), StateError> {
        let tasks = self.tasks_of_runs(session)?;
        let results = self.lock().ledger.state.own(session, runs::RESULTS, runs::results())?;
        Ok((tasks, results))
    }

    /// The session's ident of the queue that holds the tasks of all runs, which is made when it is
    /// first asked for.
    pub(crate) fn tasks_of_runs(&self, session: SessionId) -> Result<String, StateError> {
        let mut shared = self.lock();
        let queue = shared.ledger.state.queue(runs::TASKS);
        let queue = queue
            .unwrap_or_else(|| shared.ledger.state.register_passing(runs::TASKS, &runs::tasks()));
        shared.ledger.state.create_for(self.clock.now(), session, queue)
    }

    /// What a session says of itself from now on.
    pub(crate) fn announce(&self, session: SessionId, note: String) {
        self.lock().ledger.state.announce(session, note);
    }

    /// The process of a session has ended: its sessions did not end in good order, unless they said
    /// so.
    pub(crate) fn process_ended(&self, session: SessionId) {
        self.lock().ledger.state.process_ended(session);
    }

    /// Ends a session.
    pub(crate) fn end(&self, session: SessionId) {
        let mut shared = self.lock();
        shared.parked.remove(&session);
        let told = shared.ledger.end(self.clock.now(), session);
        self.sessions.store(shared.ledger.state.session_count(), Ordering::Relaxed);
        self.publish(shared, told, Keeps::Committer);
    }

    /// The manager stops: nobody is served any more, and no session is blamed for its end.
    pub(crate) fn stop(&self) {
        self.lock().ledger.state.stop();
    }

    /// What a typeid leads to.
    pub(crate) fn look_up(&self, typeid: &str) -> Registered {
        let mut shared = self.lock();
        let Shared { ledger, registry, .. } = &mut *shared;
        let mut out = Outcome::default();
        let registered = registry.look_up(&mut ledger.state, typeid, &mut out);
        self.tell(shared, out);
        registered
    }

    /// A handle on a named queue.
    pub(crate) fn create(&self, queue: QueueId) -> String {
        self.lock().ledger.state.create(queue).expect("a registered queue exists")
    }

    /// An anonymous queue, and the handle on it.
    pub(crate) fn create_anonymous(
        &self,
        typeid: &str,
        options: QueueOptions,
    ) -> Result<String, StateError> {
        self.lock().ledger.state.create_anonymous(typeid, options)
    }

    /// Makes an object that is no queue; the handle on it.
    pub(crate) fn create_object(&self, make: Make) -> Result<String, StateError> {
        self.lock().ledger.state.create_object(make)
    }

    /// What an object holds to which somebody has this ident.
    pub(crate) fn contents(&self, ident: &str) -> Option<Shown> {
        self.lock().ledger.state.contents(ident)
    }

    /// A handle on an object with a name.
    pub(crate) fn create_on(&self, object: ObjectId) -> String {
        self.lock().ledger.state.create_on(object).expect("a registered object exists")
    }

    /// These are put somewhere within a proxy; what is no ident is nothing.
    pub(crate) fn pin(&self, idents: &[String]) {
        if !idents.is_empty() {
            let state = &mut self.lock().ledger.state;
            idents.iter().for_each(|ident| state.pin(ident));
        }
    }

    /// One reference more, of somebody of this process group, where that is known.
    pub(crate) fn incref(&self, ident: &str, group: Option<Group>) -> Result<(), StateError> {
        let state = &mut self.lock().ledger.state;
        state.incref(ident)?;
        state.knows(ident, group);
        Ok(())
    }

    /// Somebody of this process group, where that is known, was given a new ident.
    pub(crate) fn knows(&self, ident: &str, group: Option<Group>) {
        self.lock().ledger.state.knows(ident, group);
    }

    /// No process of these groups is left.
    pub(crate) fn groups_gone(&self, gone: &BTreeSet<Group>) {
        if !gone.is_empty() {
            let mut shared = self.lock();
            let out = shared.ledger.state.groups_gone(self.clock.now(), gone);
            self.tell(shared, out);
        }
    }

    pub(crate) fn decref(&self, ident: &str) -> Result<(), StateError> {
        let mut shared = self.lock();
        let out = shared.ledger.state.decref(self.clock.now(), ident)?;
        self.tell(shared, out);
        Ok(())
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State, Time) -> T) -> T {
        look(&self.lock().ledger.state, self.clock.now())
    }

    /// Asks the server to stop.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.notify_one();
    }

    /// Returns when somebody has asked the server to stop.
    pub(crate) async fn asked_to_stop(&self) {
        self.stop.notified().await;
    }

    /// Does what becomes due, for as long as the manager runs.
    pub(crate) async fn run_timer(&self) {
        loop {
            let next = {
                let mut shared = self.lock();
                shared.armed = shared.ledger.state.next_deadline();
                shared.armed
            };
            match next {
                None => self.sooner.notified().await,
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(self.clock.instant(at)) => {}
                    () = self.sooner.notified() => continue,
                },
            }
            let mut shared = self.lock();
            let out = shared.ledger.state.tick(self.clock.now());
            self.tell(shared, out);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("nobody panics while they hold the lock")
    }

    /// Tells the others what a call led to, and the caller what it came to.
    fn finish(
        &self,
        mut shared: MutexGuard<'_, Shared>,
        session: SessionId,
        mut out: Outcome,
    ) -> Called {
        if let Some(reply) = shared.ledger.reply_alone(&mut out) {
            // By far the most calls in memory come to no more than this.
            self.let_go(shared, Keeps::Teller);
            return Called::Replied(reply);
        }
        let mut told = shared.ledger.tell(Some(session), out);
        let called = match &mut told {
            Err(Lost) => Called::Lost,
            Ok(told) => match told.reply.take() {
                Some(reply) if told.woken.is_empty() => Called::Replied(reply),
                Some(reply) => Called::Served(reply),
                None => {
                    let (sender, receiver) = oneshot::channel();
                    shared.parked.insert(session, sender);
                    Called::Parked(receiver)
                }
            },
        };
        self.publish(shared, told, Keeps::Teller);
        called
    }

    fn take_back(&self, mut shared: MutexGuard<'_, Shared>, session: SessionId, reply: Reply) {
        if let Reply::Granted(_) | Reply::Notified(_) = reply {
            let out = shared.ledger.state.ungrant(session, &reply);
            return self.tell(shared, out);
        }
        let deliveries: Vec<Delivery> = State::deliveries(reply);
        if !deliveries.is_empty() {
            let out = shared.ledger.state.unsent(self.clock.now(), session, deliveries);
            self.tell(shared, out);
        }
    }

    /// Tells the others what came of something that nobody waits for.
    fn tell(&self, mut shared: MutexGuard<'_, Shared>, out: Outcome) {
        let told = shared.ledger.tell(None, out);
        self.publish(shared, told, Keeps::Committer);
    }

    /// Wakes whoever was served, lets go of the lock, and talks.
    fn publish(&self, mut shared: MutexGuard<'_, Shared>, told: Result<Told, Lost>, keeps: Keeps) {
        let Ok(told) = told else {
            // Whoever waits loses its sender, and with it any hope of a promise.
            return shared.parked.clear();
        };
        // First: whoever is woken asks how much there is to keep.
        self.progress.note_decided(shared.ledger.decided());
        shared.wake(told.woken);
        self.let_go(shared, keeps);
        told.notes.iter().for_each(log);
    }

    /// Lets go of the lock, and then wakes those who keep decisions and watch the clock.
    fn let_go(&self, mut shared: MutexGuard<'_, Shared>, keeps: Keeps) {
        let next = shared.ledger.state.next_deadline();
        let sooner = next.is_some_and(|next| shared.armed.is_none_or(|armed| next < armed));
        if sooner {
            shared.armed = next;
        }
        let wanted = match keeps {
            // What is to be fetched is the committer's in any case.
            Keeps::Teller => shared.ledger.has_fetches(),
            Keeps::Committer => shared.ledger.has_batch(),
        };
        let work = wanted && shared.committer.call();
        drop(shared);
        if work {
            self.work.notify_one();
        }
        if sooner {
            self.sooner.notify_one();
        }
    }
}

impl Shared {
    fn wake(&mut self, woken: impl IntoIterator<Item = (SessionId, Reply)>) {
        for (session, reply) in woken {
            // Whoever waits removes itself under this lock, so the receiver is there.
            if let Some(waiting) = self.parked.remove(&session) {
                let _ = waiting.send(reply);
            }
        }
    }
}
