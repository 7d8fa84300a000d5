//! Lives of programs that make lists, dicts, sets and values without a name, give each other the
//! proxies, release them, and are killed: each call comes to what the simplest model says, and an
//! object is there as long as somebody could know it, and no longer than somebody can tell.

use super::held::{Held, words};
use super::random::Random;
use super::trace::Trace;
use piecework_state::{
    Call, Group, Limits, Outcome, Peer, SessionId, State, StateError, Target, Time,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An object that is there.
#[derive(Debug)]
struct Thing {
    held: Held,
    refs: u64,
    groups: BTreeSet<Group>,
    /// Whether somebody knows it of whom nobody can tell when he is gone.
    others: bool,
    pinned: bool,
}

/// A program that lives.
#[derive(Debug)]
struct Program {
    /// Its process group, where its connections tell that.
    group: Option<Group>,
    session: Option<SessionId>,
    /// The idents that it knows, with its own references.
    idents: BTreeMap<String, u64>,
}

struct World {
    random: Random,
    now: Time,
    state: State,
    things: BTreeMap<String, Thing>,
    programs: BTreeMap<u64, Program>,
    numbers: u32,
}

/// Lives the life of a seed.
pub(super) fn live(seed: u64, trace: &mut Trace) {
    let mut world = World {
        random: Random::new(seed, 0xD1C7),
        now: Time::from_secs(1_000),
        state: State::new(1, Limits::default()),
        things: BTreeMap::new(),
        programs: BTreeMap::new(),
        numbers: 0,
    };
    for _ in 0..150 + world.random.below(150) {
        world.now = world.now + world.random.time(Duration::from_secs(1));
        world.step(trace);
        world.check();
    }
    for program in std::mem::take(&mut world.programs).into_values() {
        world.ends(program.session);
    }
    world.look(trace);
    world.check();
    let left = world.things.values().all(|thing| thing.others || thing.pinned);
    assert!(
        left,
        "somebody is gone of whom it is known, and his things are here: {:?}",
        world.things
    );
}

impl World {
    fn step(&mut self, trace: &mut Trace) {
        match self.random.below(100) {
            0..=4 => self.start(trace),
            5..=11 => self.make(trace),
            12..=17 => self.share(trace),
            18..=22 => self.release(trace),
            23..=24 => self.leave(trace),
            25..=27 => self.kill(trace),
            28 => self.pin(trace),
            29..=32 => self.look(trace),
            _ => self.call(trace),
        }
    }

    /// What is there is what the model says, with as many references.
    fn check(&self) {
        self.state.check();
        let there: BTreeMap<_, _> = self.state.handle_list().into_iter().collect();
        let expected = self.things.iter().map(|(ident, thing)| (ident.clone(), thing.refs));
        assert_eq!(there, expected.collect(), "what is there");
    }

    fn program(&self, number: u64) -> &Program {
        self.programs.get(&number).expect("it lives")
    }

    fn program_mut(&mut self, number: u64) -> &mut Program {
        self.programs.get_mut(&number).expect("it lives")
    }

    fn any_program(&mut self) -> Option<u64> {
        let all: Vec<u64> = self.programs.keys().copied().collect();
        (!all.is_empty()).then(|| self.random.pick(&all))
    }

    /// An ident that a program knows, and that program.
    fn any_proxy(&mut self) -> Option<(u64, String)> {
        let program = self.any_program()?;
        let idents: Vec<String> = self.program(program).idents.keys().cloned().collect();
        let chosen = self.random.index(idents.len().max(1));
        idents.into_iter().nth(chosen).map(|ident| (program, ident))
    }

    /// A program starts: alone, or as a child that gets its parent's proxies without a reference.
    fn start(&mut self, trace: &mut Trace) {
        self.numbers += 1;
        let parent = self.any_program().filter(|_| self.random.chance(40));
        let (group, idents) = match parent.and_then(|parent| self.programs.get(&parent)) {
            Some(parent) => {
                trace.count("children spawned");
                (parent.group, parent.idents.keys().map(|ident| (ident.clone(), 0)).collect())
            }
            None => {
                let is_known = self.random.chance(80);
                (is_known.then_some(Group(self.numbers)), BTreeMap::new())
            }
        };
        trace.say(self.now, || format!("program {} of {group:?} starts", self.numbers));
        self.programs.insert(self.numbers.into(), Program { group, session: None, idents });
    }

    fn make(&mut self, trace: &mut Trace) {
        let Some(number) = self.any_program() else { return };
        let (make, held) = Held::any(&mut self.random);
        let ident = self.state.create_object(make).expect("there are few");
        trace.count("containers");
        trace.say(self.now, || format!("program {number} makes {ident}"));
        let (groups, others, pinned) = (BTreeSet::new(), false, false);
        self.things.insert(ident.clone(), Thing { held, refs: 1, groups, others, pinned });
        self.knows(number, &ident);
        self.program_mut(number).idents.insert(ident, 1);
    }

    /// The manager hears from this program that it knows an object.
    fn knows(&mut self, number: u64, ident: &str) {
        let group = self.program(number).group;
        self.state.knows(ident, group);
        self.known(group, ident);
    }

    fn known(&mut self, group: Option<Group>, ident: &str) {
        let Some(thing) = self.things.get_mut(ident) else { return };
        match group {
            Some(group) => _ = thing.groups.insert(group),
            None => thing.others = true,
        }
    }

    /// A program gives a proxy to another, which takes a reference of its own.
    fn share(&mut self, trace: &mut Trace) {
        let Some((_, ident)) = self.any_proxy() else { return };
        let Some(taker) = self.any_program() else { return };
        let taken = self.state.incref(&ident);
        let Some(thing) = self.things.get_mut(&ident) else {
            assert!(matches!(taken, Err(StateError::NoObject { .. })), "{ident}: {taken:?}");
            return;
        };
        assert!(taken.is_ok(), "{ident}: {taken:?}");
        thing.refs += 1;
        trace.count("proxies given away");
        trace.say(self.now, || format!("program {taker} gets {ident}"));
        self.knows(taker, &ident);
        *self.program_mut(taker).idents.entry(ident).or_default() += 1;
    }

    /// A program lets go of one proxy.
    fn release(&mut self, trace: &mut Trace) {
        let Some((number, ident)) = self.any_proxy() else { return };
        trace.say(self.now, || format!("program {number} releases {ident}"));
        let idents = &mut self.program_mut(number).idents;
        let own = idents.get_mut(&ident).expect("it was chosen from these");
        match *own {
            0 => _ = idents.remove(&ident),
            1 => {
                idents.remove(&ident);
                self.decref(&ident);
            }
            _ => {
                *own -= 1;
                self.decref(&ident);
            }
        }
    }

    fn decref(&mut self, ident: &str) {
        let out = self.state.decref(self.now, ident).expect("who has a reference finds it there");
        assert!(out.woken.is_empty(), "nobody waits");
        let thing = self.things.get_mut(ident).expect("as the state says");
        thing.refs -= 1;
        if thing.refs == 0 {
            self.things.remove(ident);
        }
    }

    /// A program ends in good order.
    fn leave(&mut self, trace: &mut Trace) {
        let Some(number) = self.any_program() else { return };
        let program = self.programs.remove(&number).expect("it lives");
        trace.count("owners that leave");
        trace.say(self.now, || format!("program {number} leaves"));
        for (ident, own) in program.idents {
            (0..own).for_each(|_| self.decref(&ident));
        }
        self.ends(program.session);
    }

    fn kill(&mut self, trace: &mut Trace) {
        let Some(number) = self.any_program() else { return };
        let program = self.programs.remove(&number).expect("it lives");
        trace.count("owners killed");
        trace.say(self.now, || format!("program {number} is killed"));
        self.ends(program.session);
    }

    fn ends(&mut self, session: Option<SessionId>) {
        if let Some(session) = session {
            let out = self.state.end(self.now, session);
            assert!(out.woken.is_empty(), "nobody waits");
        }
    }

    fn pin(&mut self, trace: &mut Trace) {
        let Some((_, ident)) = self.any_proxy() else { return };
        self.state.pin(&ident);
        if let Some(thing) = self.things.get_mut(&ident) {
            trace.say(self.now, || format!("{ident} is put somewhere"));
            thing.refs += u64::from(!thing.pinned);
            thing.pinned = true;
        }
    }

    /// The manager is told which process groups are gone.
    fn look(&mut self, trace: &mut Trace) {
        let live: BTreeSet<Group> = self.programs.values().filter_map(|it| it.group).collect();
        let gone: BTreeSet<Group> = self.state.groups().difference(&live).copied().collect();
        let out = self.state.groups_gone(self.now, &gone);
        let before = self.things.len();
        self.things.retain(|_, thing| {
            let known = thing.groups.iter().any(|group| !gone.contains(group));
            thing.groups.retain(|group| !gone.contains(group));
            known || thing.others || thing.pinned
        });
        let forgotten = before - self.things.len();
        assert_eq!(out.notes.len(), forgotten, "{:?}", out.notes);
        if forgotten > 0 {
            trace.count("containers forgotten");
        }
    }

    fn call(&mut self, trace: &mut Trace) {
        let Some((number, ident)) = self.any_proxy() else { return };
        let group = self.program(number).group;
        let session = match self.program(number).session {
            Some(session) => session,
            None => {
                let peer = Peer::stock(&format!("Process-{number}"), "here").of_group(group);
                let session = self.state.open(self.now, peer);
                self.program_mut(number).session = Some(session);
                session
            }
        };
        let mut out = Outcome::default();
        let at = match self.state.resolve(self.now, session, &ident, &mut out) {
            Ok(Target::Object(at)) => at,
            Ok(other) => panic!("{ident} leads to {other:?}"),
            Err(error) => {
                let own = self.program(number).idents.get(&ident).copied().unwrap_or_default();
                assert!(!self.things.contains_key(&ident) && own == 0, "{ident}: {error}");
                return;
            }
        };
        self.known(group, &ident);
        let thing = self.things.get_mut(&ident).expect("as the state says");
        let (call, expected) = thing.held.call(&mut self.random);
        trace.count("calls on containers");
        trace.say(self.now, || format!("program {number} calls {call:?} of {ident}"));
        self.state.apply_into(self.now, session, Call::Object(at, call.clone()), &mut out);
        assert_eq!(words(out.reply.as_ref()), expected, "{call:?} of {ident}");
    }
}
