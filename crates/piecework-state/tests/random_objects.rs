//! Many short random lives of processes that share locks, semaphores, events, conditions and
//! barriers, and die at it: each call comes to what a simple model says, whoever is served is the
//! one that the model serves, and after every step all invariants hold.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{
    Call, Make, ObjectCall, ObjectId, Outcome, Peer, Reply, SessionId, Time, Wait,
};
use std::collections::BTreeMap;
use std::time::Duration;
use support::World;
use support::model::{Model, words};
use support::random::Random;

const SEEDS: u64 = 600;
const STEPS: u64 = 150;

/// A process: its handles, and its sessions, the main one first.
struct Process {
    number: u64,
    native: bool,
    idents: Vec<String>,
    sessions: Vec<SessionId>,
    main_lives: bool,
}

struct Life {
    random: Random,
    world: World,
    model: Model,
    objects: Vec<ObjectId>,
    processes: Vec<Process>,
    next: u64,
    /// The object that is used most.
    favourite: usize,
    /// Who waits, at which object, for how long.
    waiting: BTreeMap<SessionId, (usize, Wait)>,
    /// Looks at fences.
    watcher: SessionId,
    /// The holdings seen of each lock, and the last fence.
    fences: Vec<(u64, u64)>,
    fence_max: u64,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let makes = [
            Make::Lock { reentrant: false },
            Make::Lock { reentrant: true },
            Make::Condition,
            Make::Semaphore { permits: random.below(3), bounded: false },
            Make::Semaphore { permits: 1 + random.below(2), bounded: true },
            Make::Event,
            Make::Barrier { parties: 2 + random.below(2), patience: None },
        ];
        let favourite = random.below(makes.len() as u64) as usize;
        let mut world = World::auto();
        let register = |(at, make): (usize, &Make)| {
            world.state.register_object(&format!("object{at}"), make.clone()).unwrap()
        };
        let objects: Vec<_> = makes.iter().enumerate().map(register).collect();
        let watcher = world.state.open(world.now, Peer::native("watcher"));
        Self {
            random,
            world,
            model: Model::new(&makes),
            fences: vec![(0, 0); objects.len()],
            objects,
            processes: Vec::new(),
            next: 0,
            favourite,
            waiting: BTreeMap::new(),
            watcher,
            fence_max: 0,
        }
    }

    fn start(&mut self) {
        let number = self.next;
        self.next += 1;
        let native = self.random.below(4) == 0;
        let idents = self.objects.iter().map(|at| self.world.state.create_on(*at).unwrap());
        let idents = idents.collect();
        let sessions = Vec::new();
        self.processes.push(Process { number, native, idents, sessions, main_lives: true });
        let at = self.processes.len() - 1;
        self.open(at);
    }

    /// One more connection of a process, which uses all of its handles.
    fn open(&mut self, at: usize) {
        let process = &mut self.processes[at];
        let is_thread = !process.sessions.is_empty() || !process.main_lives;
        let thread = if is_thread { "|Thread-1" } else { "" };
        let name = format!("Process-{}{thread}", process.number);
        let peer = if process.native { Peer::native(&name) } else { Peer::stock(&name, "here") };
        let session = self.world.state.open(self.world.now, peer);
        process.sessions.push(session);
        self.model.opened(session, process.number, is_thread);
        self.use_all(at, session);
        // Its process lives: that is what using a handle says to the model.
        let event = self.objects.len() - 2;
        self.call(at, session, event, &ObjectCall::IsSet);
    }

    fn use_all(&mut self, process: usize, session: SessionId) {
        for ident in self.processes[process].idents.clone() {
            let mut out = Outcome::default();
            self.world.state.resolve(self.world.now, session, &ident, &mut out).unwrap();
            self.world.note(out);
        }
    }

    fn call(&mut self, process: usize, who: SessionId, at: usize, call: &ObjectCall) {
        let ident = &self.processes[process].idents[at];
        let mut out = Outcome::default();
        self.world.state.resolve(self.world.now, who, ident, &mut out).unwrap();
        let asked = Call::Object(self.objects[at], call.clone());
        self.world.state.apply_into(self.world.now, who, asked, &mut out);
        let expected = self.model.call(who, at, call);
        let reply = self.world.note(out);
        self.compare(who, at, call, reply.as_ref(), expected.as_deref());
    }

    fn compare(
        &mut self,
        who: SessionId,
        at: usize,
        call: &ObjectCall,
        reply: Option<&Reply>,
        expected: Option<&str>,
    ) {
        let make = &self.model.things[at].make;
        assert_eq!(reply.map(words).as_deref(), expected, "{who} {call:?} of {make:?}");
        if reply.is_none() {
            let (ObjectCall::Acquire(wait) | ObjectCall::Wait(Some(wait))) = call else {
                panic!("{call:?} waits");
            };
            self.waiting.insert(who, (at, *wait));
        }
    }

    /// A patience, as people have it.
    fn wait(&mut self) -> Wait {
        match self.random.below(6) {
            0 => Wait::No,
            1 | 2 => Wait::Until(self.soon()),
            _ => Wait::Forever,
        }
    }

    fn soon(&mut self) -> Time {
        self.world.now + Duration::from_millis(500 * self.random.below(8))
    }

    fn any_call(&mut self, who: SessionId, at: usize) -> ObjectCall {
        let thing = &self.model.things[at];
        let owns = thing.owner.is_some_and(|(owner, _)| owner == who);
        let make = thing.make.clone();
        let wait = self.wait();
        match (make, self.random.below(8)) {
            (Make::Condition, 0 | 1) if owns => ObjectCall::Wait(Some(wait)),
            (Make::Condition, 2) if owns => ObjectCall::Notify(1 + self.random.below(2) as usize),
            (Make::Condition, 3) if owns => ObjectCall::Notify(usize::MAX),
            (Make::Condition, 4 | 5) if owns => ObjectCall::Release(1),
            (Make::Condition, 0) => ObjectCall::Wait(Some(wait)),
            (Make::Condition, 1) => ObjectCall::Notify(1),
            (Make::Lock { .. }, 0..=4) if owns => ObjectCall::Release(1),
            (Make::Lock { .. } | Make::Condition, 7) => ObjectCall::IsLocked,
            (Make::Lock { .. } | Make::Condition, 6) if !owns => ObjectCall::Release(1),
            (Make::Lock { .. } | Make::Condition, _) => ObjectCall::Acquire(wait),
            (Make::Semaphore { .. }, 0..=3) => ObjectCall::Acquire(wait),
            (Make::Semaphore { .. }, 4..=6) => ObjectCall::Release(1 + self.random.below(2)),
            (Make::Event, 0..=3) | (Make::Barrier { .. }, 0..=4) => ObjectCall::Wait(Some(wait)),
            (Make::Event, 4 | 5) => ObjectCall::Clear,
            (Make::Event, 6) => ObjectCall::Set,
            (Make::Event, _) => ObjectCall::IsSet,
            (Make::Barrier { .. }, 5) => ObjectCall::Reset,
            (Make::Barrier { .. }, 6) if wait == Wait::No => ObjectCall::Abort,
            (Make::Barrier { .. }, 6) => ObjectCall::IsBroken,
            (Make::Barrier { .. }, _) => ObjectCall::Waiting,
            _ => ObjectCall::IsLocked,
        }
    }

    /// Any of the sessions that wait, or that do not.
    fn any_session(&mut self, waits: bool) -> Option<(usize, SessionId)> {
        let all = self.processes.iter().enumerate();
        let all = all.flat_map(|(at, process)| process.sessions.iter().map(move |who| (at, *who)));
        let fit: Vec<_> = all.filter(|(_, who)| self.waiting.contains_key(who) == waits).collect();
        (!fit.is_empty()).then(|| self.random.one_of(&fit))
    }

    fn step(&mut self) {
        match self.random.below(24) {
            0 if self.processes.len() < 6 => self.start(),
            1 if !self.processes.is_empty() => {
                let at = self.random.below(self.processes.len() as u64) as usize;
                if !self.processes[at].native && self.processes[at].sessions.len() < 3 {
                    self.open(at);
                }
            }
            2 | 3 if self.random.below(2) == 0 => self.end_process(),
            4 => self.end_session(),
            5 => {
                let Some((_, who)) = self.any_session(true) else { return };
                let out = self.world.state.cancel(self.world.now, who).unwrap();
                self.waiting.remove(&who);
                self.model.gave_up(who);
                assert!(self.world.note(out).is_none());
            }
            6 if self.random.below(2) == 0 => self.hand_over(),
            7 | 8 => {
                let millis = 250 * self.random.below(8);
                self.world.after(Duration::from_millis(millis));
                self.model.time_passes(self.world.now);
            }
            _ => {
                let Some((process, who)) = self.any_session(false) else { return };
                let any = self.random.below(self.objects.len() as u64) as usize;
                let at = if self.random.below(2) == 0 { any } else { self.favourite };
                let call = self.any_call(who, at);
                self.call(process, who, at, &call);
            }
        }
    }

    fn end(&mut self, who: SessionId) {
        self.waiting.remove(&who);
        self.model.ended(self.world.now, who, false);
        self.world.end(who);
    }

    /// A whole process ends, in good order or not; its connections in any order, with time between
    /// them.
    fn end_process(&mut self) {
        if self.processes.is_empty() {
            return;
        }
        let at = self.random.below(self.processes.len() as u64) as usize;
        let mut process = self.processes.swap_remove(at);
        if !process.native && self.random.below(2) == 0 {
            self.model.released(process.number);
            for ident in process.idents.clone() {
                let out = self.world.state.decref(self.world.now, &ident).unwrap();
                self.world.note(out);
            }
        }
        while !process.sessions.is_empty() {
            let next = self.random.below(process.sessions.len() as u64) as usize;
            let who = process.sessions.remove(next);
            self.end(who);
            if self.random.below(3) == 0 {
                let millis = 250 * self.random.below(8);
                self.world.after(Duration::from_millis(millis));
                self.model.time_passes(self.world.now);
            }
            self.check();
        }
    }

    /// One connection ends: a thread does, or the main thread of a process whose others go on.
    fn end_session(&mut self) {
        let waits = self.random.below(2) == 0;
        let Some((at, who)) = self.any_session(waits) else { return };
        let process = &mut self.processes[at];
        if process.main_lives && process.sessions[0] == who {
            process.main_lives = false;
        }
        process.sessions.retain(|session| *session != who);
        self.end(who);
        if self.processes[at].sessions.is_empty() && !self.processes[at].main_lives {
            self.processes.swap_remove(at);
        }
    }

    /// A process has ended, and a child of it goes on with a call that waits.
    fn hand_over(&mut self) {
        let Some((process, who)) = self.any_session(true) else { return };
        let (at, wait) = self.waiting.remove(&who).unwrap();
        let ident = self.processes[process].idents[at].clone();
        let (heir, out) = self.world.state.hand_over(self.world.now, who, &ident).unwrap();
        let own = &mut self.processes[process];
        let place = own.sessions.iter().position(|session| *session == who).unwrap();
        own.sessions[place] = heir;
        let is_thread = place > 0 || !own.main_lives;
        let number = own.number;
        self.model.ended(self.world.now, who, true);
        self.model.opened(heir, number, is_thread && !own.native);
        let call = match self.model.things[at].make {
            Make::Lock { .. } | Make::Semaphore { .. } => ObjectCall::Acquire(wait),
            // He may have waited for the lock, or for notice.
            Make::Condition if matches!(out.reply, Some(Reply::Error(_))) => {
                ObjectCall::Wait(Some(wait))
            }
            Make::Condition => ObjectCall::Acquire(wait),
            _ => ObjectCall::Wait(Some(wait)),
        };
        let expected = self.model.call(heir, at, &call);
        let reply = self.world.note(out);
        self.use_all(process, heir);
        self.compare(heir, at, &call, reply.as_ref(), expected.as_deref());
    }

    /// Whoever was served is who should be, and each holding has a greater fence.
    fn check(&mut self) {
        let served = self.world.woken.drain(..).map(|(who, reply)| (who, words(&reply)));
        let mut served: Vec<_> = served.collect();
        served.sort();
        self.model.told.sort();
        assert_eq!(served, self.model.told);
        for (who, _) in self.model.told.drain(..) {
            assert!(self.waiting.remove(&who).is_some(), "{who} does not wait");
        }
        let mut newest = self.fence_max;
        for at in 0..3 {
            let call = Call::Object(self.objects[at], ObjectCall::Fence);
            let reply = self.world.state.apply(self.world.now, self.watcher, call).reply;
            let thing = &self.model.things[at];
            let Some(Reply::Count(fence)) = reply else {
                assert_eq!(thing.owner, None, "{reply:?}");
                continue;
            };
            assert!(thing.owner.is_some());
            let (seen, last) = self.fences[at];
            if seen == thing.holdings {
                assert_eq!(fence, last, "the same holding");
            } else {
                assert!(fence > self.fence_max, "a new holding has an old fence");
            }
            self.fences[at] = (thing.holdings, fence);
            newest = newest.max(fence);
        }
        self.fence_max = newest;
    }
}

#[test]
fn any_life_of_objects_is_as_the_model_says() {
    for seed in 1..=SEEDS {
        let mut life = Life::new(seed);
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..STEPS {
                life.step();
                life.check();
            }
        }));
        assert!(lived.is_ok(), "seed {seed}");
    }
}
