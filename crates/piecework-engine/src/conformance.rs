//! The suite that every engine must pass.
//!
//! A manager's state lives through every kind of decision. After each one the engine is opened
//! again, and what it gives back must replay to what the state has.

use crate::{Engine, EngineError};
use bytes::Bytes;
use piecework_state::{
    AckMode, Call, DictCall, Ended, Key, Limits, ListCall, Loading, Make, NamespaceCall,
    ObjectCall, Order, Outcome, Payload, Peer, QueueOptions, Record, Reply, SessionId, SetCall,
    Settle, State, Take, Time, Wait, Which,
};
use std::time::Duration;

/// Tries an engine; `open` opens it, each time with what was kept the time before.
///
/// # Panics
///
/// When it breaks a promise.
pub fn exercise(mut open: impl FnMut() -> Box<dyn Engine>) {
    let mut engine = open();
    assert_eq!(replayed(&mut *engine).kept(), [], "a new engine is empty");
    commit(&mut *engine, &[]);
    let mut story = Story::new();
    for (name, chapter) in CHAPTERS {
        for batch in story.tell(*chapter) {
            commit(&mut *engine, &batch);
        }
        drop(engine);
        engine = open();
        let state = replayed(&mut *engine);
        assert_eq!(state.kept(), story.state.kept(), "after '{name}'");
        state.check();
    }
    gives_no_number_twice(&mut *engine, &story);
}

/// A life that has all kinds of records in it, chapter by chapter: for tests that need something
/// to keep. Each chapter gives the batches that it led to, and the state after it.
pub fn story() -> impl Iterator<Item = (&'static str, Vec<Vec<Record>>, Vec<Record>)> {
    let mut story = Story::new();
    CHAPTERS.iter().map(move |(name, chapter)| {
        let batches = story.tell(*chapter);
        (*name, batches, story.state.kept())
    })
}

fn commit(engine: &mut dyn Engine, batch: &[Record]) {
    let done: Result<(), EngineError> = engine.commit(batch);
    done.unwrap_or_else(|error| panic!("cannot commit {batch:?}: {error}"));
}

/// The state that an engine gives back.
fn replayed(engine: &mut dyn Engine) -> State {
    let mut loading = Loading::new(1, Limits::default());
    let mut take = |record| loading.add(record).expect("what was kept fits together");
    engine.load(&mut take).expect("what was kept can be read");
    loading.finish()
}

/// Even of items that are gone.
fn gives_no_number_twice(engine: &mut dyn Engine, story: &Story) {
    let mut state = replayed(engine);
    let mut out = Outcome::default();
    let queue = state.register("made after all", QueueOptions::default(), &mut out);
    assert!(queue.0 > story.last_item, "{queue} may be the number of an item");
}

struct Story {
    state: State,
    now: Time,
    session: SessionId,
    batches: Vec<Vec<Record>>,
    /// The number of the last item that was put.
    last_item: u64,
}

type Chapter = fn(&mut Story);

