//! A manager's state with a clock, and sessions that speak the words of a Python program.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

pub mod containers;
pub mod model;
pub mod objects;
pub mod random;

use piecework_state::{
    AckMode, Call, Limits, Note, Outcome, Payload, Peer, QueueId, QueueOptions, QueueStats, Record,
    Replay, Reply, SessionId, Settle, State, StateError, Take, Time, Wait,
};
use std::time::Duration;

pub struct World {
    pub state: State,
    pub now: Time,
    pub task: QueueId,
    pub result: QueueId,
    pub woken: Vec<(SessionId, Reply)>,
    pub notes: Vec<Note>,
    pub records: Vec<Record>,
    /// What the records come to.
    pub replay: Replay,
}

/// A client's proxies for the two queues, and its session.
pub struct Client {
    pub session: SessionId,
    pub task: String,
    pub result: String,
}

impl World {
    pub fn new(task: QueueOptions) -> Self {
        Self::limited(task, Limits::default())
    }

    pub fn limited(task: QueueOptions, limits: Limits) -> Self {
        let mut state = State::new(1, limits);
        let mut out = Outcome::default();
        let result = state.register("result", QueueOptions::default(), &mut out);
        let task = state.register("task", task, &mut out);
        let now = Time::from_secs(1_000);
        let (woken, notes, records, replay) = Default::default();
        let mut world = Self { state, now, task, result, woken, notes, records, replay };
        world.note(out);
        world
    }

    /// The world of a manager that has started again.
    pub fn of(state: State) -> Self {
        let [task, result] = ["task", "result"].map(|name| state.queue(name).unwrap());
        let mut replay = Replay::default();
        state.kept().into_iter().for_each(|record| replay.add(record).unwrap());
        let (woken, notes, records) = Default::default();
        Self { state, now: Time::from_secs(1_000), task, result, woken, notes, records, replay }
    }

    pub fn auto() -> Self {
        Self::new(QueueOptions::default())
    }

    pub fn answered() -> Self {
        let mut world = Self::auto();
        let ack = AckMode::Answered { answers: world.result };
        world.register("task", QueueOptions { ack, ..QueueOptions::default() });
        world
    }

    pub fn with(ack: AckMode) -> Self {
        Self::new(QueueOptions { ack, ..QueueOptions::default() })
    }

    /// Gives a queue other options.
    pub fn register(&mut self, name: &str, options: QueueOptions) -> QueueId {
        let mut out = Outcome::default();
        let queue = self.state.register(name, options, &mut out);
        self.note(out);
        queue
    }

    pub fn client(&mut self) -> Client {
        self.named("MainProcess")
    }

    /// What a stock client does before its first call: a handle for each proxy, then a session.
    pub fn named(&mut self, name: &str) -> Client {
        let task = self.state.create(self.task).unwrap();
        let result = self.state.create(self.result).unwrap();
        let session = self.state.open(self.now, Peer::stock(name, "10.0.0.7"));
        Client { session, task, result }
    }

    /// Another thread of the same process: its own session, the same proxies.
    pub fn thread_of(&mut self, client: &Client) -> Client {
        let peer = Peer::stock("MainProcess|Thread-1", "10.0.0.7");
        let session = self.state.open(self.now, peer);
        Client { session, task: client.task.clone(), result: client.result.clone() }
    }

    pub fn after(&mut self, wait: Duration) {
        self.now = self.now + wait;
        let out = self.state.tick(self.now);
        self.note(out);
    }

    pub fn note(&mut self, out: Outcome) -> Option<Reply> {
        self.woken.extend(out.woken);
        self.notes.extend(out.notes);
        let kept = Record::encode(&out.records);
        let size: u64 = out.records.iter().map(Record::size).sum();
        assert!(kept.len() as u64 <= size + 1, "{} bytes of {size}", kept.len());
        let read_back = Record::decode(kept.into()).unwrap();
        assert_eq!(read_back[..], out.records[..], "as bytes");
        for record in read_back {
            self.replay.add(record).unwrap();
        }
        self.records.extend(out.records);
        self.state.check();
        self.check_replay();
        out.reply
    }

