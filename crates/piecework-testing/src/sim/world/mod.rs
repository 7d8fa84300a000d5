//! A life: one thread, a clock that jumps from one thing to the next, and all that happens to a
//! manager, its disk, its network and its clients.

mod client;
mod end;
mod fault;
mod serve;

use super::agent::Agent;
use super::line::Line;
use super::manager::{Around, Asked, Manager};
use super::model::Model;
use super::op::Key;
use super::plan::{Plan, ProgramPlan};
use super::random::Random;
use super::storage::Storage;
use super::trace::Trace;
use piecework_state::{Reply, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World<'p> {
    plan: &'p Plan,
    now: Time,
    /// What happens when; at the same moment, in the order in which it was decided.
    events: BTreeMap<(Time, u64), Event>,
    numbers: u64,
    manager: Option<Manager>,
    /// Which manager it is, one after the other.
    run: u64,
    storage: Storage,
    programs: Vec<Program>,
    lines: Vec<Line>,
    model: Model,
    pub(super) trace: Trace,
    random: Random,
    /// The deadline that the manager's timer sleeps for, and when it wakes.
    timer: Option<(Time, Time)>,
    /// The next commit fails; whether its batch is written all the same.
    fails: Option<bool>,
    /// The next commit takes long.
    slow: bool,
    /// Nobody begins anything any more.
    closing: bool,
}

/// A program in one of its lives.
#[derive(Debug)]
struct Program {
    plan: ProgramPlan,
    life: u64,
    phase: Phase,
    idents: [String; 3],
    /// The main thread, and the others.
    agents: Vec<Agent>,
    /// What it has put under a key and was not told to be there.
    unsure: Vec<(Key, Time)>,
    random: Random,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Down,
    Up,
    /// It releases its proxies, one after the other.
    Leaving,
}

/// Something that happens at its time.
#[derive(Debug)]
enum Event {
    /// A program starts.
    Boot { program: usize },
    /// A thread of a program has thought enough.
    Act { program: usize, life: u64, agent: usize },
    /// A program that leaves has one proxy less.
    Decref { program: usize, life: u64, proxy: usize },
    /// A program that leaves closes its connections.
    Close { program: usize, life: u64 },
    /// A request arrives.
    Request { line: usize, asked: Asked },
    /// A reply arrives.
    Reply { line: usize, number: u64, reply: Reply },
    /// The program learns that its connection has ended.
    Broken { line: usize },
    /// The manager learns that a connection has ended; `process` if it learns of the process too.
    Eof { line: usize, process: bool },
    /// The session of a connection whose end has come ends.
    End { line: usize },
    /// A reply is written.
    Write { line: usize },
    /// The committer looks for a batch.
    TakeBatch { run: u64 },
    /// The engine has done its part.
    Commit { run: u64 },
    /// The hub hears of it.
    Kept { run: u64 },
    /// A manager that could not keep something ends.
    Crash { run: u64 },
    /// There is room on the disk again.
    Room { run: u64 },
    /// The manager starts.
    Start,
}

/// When lives begin: no moment is before the epoch.
const BEGIN: Time = Time::from_secs(1_000);

impl<'p> World<'p> {
    /// A life that has not begun.
    pub(super) fn new(plan: &'p Plan, listens: bool) -> Self {
        let program = |program: &ProgramPlan| Program {
            plan: *program,
            life: 0,
            phase: Phase::Down,
            idents: Default::default(),
            agents: Vec::new(),
            unsure: Vec::new(),
            random: Random::new(plan.chance, program.number << 32),
        };
        Self {
            plan,
            now: BEGIN,
            events: BTreeMap::new(),
            numbers: 0,
            manager: None,
            run: 0,
            storage: Storage::new(plan.store),
            programs: plan.programs.iter().map(program).collect(),
            lines: Vec::new(),
            model: Model::new(plan.queues, plan.resident_max < u64::MAX),
            trace: Trace { listens, ..Trace::default() },
            random: Random::new(plan.chance, 1),
            timer: None,
            fails: None,
            slow: false,
            closing: false,
        }
    }