const CHAPTERS: &[(&str, Chapter)] = &[
    ("queues are made", Story::make_queues),
    ("objects are made", Story::make_objects),
    ("a dict and others change", Story::change_dict),
    ("a list changes", Story::change_list),
    ("items are put", |story| (0..5).for_each(|_| story.put("task", b"N."))),
    ("a hundred items are put at once", |story| story.put_many("task", 100)),
    ("a large item is put", |story| story.put("result", &[7; 100_000])),
    ("an empty item is put", |story| story.put("result", b"")),
    ("an item is acked", |story| story.settle(Settle::Ack)),
    ("an answer acks its task", Story::answer),
    ("an item fails", |story| story.settle(Settle::Nack)),
    ("it fails again, and waits", |story| story.settle(Settle::Nack)),
    ("its wait is over", |story| story.wait(60)),
    ("an item is released", |story| story.settle(Settle::Release)),
    ("an item dies", |story| (0..3).for_each(|_| story.fail_and_wait())),
    ("two items die at once", Story::die),
    ("a dead item is revived", Story::revive),
    ("a dead item is dropped", Story::drop_dead),
    ("items are put once", |story| ["a", "b", "a"].iter().for_each(|key| story.put_once(key))),
    ("their keys are forgotten", |story| story.wait(3_600)),
    ("an item is delayed", |story| story.put_later(60)),
    ("an item is delayed for ever", |story| story.put_later(u64::MAX / 1_000_000)),
    ("a delay is over", |story| story.wait(60)),
    ("an item is handed back", Story::hand_back),
    ("an item that failed is acked", Story::fail_and_ack),
    ("options change", Story::change_options),
    ("items stand by priority", Story::put_by_priority),
    ("an item expires", Story::expire),
    ("all is dropped but what is leased", Story::purge),
    ("a session ends", |story| story.end()),
    ("items of every kind are left", Story::leave),
    ("the youngest item is acked", Story::put_and_ack),
    ("an item fails for ever", |story| (0..105).for_each(|_| story.fail("result"))),
    ("a list changes again", Story::change_list),
    ("a set is emptied, and a list turns", Story::turn_list),
];

impl Story {
    fn new() -> Self {
        let mut state = State::new(1, Limits::default());
        let now = Time::from_secs(1_700_000_000);
        let session = state.open(now, Peer::native("worker"));
        Self { state, now, session, batches: Vec::new(), last_item: 0 }
    }

    fn tell(&mut self, chapter: Chapter) -> Vec<Vec<Record>> {
        chapter(self);
        std::mem::take(&mut self.batches)
    }

    fn make_queues(&mut self) {
        let mut out = Outcome::default();
        let endless = QueueOptions { attempts: 0, ..QueueOptions::default() };
        let answers = self.state.register("result", endless, &mut out);
        let (lease, ack) = (Some(Duration::from_secs(600)), AckMode::Answered { answers });
        let options =
            QueueOptions { ack, maxsize: 1_000, attempts: 3, lease, ..QueueOptions::default() };
        self.state.register("task", options, &mut out);
        self.keep(out);
    }

    fn change_options(&mut self) {
        let mut out = Outcome::default();
        let options = QueueOptions { ack: AckMode::Explicit, ..QueueOptions::default() };
        self.state.register("task", options, &mut out);
        self.keep(out);
    }

    fn put(&mut self, queue: &str, payload: &[u8]) {
        self.call(Call::put(self.queue(queue), Payload::opaque(payload.to_vec())));
    }

    fn put_many(&mut self, queue: &str, items: u8) {
        let payloads = (0..items).map(|n| Payload::opaque(vec![n])).collect();
        let queue = self.queue(queue);
        self.call(Call::Put { queue, payloads, delay: None, wait: Wait::No });
    }

    fn put_later(&mut self, secs: u64) {
        let payload = Payload { stop: true, ..Payload::opaque("later") };
        let (queue, delay) = (self.queue("task"), Some(Duration::from_secs(secs)));
        let payloads = std::iter::once(payload).collect();
        self.call(Call::Put { queue, payloads, delay, wait: Wait::No });
    }

    fn put_once(&mut self, key: &str) {
        let (queue, key, payload) = (self.queue("result"), key.to_owned(), Payload::opaque("1"));
        self.call(Call::PutOnce { queue, key, payload, wait: Wait::No });
    }

    fn put_by_priority(&mut self) {
        let mut out = Outcome::default();
        let order = Order::Priority;
        let expire = Some(Duration::from_secs(86_400));
        let (once, maxbytes) = (Duration::from_secs(30 * 86_400), 1 << 20);
        let more = "payloads=data".to_owned();
        let options = QueueOptions { order, expire, once, maxbytes, more, ..Default::default() };
        let queue = self.state.register("sorted", options, &mut out);
        self.keep(out);
        [2, 1, 3].into_iter().for_each(|key| self.put_in_order(key));
        self.fail("sorted");
        let item = self.take("sorted", Take::Leases);
        self.call(Call::Settle(queue, item, Settle::Ack));
    }

