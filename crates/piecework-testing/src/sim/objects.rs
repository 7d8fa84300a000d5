//! Lives of programs that share locks, conditions, semaphores, events and barriers: each call comes
//! to what the model of the state's own tests says, no two programs that live ever have one lock,
//! and once nothing befalls them any more, whoever wants a lock gets it.

#[path = "../../../piecework-state/tests/support/model.rs"]
mod model;

use super::random::Random;
use super::trace::Trace;
use model::{Model, words};
use piecework_state::{
    Call, Limits, Make, ObjectCall, ObjectId, Outcome, Peer, SessionId, State, Time, Wait,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// What all share, by its place.
const MAKES: [Make; 6] = [
    Make::Lock { reentrant: false },
    Make::Lock { reentrant: true },
    Make::Condition,
    Make::Semaphore { permits: 2, bounded: true },
    Make::Event,
    Make::Barrier { parties: 3, patience: None },
];
const CONDITION: usize = 2;
const SEMAPHORE: usize = 3;
const EVENT: usize = 4;
const BARRIER: usize = 5;

/// How long a message is on its way at most.
const WAY_MAX: Duration = Duration::from_millis(50);

/// More than the longest patience and the longest way, so many times over.
const END_MAX: Duration = Duration::from_secs(600);

/// What a program does, over and over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    /// `with lock: ...`
    Locker(usize),
    /// `with condition: condition.notify()`
    Producer,
    /// `with condition: condition.wait()`
    Consumer,
    /// `with semaphore: ...`
    Guest,
    /// Sets, clears and waits.
    Starter,
    /// `barrier.wait()`, and resets it where it is broken.
    Party,
}

/// A thread of a program, at some step of what it does.
#[derive(Clone, Debug)]
struct Agent {
    role: Role,
    process: u64,
    session: SessionId,
    step: usize,
    /// It has asked, and was not told.
    asked: bool,
    /// The lock that it believes to have.
    has: Option<usize>,
    /// It begins nothing any more.
    stopped: bool,
}

#[derive(Clone, Debug)]
enum Event {
    /// An agent thinks of its next call.
    Acts(SessionId),
    /// A call arrives; for how long it may wait.
    Arrives(SessionId, usize, ObjectCall, Option<Option<Duration>>),
    /// An agent learns what its call came to.
    Told(SessionId, String),
    /// The manager learns of the end of a connection.
    Ends(SessionId),
    /// A program starts.
    Starts(Role),
}

struct World {
    random: Random,
    now: Time,
    events: BTreeMap<(Time, u64), Event>,
    numbers: u64,
    state: State,
    model: Model,
    ids: Vec<ObjectId>,
    agents: BTreeMap<SessionId, Agent>,
    /// The handles of each process.
    idents: BTreeMap<u64, Vec<String>>,
    /// To which process a connection belongs that has not ended.
    open: BTreeMap<SessionId, u64>,
    closing: bool,
}