    /// Lives it to its end.
    pub(super) fn live(&mut self) {
        self.trace_plan();
        self.start();
        for program in 0..self.programs.len() {
            self.later(Duration::from_millis(20), Event::Boot { program });
        }
        let mut faults = self.plan.faults.iter().peekable();
        for step in 0..self.plan.steps {
            while let Some(fault) = faults.next_if(|fault| fault.step <= step) {
                self.befalls(fault);
            }
            // Where everybody waits, something has to befall them.
            if !self.step() {
                let Some(fault) = faults.next() else { break };
                self.befalls(fault);
            }
        }
        self.end();
    }

    /// Lets the next thing happen; false if nothing will.
    fn step(&mut self) -> bool {
        self.arm();
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let tick =
            self.timer.map(|(_, wakes)| wakes).filter(|wakes| event.is_none_or(|at| *wakes <= at));
        match (tick, self.events.pop_first()) {
            (Some(wakes), popped) => {
                self.events.extend(popped);
                self.now = self.now.max(wakes);
                self.tick();
            }
            (None, Some(((at, _), event))) => {
                self.now = at;
                self.happens(event);
            }
            (None, None) => return false,
        }
        if let Some(manager) = &self.manager {
            manager.ledger.state.check();
        }
        true
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Boot { program } => self.boot(program),
            Event::Act { program, life, agent } => self.act(program, life, agent),
            Event::Decref { program, life, proxy } => self.decref(program, life, proxy),
            Event::Close { program, life } => self.close(program, life),
            Event::Request { line, asked } => self.request(line, asked),
            Event::Reply { line, number, reply } => self.reply(line, number, &reply),
            Event::Broken { line } => self.broken(line),
            Event::Eof { line, process } => self.eof(line, process),
            Event::End { line } => self.end_session(line),
            Event::Write { line } => self.write(line),
            Event::TakeBatch { run } if run == self.run => self.take_batch(),
            Event::Commit { run } if run == self.run => self.commit(),
            Event::Kept { run } if run == self.run => self.kept(),
            Event::Crash { run } if run == self.run && self.manager.is_some() => self.crash(false),
            Event::Room { run } if run == self.run => self.set_room(u64::MAX),
            Event::Start => self.start(),
            // Of a manager that is gone.
            Event::TakeBatch { .. }
            | Event::Commit { .. }
            | Event::Kept { .. }
            | Event::Room { .. }
            | Event::Crash { .. } => {}
        }
    }

    fn at(&mut self, at: Time, event: Event) {
        let number = self.number();
        self.events.insert((at, number), event);
    }

    /// Lets something happen within `most` from now.
    fn later(&mut self, most: Duration, event: Event) {
        let at = self.now + self.random.time(most);
        self.at(at, event);
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        self.trace.say(self.now, line);
    }

    fn line(&mut self, line: usize) -> &mut Line {
        self.lines.get_mut(line).expect("lines are never forgotten")
    }

    fn program(&mut self, program: usize) -> &mut Program {
        self.programs.get_mut(program).expect("programs are never forgotten")
    }

    /// Whether the manager that a line leads to serves it.
    fn is_served(&self, line: usize) -> bool {
        let served = |line: &Line| line.run == self.run && line.served;
        self.manager.is_some() && self.lines.get(line).is_some_and(served)
    }

    /// Whether a line leads to the manager that runs.
    fn is_current(&self, line: usize) -> bool {
        self.manager.is_some() && self.lines.get(line).is_some_and(|line| line.run == self.run)
    }

    /// Has the manager do something, and sees to what it wants done next.
    fn with_manager<T>(
        &mut self,
        step: impl FnOnce(&mut Manager, Time, &mut Around<'_>) -> T,
    ) -> Option<T> {
        let manager = self.manager.as_mut()?;
        let (plan, model, trace) = (self.plan, &mut self.model, &mut self.trace);
        let done = step(manager, self.now, &mut Around { plan, model, trace });
        self.look_after_manager();
        Some(done)
    }

    fn trace_plan(&mut self) {
        let plan = self.plan;
        self.say(|| format!("{:?}, sessions hold {} at most", plan.store, plan.leases_max));
        for (name, queue) in super::plan::NAMES.iter().zip(&plan.queues) {
            self.say(|| format!("{name}: {queue:?}"));
        }
        for program in &plan.programs {
            self.say(|| format!("{program:?}"));
        }
    }
}

impl Program {
    fn name(&self) -> String {
        format!("{:?} {}.{}", self.plan.role, self.plan.number, self.life)
    }
}