    fn put_in_order(&mut self, key: u8) {
        let (queue, order) = (self.queue("sorted"), Some([key].into()));
        self.call(Call::put(queue, Payload { order, ..Payload::opaque(vec![key]) }));
    }

    fn expire(&mut self) {
        self.put("sorted", b"none orders it");
        self.wait(86_400 - 1);
        let left = self.state.stats_of(self.now, self.queue("sorted")).map(|stats| stats.ready);
        assert_eq!(left, Some(1), "two of three have expired");
    }

    fn settle(&mut self, how: Settle) {
        let item = self.take("task", Take::Leases);
        self.call(Call::Settle(self.queue("task"), item, how));
    }

    fn fail(&mut self, queue: &str) {
        let item = self.take(queue, Take::Leases);
        self.call(Call::Settle(self.queue(queue), item, Settle::Nack));
        self.wait(60);
    }

    fn fail_and_wait(&mut self) {
        self.fail("task");
    }

    fn fail_and_ack(&mut self) {
        self.fail("task");
        self.settle(Settle::Ack);
    }

    fn answer(&mut self) {
        let item = self.take("task", Take::Leases);
        let (queue, to) = (self.queue("task"), self.queue("result"));
        self.call(Call::Answer { queue, item, to, payload: Payload::opaque("an answer") });
    }

    fn hand_back(&mut self) {
        let queue = self.queue("task");
        let take = Call::Take { queue, max: 1, wait: Wait::No, style: Take::Item };
        let Some(Reply::Item(delivery)) = self.call(take) else { panic!("an item is ready") };
        self.call(Call::put(queue, Payload::opaque(delivery.payload)));
    }

    fn die(&mut self) {
        let mut out = Outcome::default();
        let options = QueueOptions { attempts: 1, ..QueueOptions::default() };
        self.state.register("brittle", options, &mut out);
        self.keep(out);
        self.put_many("brittle", 2);
        (0..2).for_each(|_| self.fail("brittle"));
    }

    fn revive(&mut self) {
        let queue = self.queue("brittle");
        let which = Which::Ended(Ended::Nacked);
        let revived = self.call(Call::Revive { queue, which });
        assert!(matches!(revived, Some(Reply::Count(2))), "{revived:?}");
        self.fail("brittle");
    }

    fn drop_dead(&mut self) {
        let queue = self.queue("brittle");
        let first = self.state.dead(queue, None, 1).first().expect("an item is dead").id;
        let dropped = self.call(Call::Drop { queue, which: Which::One(first) });
        assert!(matches!(dropped, Some(Reply::Count(1))), "{dropped:?}");
    }

    fn purge(&mut self) {
        self.take("task", Take::Leases);
        self.take("task", Take::Leases);
        self.call(Call::Purge(self.queue("task")));
    }

    fn leave(&mut self) {
        (0..3).for_each(|_| self.put("task", b"left"));
        self.fail("task");
        self.settle(Settle::Nack);
        self.put_later(1_000_000);
        self.put_in_order(1);
        let (queue, key) = (self.queue("sorted"), "key".to_owned());
        let payload = Payload { order: Some([1].into()), ..Payload::opaque("1") };
        self.call(Call::PutOnce { queue, key, payload, wait: Wait::No });
    }

    fn put_and_ack(&mut self) {
        let mut out = Outcome::default();
        self.state.register("aside", QueueOptions::default(), &mut out);
        self.keep(out);
        self.put("aside", b"N.");
        let item = self.take("aside", Take::Leases);
        self.call(Call::Settle(self.queue("aside"), item, Settle::Ack));
    }