/// Lives the life of a seed.
pub(super) fn live(seed: u64, trace: &mut Trace) {
    World::new(seed).live(trace);
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed, 0x0B1E),
            now: Time::from_secs(1_000),
            events: BTreeMap::new(),
            numbers: 0,
            state: State::new(1, Limits::default()),
            model: Model::new(&MAKES),
            ids: Vec::new(),
            agents: BTreeMap::new(),
            idents: BTreeMap::new(),
            open: BTreeMap::new(),
            closing: false,
        };
        world.boot();
        for _ in 0..2 + world.random.below(6) {
            let role = world.random.pick(&[
                Role::Locker(0),
                Role::Locker(1),
                Role::Producer,
                Role::Consumer,
                Role::Guest,
                Role::Starter,
                Role::Party,
            ]);
            world.after(Duration::from_secs(1), Event::Starts(role));
        }
        world
    }

    /// A manager starts, with nothing.
    fn boot(&mut self) {
        self.state = State::new(self.numbers + 1, Limits::default());
        self.model = Model::new(&MAKES);
        let register = |(at, make): (usize, &Make)| {
            self.state.register_object(&format!("object{at}"), make.clone()).expect("a few objects")
        };
        self.ids = MAKES.iter().enumerate().map(register).collect();
    }

    fn after(&mut self, most: Duration, event: Event) {
        self.later(Duration::ZERO, most, event);
    }

    fn later(&mut self, least: Duration, more: Duration, event: Event) {
        self.numbers += 1;
        let at = self.now + least + self.random.time(more);
        self.events.insert((at, self.numbers), event);
    }

    fn live(&mut self, trace: &mut Trace) {
        for _ in 0..100 + self.random.below(300) {
            match self.random.below(60) {
                0 => self.kill(trace),
                1 => self.leave(trace),
                2 => self.interrupt(trace),
                3 if self.random.chance(10) => self.restart(trace),
                _ => _ = self.step(trace),
            }
        }
        self.closing = true;
        let end = self.now + END_MAX;
        while self.step(trace) && self.now < end {}
        for agent in self.agents.values() {
            let may_wait = matches!(agent.role, Role::Consumer | Role::Guest);
            assert!(may_wait || !agent.asked, "{agent:?} waits for ever");
        }
        for thing in self.model.things.iter().take(CONDITION + 1) {
            assert_eq!(thing.owner, None, "{thing:?} is left locked");
        }
        for session in std::mem::take(&mut self.open).into_keys() {
            self.end(session);
            self.check();
        }
        assert_eq!(self.state.session_count(), 0, "sessions are left");
    }

    /// The next thing happens; false if there is none.
    fn step(&mut self, trace: &mut Trace) -> bool {
        let next = self.events.first_key_value().map(|((at, _), _)| *at);
        let due = self.state.next_deadline();
        if let Some(due) = due.filter(|due| next.is_none_or(|next| *due <= next)) {
            self.now = self.now.max(due);
            let out = self.state.tick(self.now);
            self.model.time_passes(self.now);
            self.note(&out);
        } else if let Some(((at, _), event)) = self.events.pop_first() {
            self.now = self.now.max(at);
            trace.say(self.now, || format!("{event:?}"));
            self.happens(event, trace);
        } else {
            return false;
        }
        self.check();
        true
    }

    fn happens(&mut self, event: Event, trace: &mut Trace) {
        match event {
            Event::Starts(role) if !self.closing => self.start(role),
            Event::Starts(_) => {}
            Event::Acts(who) => self.act(who),
            Event::Arrives(who, at, call, wait) => self.arrive(who, at, call, wait, trace),
            Event::Told(who, told) => self.told(who, &told, trace),
            Event::Ends(who) => {
                self.open.remove(&who);
                self.end(who);
            }
        }
    }

    /// A program starts, with up to three threads.
    fn start(&mut self, role: Role) {
        self.numbers += 1;
        let process = self.numbers;
        let create = |id: &ObjectId| self.state.create_on(*id).expect("an object with a name");
        let idents: Vec<String> = self.ids.iter().map(create).collect();
        let native = self.random.chance(20);
        let threads = if native { 1 } else { 1 + self.random.below(3) };
        for thread in 0..threads {
            let more = if thread == 0 { String::new() } else { format!("|Thread-{thread}") };
            let name = format!("Process-{process}{more}");
            let peer = if native { Peer::native(&name) } else { Peer::stock(&name, "here") };
            let session = self.state.open(self.now, peer);
            self.model.opened(session, process, thread > 0);
            for ident in &idents {
                let mut out = Outcome::default();
                let used = self.state.resolve(self.now, session, ident, &mut out);
                assert!(used.is_ok() && out.woken.is_empty(), "a new handle");
            }
            let (step, asked, has, stopped) = (0, false, None, false);
            let agent = Agent { role, process, session, step, asked, has, stopped };
            self.agents.insert(session, agent);
            self.open.insert(session, process);
            self.after(Duration::from_millis(100), Event::Acts(session));
        }
        self.idents.insert(process, idents);
    }

    fn act(&mut self, who: SessionId) {
        let Some(agent) = self.agents.get_mut(&who) else { return };
        if agent.asked || (agent.step == 0 && (agent.stopped || self.closing)) {
            return;
        }
        let (at, call) = match (agent.role, agent.step) {
            (Role::Locker(lock), 0) => (lock, ObjectCall::Acquire(Wait::No)),
            (Role::Locker(lock), _) => (lock, ObjectCall::Release(1)),
            (Role::Producer | Role::Consumer, 0) => (CONDITION, ObjectCall::Acquire(Wait::No)),
            (Role::Producer, 1) => (CONDITION, ObjectCall::Notify(1 + self.random.index(2))),
            (Role::Consumer, 1) => (CONDITION, ObjectCall::Wait(None)),
            (Role::Producer | Role::Consumer, _) => (CONDITION, ObjectCall::Release(1)),
            (Role::Guest, 0) => (SEMAPHORE, ObjectCall::Acquire(Wait::No)),
            (Role::Guest, _) => (SEMAPHORE, ObjectCall::Release(1)),
            (Role::Starter, _) => match self.random.below(4) {
                0 => (EVENT, ObjectCall::Set),
                1 => (EVENT, ObjectCall::Clear),
                _ => (EVENT, ObjectCall::Wait(None)),
            },
            (Role::Party, 0) => (BARRIER, ObjectCall::Wait(None)),
            (Role::Party, _) => (BARRIER, ObjectCall::Reset),
        };
        if let ObjectCall::Release(_) | ObjectCall::Wait(_) = call {
            agent.has = None;
        }
        agent.asked = true;
        // Nobody may wait for ever for what may never come.
        let for_ever = !matches!(agent.role, Role::Starter | Role::Party);
        let wait = match self.random.below(4) {
            0 | 1 if for_ever => None,
            0 => Some(Duration::ZERO),
            _ => Some(self.random.time(Duration::from_secs(4))),
        };
        self.after(WAY_MAX, Event::Arrives(who, at, call, Some(wait)));
    }

    fn arrive(
        &mut self,
        who: SessionId,
        at: usize,
        call: ObjectCall,
        wait: Option<Option<Duration>>,
        trace: &mut Trace,
    ) {
        let Some(process) = self.open.get(&who) else { return };
        let until = match wait.flatten() {
            None => Wait::Forever,
            Some(Duration::ZERO) => Wait::No,
            Some(patience) => Wait::Until(self.now + patience),
        };
        let call = match call {
            ObjectCall::Acquire(_) => ObjectCall::Acquire(until),
            ObjectCall::Wait(_) => ObjectCall::Wait(Some(until)),
            call => call,
        };
        let ident = self.idents.get(process).and_then(|idents| idents.get(at));
        let ident = ident.expect("a process has a handle on each object");
        let id = *self.ids.get(at).expect("an object for each place");
        let mut out = Outcome::default();
        let resolved = self.state.resolve(self.now, who, ident, &mut out);
        assert!(resolved.is_ok(), "a handle is forgotten");
        self.state.apply_into(self.now, who, Call::Object(id, call.clone()), &mut out);
        let expected = self.model.call(who, at, &call);
        let reply = out.reply.as_ref().map(words);
        assert_eq!(reply, expected, "{who} asks {call:?} of {:?}", self.model.things.get(at));
        trace.count("calls on objects");
        match reply {
            Some(told) => self.after(WAY_MAX, Event::Told(who, told)),
            None => trace.count("calls on objects that wait"),
        }
        self.note(&out);
    }

    fn told(&mut self, who: SessionId, told: &str, trace: &mut Trace) {
        let Some(agent) = self.agents.get_mut(&who) else { return };
        agent.asked = false;
        let got = told == "True";
        let lock = match agent.role {
            Role::Locker(lock) if agent.step == 0 && got => Some(lock),
            Role::Producer if agent.step == 0 && got => Some(CONDITION),
            // However a wait for notice ends, its lock is taken again.
            Role::Consumer if agent.step == 1 || (agent.step == 0 && got) => Some(CONDITION),
            _ => None,
        };
        agent.step = match (agent.role, agent.step) {
            (Role::Producer | Role::Consumer, 1) => 2,
            (Role::Starter, _) => 0,
            (Role::Party, 0) => usize::from(told.contains("broken")),
            (_, 0) => usize::from(got),
            _ => 0,
        };
        if lock.is_some() {
            agent.has = lock;
            let others = self.agents.values().filter(|other| other.session != who);
            let twice = others.clone().find(|other| other.has == lock);
            assert!(twice.is_none(), "{who} and {twice:?} have one lock");
            trace.count("locks taken");
        }
        self.after(Duration::from_millis(500), Event::Acts(who));
    }

    /// What came of a step besides its own reply.
    fn note(&mut self, out: &Outcome) {
        let mut woken: Vec<_> = out.woken.iter().map(|(who, reply)| (*who, words(reply))).collect();
        woken.sort();
        self.model.told.sort();
        assert_eq!(woken, self.model.told, "who is served");
        self.model.told.clear();
        for (who, told) in woken {
            self.after(WAY_MAX, Event::Told(who, told));
        }
    }

    fn check(&self) {
        self.state.check();
    }

    fn end(&mut self, who: SessionId) {
        let out = self.state.end(self.now, who);
        self.model.ended(self.now, who, false);
        self.note(&out);
    }

    fn any_process(&mut self) -> Option<(u64, Role)> {
        let live: Vec<_> = self.agents.values().map(|agent| (agent.process, agent.role)).collect();
        (!live.is_empty()).then(|| self.random.pick(&live))
    }

    /// The sessions of a process that is no more; it is started again.
    fn take_agents(&mut self, process: u64, role: Role) -> Vec<SessionId> {
        let of_process = self.agents.values().filter(|agent| agent.process == process);
        let sessions = of_process.map(|agent| agent.session).collect();
        self.agents.retain(|_, agent| agent.process != process);
        self.after(Duration::from_secs(3), Event::Starts(role));
        sessions
    }

    /// A program is killed; its connections are seen to end one after the other.
    fn kill(&mut self, trace: &mut Trace) {
        let Some((process, role)) = self.any_process() else { return };
        trace.count("sharers killed");
        trace.say(self.now, || format!("process {process} is killed"));
        for who in self.take_agents(process, role) {
            // What it has said arrives first; then its ends are one event to the manager.
            self.later(WAY_MAX, Duration::from_millis(900), Event::Ends(who));
        }
    }

    /// A program begins nothing more; once it has nothing, it ends in good order.
    fn leave(&mut self, trace: &mut Trace) {
        let Some((process, role)) = self.any_process() else { return };
        let of_process = self.agents.values_mut().filter(|agent| agent.process == process);
        let mut busy = false;
        for agent in of_process {
            agent.stopped = true;
            busy |= agent.asked || agent.step != 0;
        }
        if busy {
            return;
        }
        trace.count("sharers that leave");
        trace.say(self.now, || format!("process {process} leaves"));
        self.model.released(process);
        for ident in self.idents.get(&process).cloned().unwrap_or_default() {
            let out = self.state.decref(self.now, &ident).expect("a handle that is there");
            self.note(&out);
        }
        for who in self.take_agents(process, role) {
            self.open.remove(&who);
            self.end(who);
        }
    }

    /// A call that waits is interrupted, and its program goes on.
    fn interrupt(&mut self, trace: &mut Trace) {
        let asked: Vec<_> = self.agents.values().filter(|agent| agent.asked).collect();
        let asked: Vec<_> = asked.into_iter().map(|agent| agent.session).collect();
        let who = if asked.is_empty() { return } else { self.random.pick(&asked) };
        let Some(out) = self.state.cancel(self.now, who) else { return };
        trace.count("sharers interrupted");
        trace.say(self.now, || format!("{who} is interrupted"));
        self.model.gave_up(who);
        self.note(&out);
        if let Some(agent) = self.agents.get_mut(&who) {
            agent.asked = false;
            // `with` releases the lock that it had before it waited for notice.
            let waited = agent.role == Role::Consumer && agent.step == 1;
            agent.step = if waited { 2 } else { 0 };
        }
        self.after(Duration::from_millis(100), Event::Acts(who));
    }

    /// The manager is killed, and starts again with nothing; so do all programs.
    fn restart(&mut self, trace: &mut Trace) {
        trace.count("restarts with objects");
        trace.say(self.now, || "the manager starts again".to_owned());
        let roles: BTreeMap<u64, Role> =
            self.agents.values().map(|agent| (agent.process, agent.role)).collect();
        self.agents.clear();
        self.open.clear();
        self.events.retain(|_, event| matches!(event, Event::Starts(_)));
        self.boot();
        for role in roles.into_values() {
            self.after(Duration::from_secs(1), Event::Starts(role));
        }
    }
}
