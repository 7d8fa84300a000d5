//! The state behind one short lock, and the engine: what is decided is kept, then told.

use crate::clock::Clock;
use crate::registry::{Registered, Registry};
use crate::runs;
use piecework_engine::Engine;
use piecework_state::{
    Call, Delivery, Note, Outcome, Peer, QueueId, QueueOptions, Reply, SessionId, State,
    StateError, Time,
};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

/// What all connections share. Every method takes the lock, decides, and lets go.
pub(crate) struct Hub {
    clock: Clock,
    shared: Mutex<Shared>,
    /// Rings when a deadline comes before the one that the timer sleeps for.
    sooner: Notify,
    /// Rings when somebody who may do so has asked the manager to stop.
    stop: Notify,
}

struct Shared {
    state: State,
    registry: Registry,
    engine: Box<dyn Engine>,
    /// Whoever waits for a reply, by session.
    parked: HashMap<SessionId, oneshot::Sender<Reply>>,
    /// What the timer sleeps for.
    armed: Option<Time>,
    /// Whether something that was decided could not be kept.
    poisoned: bool,
}

/// What a call came to, so far.
#[derive(Debug)]
pub(crate) enum Called {
    /// It is done.
    Replied(Reply),
    /// It waits; the reply comes here.
    Parked(oneshot::Receiver<Reply>),
    /// What was decided could not be kept: nothing may be promised any more.
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
    pub(crate) fn new(
        clock: Clock,
        state: State,
        registry: Registry,
        engine: Box<dyn Engine>,
    ) -> Self {
        let parked = HashMap::new();
        let shared = Shared { state, registry, engine, parked, armed: None, poisoned: false };
        Self { clock, shared: Mutex::new(shared), sooner: Notify::new(), stop: Notify::new() }
    }

    /// Opens a session.
    pub(crate) fn open(&self, peer: Peer) -> SessionId {
        let now = self.clock.now();
        self.lock().state.open(now, peer)
    }