    fn make_objects(&mut self) {
        let mut out = Outcome::default();
        let (typecode, zero) = (value(b"i"), value(b"0"));
        for (name, make) in [
            ("config", Make::Dict(vec![(key(b"a"), value(b"1"))])),
            ("log", Make::List(vec![value(b"a"), value(b"b"), value(b"c")])),
            ("seen", Make::Set(vec![key(b"a")])),
            ("state", Make::Namespace(vec![("x".to_owned(), value(b"1"))])),
            ("count", Make::Value { typecode, value: zero }),
            ("empty", Make::Dict(Vec::new())),
        ] {
            self.state.keep_object(name, make, &mut out).expect("there are few");
        }
        self.keep(out);
    }

    fn change_dict(&mut self) {
        for call in [
            DictCall::Set(key(b"b"), value(&[7; 5_000])),
            DictCall::Set(key(b"a"), value(b"")),
            DictCall::Set(Key { same: None, bytes: value(b"nan") }, value(b"2")),
            DictCall::Delete(key(b"a")),
            DictCall::Set(key(b"a"), value(b"3")),
        ] {
            self.object("config", ObjectCall::Dict(call));
        }
        self.object("count", ObjectCall::Put(value(b"12")));
        let set = NamespaceCall::Set("y".to_owned(), value(b"2"));
        self.object("state", ObjectCall::Namespace(set));
        self.object("state", ObjectCall::Namespace(NamespaceCall::Delete("x".to_owned())));
        self.object("seen", ObjectCall::InSet(SetCall::Add(key(b"b"))));
    }

    fn change_list(&mut self) {
        for call in [
            ListCall::Append(value(b"d")),
            ListCall::Insert(0, value(b"e")),
            ListCall::Insert(2, value(b"f")),
            ListCall::Set(1, value(b"g")),
            ListCall::Delete(3),
        ] {
            self.object("log", ObjectCall::List(call));
        }
    }

    fn turn_list(&mut self) {
        self.object("seen", ObjectCall::InSet(SetCall::Clear));
        self.object("seen", ObjectCall::InSet(SetCall::Add(key(b"c"))));
        self.object("log", ObjectCall::List(ListCall::Reverse));
    }

    fn object(&mut self, name: &str, call: ObjectCall) {
        let kept = self.state.kept_objects();
        let (_, id, _) = kept.into_iter().find(|(known, ..)| *known == name).expect("it is kept");
        let done = self.call(Call::Object(id, call));
        assert!(!matches!(done, Some(Reply::Error(_))), "{name}: {done:?}");
    }

    fn end(&mut self) {
        let out = self.state.end(self.now, self.session);
        self.keep(out);
        self.session = self.state.open(self.now, Peer::native("another worker"));
    }

    fn wait(&mut self, secs: u64) {
        self.now = self.now + Duration::from_secs(secs);
        let out = self.state.tick(self.now);
        self.keep(out);
    }

    fn take(&mut self, queue: &str, style: Take) -> piecework_state::ItemId {
        let queue = self.queue(queue);
        match self.call(Call::Take { queue, max: 1, wait: Wait::No, style }) {
            Some(Reply::Leases(leases)) => leases.first().expect("an item is ready").id,
            other => panic!("no lease but {other:?}"),
        }
    }

    fn queue(&self, name: &str) -> piecework_state::QueueId {
        self.state.queue(name).expect("it was made in the first chapter")
    }

    fn call(&mut self, call: Call) -> Option<Reply> {
        let out = self.state.apply(self.now, self.session, call);
        self.keep(out)
    }

    fn keep(&mut self, out: Outcome) -> Option<Reply> {
        let put = out.records.iter().filter_map(|record| match record {
            Record::Put { items, .. } => items.last().map(|item| item.id.0),
            _ => None,
        });
        self.last_item = put.fold(self.last_item, u64::max);
        if !out.records.is_empty() {
            self.batches.push(out.records.into_vec());
        }
        out.reply
    }
}

fn value(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn key(bytes: &[u8]) -> Key {
    Key { same: Some(bytes.into()), bytes: value(bytes) }
}