    /// A manager that started again now would have what this one has. In a long life that is seen
    /// at some of the steps only, as it takes as long as there are items.
    fn check_replay(&self) {
        let records = self.records.len();
        if records > 400 && !records.is_multiple_of(64) {
            return;
        }
        let kept = self.state.kept();
        let again = self.replay.clone().into_state(1, Limits::default());
        assert_eq!(again.kept(), kept, "after {:?}", self.records);
        if records.is_multiple_of(16) {
            assert_eq!(Record::decode(Record::encode(&kept).into()).unwrap(), kept, "as bytes");
            again.check();
        }
    }

    pub fn call(&mut self, session: SessionId, call: Call) -> Option<Reply> {
        let out = self.state.apply(self.now, session, call);
        self.note(out)
    }

    fn by_ident(
        &mut self,
        client: &Client,
        ident: &str,
        call: impl Fn(QueueId) -> Call,
    ) -> Option<Reply> {
        let mut out = Outcome::default();
        let at = self.state.resolve(self.now, client.session, ident, &mut out).unwrap();
        let queue = at.queue().unwrap();
        self.state.apply_into(self.now, client.session, call(queue), &mut out);
        self.note(out)
    }

    pub fn put(&mut self, client: &Client, payload: &'static str) -> Option<Reply> {
        self.by_ident(client, &client.task.clone(), |q| Call::put(q, Payload::opaque(payload)))
    }

    pub fn answer(&mut self, client: &Client, payload: &'static str) -> Option<Reply> {
        self.by_ident(client, &client.result.clone(), |q| Call::put(q, Payload::opaque(payload)))
    }

    pub fn get(&mut self, client: &Client) -> Option<Reply> {
        self.by_ident(client, &client.task.clone(), Call::get)
    }

    pub fn get_nowait(&mut self, client: &Client) -> Option<Reply> {
        self.by_ident(client, &client.task.clone(), |queue| Call::Take {
            queue,
            max: 1,
            wait: Wait::No,
            style: Take::Item,
        })
    }

    pub fn on_task(&mut self, client: &Client, call: impl Fn(QueueId) -> Call) -> Option<Reply> {
        self.by_ident(client, &client.task.clone(), call)
    }

    pub fn lease(&mut self, client: &Client, max: usize) -> Vec<(u64, u32)> {
        let call = |queue| Call::Take { queue, max, wait: Wait::No, style: Take::Leases };
        match self.on_task(client, call) {
            Some(Reply::Leases(leases)) => leases.iter().map(|l| (l.id.0, l.attempt)).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn settle(&mut self, client: &Client, id: u64, how: Settle) -> Option<Reply> {
        self.on_task(client, |queue| Call::Settle(queue, piecework_state::ItemId(id), how))
    }

    /// The interpreter exits in good order: every proxy is released, then the connection closes.
    pub fn exit(&mut self, client: &Client) {
        for ident in [&client.result, &client.task] {
            let out = self.state.decref(self.now, ident).unwrap();
            self.note(out);
        }
        self.kill(client);
    }

    /// The connection ends without another word.
    pub fn kill(&mut self, client: &Client) {
        self.end(client.session);
    }

    pub fn end(&mut self, session: SessionId) {
        let out = self.state.end(self.now, session);
        self.note(out);
    }

    pub fn stats(&self) -> QueueStats {
        self.state.stats_of(self.now, self.task).unwrap()
    }

    pub fn results(&self) -> usize {
        self.state.stats_of(self.now, self.result).unwrap().ready
    }
}

/// The payload of the item that a get got.
#[track_caller]
pub fn got(reply: Option<Reply>) -> String {
    match reply {
        Some(Reply::Item(item)) => String::from_utf8(item.payload.to_vec()).unwrap(),
        other => panic!("no item but {other:?}"),
    }
}

#[track_caller]
pub fn failed(reply: Option<Reply>) -> StateError {
    match reply {
        Some(Reply::Error(error)) => error,
        other => panic!("no error but {other:?}"),
    }
}

pub fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