    /// Has the state serve one call on the object `ident`; `call` says which, given its queue.
    pub(crate) fn call<E: From<StateError>>(
        &self,
        session: SessionId,
        ident: &str,
        call: impl FnOnce(&Desk<'_>, QueueId) -> Result<Call, E>,
    ) -> Result<Called, E> {
        let mut shared = self.lock();
        let now = self.clock.now();
        let mut out = Outcome::default();
        let queue = shared.state.resolve(now, session, ident, &mut out);
        let called = queue.map_err(E::from).and_then(|queue| {
            call(&Desk { now, state: &shared.state, registry: &shared.registry }, queue)
        });
        let Ok(called) = called else {
            // Even a call that is refused may have shown that its process lives.
            let _ = self.publish(shared, out);
            return called.map(|_| unreachable!("an error, as was just seen"));
        };
        shared.state.apply_into(now, session, called, &mut out);
        Ok(self.finish(shared, session, out))
    }

    /// The same for a caller within this process, who knows the queue.
    pub(crate) fn call_queue(&self, session: SessionId, call: Call) -> Called {
        let mut shared = self.lock();
        let now = self.clock.now();
        let out = shared.state.apply(now, session, call);
        self.finish(shared, session, out)
    }

    /// Gives up a waiting call whose client no longer waits. If it was served at the last moment,
    /// what it got goes back.
    pub(crate) fn cancel(&self, session: SessionId, mut reply: oneshot::Receiver<Reply>) {
        let mut shared = self.lock();
        shared.parked.remove(&session);
        let now = self.clock.now();
        match (shared.state.cancel(now, session), reply.try_recv()) {
            (Some(out), _) => drop(self.publish(shared, out)),
            (None, Ok(reply)) => self.take_back(shared, session, reply),
            (None, Err(_)) => {}
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
        shared.parked.remove(&session);
        match shared.state.hand_over(self.clock.now(), session, ident) {
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
        let results = self.lock().state.own(session, runs::RESULTS, runs::results())?;
        Ok((tasks, results))
    }

    /// The session's ident of the queue that holds the tasks of all runs, which is made when it is
    /// first asked for.
    pub(crate) fn tasks_of_runs(&self, session: SessionId) -> Result<String, StateError> {
        let mut shared = self.lock();
        let queue = shared.state.queue(runs::TASKS);
        let queue =
            queue.unwrap_or_else(|| shared.state.register_passing(runs::TASKS, &runs::tasks()));
        shared.state.create_for(self.clock.now(), session, queue)
    }

    /// What a session says of itself from now on.
    pub(crate) fn announce(&self, session: SessionId, note: String) {
        self.lock().state.announce(session, note);
    }

    /// The process of a session has ended: its sessions did not end in good order, unless they said
    /// so.
    pub(crate) fn process_ended(&self, session: SessionId) {
        self.lock().state.process_ended(session);
    }

    /// Ends a session.
    pub(crate) fn end(&self, session: SessionId) {
        let mut shared = self.lock();
        shared.parked.remove(&session);
        let now = self.clock.now();
        let out = shared.state.end(now, session);
        let _ = self.publish(shared, out);
    }

    /// The manager stops: nobody is served any more, and no session is blamed for its end.
    pub(crate) fn stop(&self) {
        self.lock().state.stop();
    }

    /// What a typeid leads to.
    pub(crate) fn look_up(&self, typeid: &str) -> Registered {
        let mut shared = self.lock();
        let Shared { state, registry, .. } = &mut *shared;
        let mut out = Outcome::default();
        let registered = registry.look_up(state, typeid, &mut out);
        let _ = self.publish(shared, out);
        registered
    }

    /// A handle on a named queue.
    pub(crate) fn create(&self, queue: QueueId) -> String {
        self.lock().state.create(queue).expect("a registered queue exists")
    }

    /// An anonymous queue, and the handle on it.
    pub(crate) fn create_anonymous(
        &self,
        typeid: &str,
        options: QueueOptions,
    ) -> Result<String, StateError> {
        self.lock().state.create_anonymous(typeid, options)
    }

    pub(crate) fn incref(&self, ident: &str) -> Result<(), StateError> {
        self.lock().state.incref(ident)
    }

    pub(crate) fn decref(&self, ident: &str) -> Result<(), StateError> {
        let mut shared = self.lock();
        let out = shared.state.decref(self.clock.now(), ident)?;
        let _ = self.publish(shared, out);
        Ok(())
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State, Time) -> T) -> T {
        look(&self.lock().state, self.clock.now())
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
                shared.armed = shared.state.next_deadline();
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
            let out = shared.state.tick(self.clock.now());
            let _ = self.publish(shared, out);
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
        let called = match out.reply.take() {
            Some(reply) => Called::Replied(reply),
            None => {
                let (sender, receiver) = oneshot::channel();
                shared.parked.insert(session, sender);
                Called::Parked(receiver)
            }
        };
        match self.publish(shared, out) {
            Ok(()) => called,
            Err(NotKept) => Called::Lost,
        }
    }

    fn take_back(&self, mut shared: MutexGuard<'_, Shared>, session: SessionId, reply: Reply) {
        let deliveries: Vec<Delivery> = State::deliveries(reply);
        if !deliveries.is_empty() {
            let out = shared.state.unsent(self.clock.now(), session, deliveries);
            let _ = self.publish(shared, out);
        }
    }

    /// Keeps the records, then wakes whoever was served, then lets go of the lock and talks.
    fn publish(&self, mut shared: MutexGuard<'_, Shared>, out: Outcome) -> Result<(), NotKept> {
        if !out.records.is_empty()
            && !shared.poisoned
            && let Err(error) = shared.engine.commit(&out.records)
        {
            tracing::error!(%error, "cannot keep what was decided; the manager stops");
            shared.poisoned = true;
            self.ask_to_stop();
        }
        if shared.poisoned {
            // Whoever waits loses its sender, and with it any hope of a promise.
            shared.parked.clear();
            return Err(NotKept);
        }
        for (session, reply) in out.woken {
            // Whoever waits removes itself under this lock, so the receiver is there.
            if let Some(waiting) = shared.parked.remove(&session) {
                let _ = waiting.send(reply);
            }
        }
        let next = shared.state.next_deadline();
        let sooner = next.is_some_and(|next| shared.armed.is_none_or(|armed| next < armed));
        if sooner {
            shared.armed = next;
        }
        drop(shared);
        if sooner {
            self.sooner.notify_one();
        }
        out.notes.iter().for_each(log);
        Ok(())
    }
}

/// What was decided is not kept, now or since an earlier failure.
struct NotKept;

/// Says in the log what somebody should know.
fn log(note: &Note) {
    match note {
        Note::Unanswered { session, queue, leases, acked, lost } => {
            let ended = if *lost { "was lost" } else { "left" };
            if *acked {
                // So ends every master that has read its last result.
                tracing::debug!(
                    "session {session} {ended} with {leases} items of '{queue}' unanswered; in mode \
                     auto they count as done; hint: answers=NAME gives them to another worker"
                );
            } else {
                tracing::info!(
                    "session {session} {ended} with {leases} items of '{queue}' unanswered; they \
                     go to other workers"
                );
            }
        }
        Note::Late { session, queue, item } => tracing::warn!(
            "session {session} answered item {item} of '{queue}' after its lease had run out; \
             the answer was dropped; hint: a longer lease=, or extend()"
        ),
        Note::Died { queue, item, attempts } => {
            tracing::warn!("item {item} of '{queue}' is dead after {attempts} failed attempts")
        }
        Note::LeasesMax { session, queue } => tracing::warn!(
            "session {session} holds as many items of '{queue}' as it may and settles none; \
             hint: ack=none for a queue whose consumers never answer"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue_spec::Payloads;
    use crate::queue_spec::QueueSpec;
    use piecework_engine::EngineError;
    use piecework_state::{Payload, Record};

    /// Keeps what it is given until it is told to fail.
    struct Fails;

    impl Engine for Fails {
        fn commit(&mut self, _: &[Record]) -> Result<(), EngineError> {
            Err(EngineError::Poisoned("the disk is gone".into()))
        }

        fn load(&mut self) -> Result<Vec<Record>, EngineError> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn nothing_is_promised_once_something_was_not_kept() {
        let mut state = State::new(1, piecework_state::Limits::default());
        let queues = [QueueSpec::named("task")];
        let mut out = Outcome::default();
        let registry =
            Registry::new(&mut state, &queues, Payloads::Any, vec![], vec![], 0, &mut out).unwrap();
        let task = state.queue("task").unwrap();
        let hub = Hub::new(Clock::start(), state, registry, Box::new(Fails));
        let (waiting, putter) = (hub.open(Peer::native("a")), hub.open(Peer::native("b")));
        let Called::Parked(reply) = hub.call_queue(waiting, Call::get(task)) else { panic!() };
        let put = hub.call_queue(putter, Call::put(task, Payload::opaque("N")));
        assert!(matches!(put, Called::Lost), "{put:?}");
        assert!(reply.await.is_err(), "the getter gets no item that nobody keeps");
        hub.asked_to_stop().await;
        assert!(matches!(hub.call_queue(putter, Call::Qsize(task)), Called::Lost));
    }
}
