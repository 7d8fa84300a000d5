//! Lives of a manager that keeps objects, and is killed: what it has when it starts again is what
//! it had at one of its steps, and no reply has left that tells of a later one.

use super::held::{Held, words};
use super::random::Random;
use super::trace::Trace;
use piecework_state::{
    Call, Ledger, Limits, ObjectCall, ObjectId, Outcome, Peer, Record, Replay, Reply, SessionId,
    State, Time,
};
use std::collections::VecDeque;

/// Objects of one manager.
const OBJECTS: usize = 4;

struct World {
    random: Random,
    now: Time,
    ledger: Ledger,
    session: SessionId,
    objects: Vec<ObjectId>,
    /// What they hold.
    held: Vec<Held>,
    /// What they held when so many records were decided, since the last that is surely kept.
    steps: VecDeque<(u64, Vec<Held>)>,
    /// All that the disk has.
    disk: Replay,
    /// The batch that is being kept.
    batch: Option<Vec<Record>>,
}

/// Lives the life of a seed.
pub(super) fn live(seed: u64, trace: &mut Trace) {
    let mut world = World::new(seed);
    for _ in 0..100 + world.random.below(200) {
        match world.random.below(100) {
            0..=69 => world.call(trace),
            70..=82 => world.begin(),
            83..=95 => world.keep(),
            _ => world.kill(trace),
        }
        world.ledger.state.check();
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 0x6E97);
        let now = Time::from_secs(1_000);
        let mut ledger = Ledger::new(State::new(1, Limits::default()), true);
        let (mut out, mut held) = (Outcome::default(), Vec::new());
        for at in 0..OBJECTS {
            let (make, holds) = Held::any(&mut random);
            held.push(holds);
            let made = ledger.state.keep_object(&format!("object{at}"), make, &mut out);
            made.expect("there are few");
        }
        ledger.tell(None, out).expect("nothing is lost");
        let session = ledger.state.open(now, Peer::native("program"));
        let steps = VecDeque::from([(ledger.decided(), held.clone())]);
        let (disk, batch, objects) = Default::default();
        let mut world = Self { random, now, ledger, session, objects, held, steps, disk, batch };
        world.find_objects();
        // It serves nobody before that is done.
        world.begin();
        world.keep();
        world
    }

    fn find_objects(&mut self) {
        let kept = self.ledger.state.kept_objects();
        self.objects = kept.into_iter().map(|(_, object, _)| object).collect();
        assert_eq!(self.objects.len(), OBJECTS, "all are there");
    }

    fn call(&mut self, trace: &mut Trace) {
        let at = self.random.index(OBJECTS);
        let (Some(held), Some(object)) = (self.held.get_mut(at), self.objects.get(at)) else {
            return;
        };
        let (call, expected) = held.call(&mut self.random);
        trace.count("calls on kept objects");
        trace.say(self.now, || format!("{call:?} of {object}"));
        let told = self.ledger.apply(self.now, self.session, Call::Object(*object, call.clone()));
        let reply = told.expect("nothing is lost").reply;
        assert_eq!(words(reply.as_ref()), expected, "{call:?} of {object}");
        self.steps.push_back((self.ledger.decided(), self.held.clone()));
    }

    /// A batch goes to the disk.
    fn begin(&mut self) {
        let mut batch = Vec::new();
        if self.batch.is_none() && self.ledger.take_batch(&mut batch) {
            self.batch = Some(batch);
        }
    }

    /// It is there, and whoever waits for that is told.
    fn keep(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        self.write(&batch);
        self.ledger.kept();
        self.forget_steps();
    }

    fn write(&mut self, batch: &[Record]) {
        let read = Record::decode(Record::encode(batch).into()).expect("as it was written");
        for record in read {
            self.disk.add(record).expect("it follows from those before it");
        }
    }

    /// What came before that which is kept cannot come back.
    fn forget_steps(&mut self) {
        while self.steps.get(1).is_some_and(|(decided, _)| self.ledger.has_kept(*decided)) {
            self.steps.pop_front();
        }
    }

    /// The manager is killed, maybe while a batch is being kept, and starts with what is there.
    fn kill(&mut self, trace: &mut Trace) {
        trace.count("managers of objects killed");
        let told = self.steps.front().cloned().expect("there is one that is kept");
        let batch = self.batch.take().filter(|_| self.random.chance(50));
        let arrived = batch.is_some();
        trace.say(self.now, || format!("the manager is killed; the last batch arrived: {arrived}"));
        if let Some(batch) = batch {
            self.write(&batch);
        }
        let state = self.disk.clone().into_state(1, Limits::default());
        self.ledger = Ledger::new(state, true);
        self.session = self.ledger.state.open(self.now, Peer::native("program"));
        self.find_objects();
        let has = self.shown();
        let later = self.steps.iter().rev().find(|(_, held)| words_of(held) == has);
        let (_, held) = later.unwrap_or_else(|| panic!("it has {has}, and never had that"));
        assert!(arrived || words_of(&told.1) == has, "{has} after {:?}", told.1);
        self.held.clone_from(held);
        self.steps = VecDeque::from([(0, self.held.clone())]);
    }

    /// What all objects show.
    fn shown(&mut self) -> String {
        let mut all = Vec::new();
        for object in self.objects.clone() {
            let show = Call::Object(object, ObjectCall::Show);
            let told = self.ledger.apply(self.now, self.session, show).expect("nothing is lost");
            let Some(Reply::Shown(shown)) = told.reply else { panic!("{:?}", told.reply) };
            all.push(shown);
        }
        format!("{all:?}")
    }
}

fn words_of(held: &[Held]) -> String {
    let all: Vec<_> = held.iter().map(Held::told).collect();
    format!("{all:?}")
}
