//! What the programs do, and what happens to them.

use super::{Event, Phase, World};
use crate::sim::agent::Agent;
use crate::sim::line::Line;
use crate::sim::manager::Asked;
use crate::sim::op::{Op, brief};
use crate::sim::plan::{NAMES, Q, Role};
use crate::sim::random::Random;
use crate::sim::roles::{Act, Choice};
use piecework_state::{Peer, Reply};
use std::time::Duration;

/// A program that ended is started again within this time, as by a supervisor.
const RESTART_MAX: Duration = Duration::from_secs(2);

/// The connections of a process that dies end within this time.
const DEATH_MAX: Duration = Duration::from_millis(200);

impl World<'_> {
    /// A program starts: it makes its proxies, and its threads begin.
    pub(super) fn boot(&mut self, program: usize) {
        if self.closing || self.program(program).phase != Phase::Down {
            return;
        }
        let Some(idents) = self.with_manager(|manager, _, _| manager.create()) else {
            return self.later(RESTART_MAX, Event::Boot { program });
        };
        let booted = self.program(program);
        booted.life += 1;
        booted.phase = Phase::Up;
        booted.idents = idents;
        let unsure = booted.agents.iter().filter_map(|agent| agent.pending.as_ref());
        booted.unsure.extend(unsure.filter_map(|pending| Some((pending.op.once()?, pending.sent))));
        booted.agents = (0..=booted.plan.threads).map(|_| Agent::default()).collect();
        let (name, agents) = (booted.name(), booted.agents.len());
        self.say(|| format!("{name} starts"));
        (0..agents).for_each(|agent| self.think(program, agent));
    }

    /// A thread of a program will act again.
    fn think(&mut self, program: usize, agent: usize) {
        let thinker = self.program(program);
        let (life, thinks) = (thinker.life, thinker.random.time(thinker.plan.thinks));
        self.at(self.now + thinks, Event::Act { program, life, agent });
    }

    pub(super) fn act(&mut self, program: usize, life: u64, agent: usize) {
        let plan = self.plan;
        let acting = self.programs.get_mut(program).expect("programs are never forgotten");
        if self.closing || acting.phase != Phase::Up || acting.life != life {
            return;
        }
        let Some(actor) = acting.agents.get(agent).filter(|a| !a.ended && a.pending.is_none())
        else {
            return;
        };
        let (model, random, now) = (&mut self.model, &mut acting.random, self.now);
        let unsure = &mut acting.unsure;
        match (
            Choice { plan, agent: actor, model, random, now, unsure }.next(acting.plan.role),
            agent,
        ) {
            (Act::Call(op), _) => self.send(program, agent, op),
            (Act::Leave, 0) => self.leave(program),
            (Act::Leave, _) => self.end_thread(program, agent),
        }
    }

    /// A thread of a program makes a call.
    pub(super) fn send(&mut self, program: usize, agent: usize, op: Op) {
        let Some(line) = self.line_of(program, agent) else {
            return self.fails_to_connect(program);
        };
        let number = self.number();
        let counts = self.is_served(line);
        let (now, plan) = (self.now, self.plan);
        let calling = self.programs.get_mut(program).expect("programs are never forgotten");
        let name = calling.name();
        let ident = calling.idents.get(op.queue().0).cloned().unwrap_or_default();
        if let Some(actor) = calling.agents.get_mut(agent) {
            let model = counts.then_some(&mut self.model);
            actor.begins(now, plan, number, op.clone(), model);
        }
        self.trace.say(now, || format!("{name} over line {line}: {op}"));
        let at = {
            let line = self.line(line);
            line.under_way += 1;
            line.up(now, plan.latency)
        };
        self.at(at, Event::Request { line, asked: Asked { number, op, ident } });
    }

    /// The connection of a thread, opened if need be; `None` if nobody listens.
    fn line_of(&mut self, program: usize, agent: usize) -> Option<usize> {
        let opener = self.programs.get_mut(program)?;
        if let Some(line) = opener.agents.get(agent)?.line {
            return Some(line);
        }
        self.manager.as_ref()?;
        let number = opener.plan.number;
        let peer = match (opener.plan.role, agent) {
            (Role::Native, _) => Peer::native(&format!("piecework/1 {number}")),
            (_, 0) => Peer::stock(&format!("Process-{number}"), "10.0.0.1"),
            (_, thread) => Peer::stock(&format!("Process-{number}|Thread-{thread}"), "10.0.0.1"),
        };
        let line = self.lines.len();
        let stream = (number << 32) + (opener.life << 8) + agent as u64 + 1;
        let random = Random::new(self.plan.chance, stream);
        self.lines.push(Line::new(program, agent, self.run, peer, random));
        opener.agents.get_mut(agent)?.line = Some(line);
        Some(line)
    }

    /// Nobody listens: a stock program ends with the exception, a native one tries again.
    fn fails_to_connect(&mut self, program: usize) {
        match self.program(program).plan.role {
            Role::Native => self.think(program, 0),
            _ => self.leave(program),
        }
    }

    pub(super) fn reply(&mut self, line: usize, number: u64, reply: &Reply) {
        let at = self.line(line);
        if !at.open || at.cut_down {
            return;
        }
        let (program, agent, counts) = (at.program, at.agent, at.run);
        let counts = counts == self.run;
        let (now, plan) = (self.now, self.plan);
        let waiting = self.programs.get_mut(program).expect("programs are never forgotten");
        let name = waiting.name();
        let Some(actor) = waiting.agents.get_mut(agent) else { return };
        self.trace.say(now, || format!("{name} over line {line} gets {}", brief(reply)));
        match actor.pending.take() {
            Some(pending) if pending.number == number => {
                actor.ends(now, plan, pending, reply, counts, &mut self.model);
                self.think(program, agent);
            }
            // The reply to a call that was interrupted: nobody expected that one.
            pending => {
                self.trace.count("stale replies");
                actor.pending = pending;
                actor.confused = true;
            }
        }
    }

    /// A program learns that its connection has ended.
    pub(super) fn broken(&mut self, line: usize) {
        let at = self.line(line);
        let (program, agent) = (at.program, at.agent);
        if !std::mem::replace(&mut at.open, false) {
            return;
        }
        let loser = self.program(program);
        let name = loser.name();
        let native = loser.plan.role == Role::Native;
        if loser.phase == Phase::Up {
            if native && let Some(agent) = loser.agents.get_mut(agent) {
                *agent = Agent::default();
                self.think(program, 0);
            } else if agent > 0 {
                self.end_thread(program, agent);
            } else if self.random.chance(85) {
                self.leave(program);
            } else {
                self.kill(program);
            }
        }
        self.say(|| format!("{name} finds line {line} broken"));
    }

    /// A thread of a program ends; its process lives on.
    pub(super) fn end_thread(&mut self, program: usize, agent: usize) {
        let ending = self.program(program);
        let name = ending.name();
        let Some(thread) = ending.agents.get_mut(agent) else { return };
        thread.ended = true;
        thread.pending = None;
        self.say(|| format!("thread {agent} of {name} ends"));
        self.parts(program, agent);
        self.close_line(program, agent, Duration::ZERO, false);
    }

    /// A program begins to end in good order: it releases its proxies before its connections close.
    pub(super) fn leave(&mut self, program: usize) {
        let leaving = self.program(program);
        if leaving.phase != Phase::Up {
            return;
        }
        leaving.phase = Phase::Leaving;
        let (life, name) = (leaving.life, leaving.name());
        let agents = leaving.agents.len();
        self.trace.count("orderly ends");
        self.say(|| format!("{name} leaves"));
        for agent in 0..agents {
            self.parts(program, agent);
            // Some wait for their threads, with others those end with the process.
            if agent > 0 && self.random.chance(50) {
                self.close_line(program, agent, Duration::ZERO, false);
            }
        }
        self.later(self.plan.latency, Event::Decref { program, life, proxy: 0 });
    }

    /// What this thread got may be taken as done from now on.
    pub(super) fn parts(&mut self, program: usize, agent: usize) {
        let plan = self.plan;
        let Some(leaver) = self.programs.get(program).and_then(|one| one.agents.get(agent)) else {
            return;
        };
        let Some(line) = leaver.line.filter(|line| self.is_current(*line)) else { return };
        let acked =
            |held: &&crate::sim::agent::Held| !held.by_id && plan.queue(held.queue).is_auto();
        leaver.held.iter().filter(acked).for_each(|held| self.model.doubt(held.key));
        self.model.leaves(line);
        self.line(line).blind = true;
    }

    pub(super) fn decref(&mut self, program: usize, life: u64, proxy: usize) {
        let leaving = self.program(program);
        if leaving.phase != Phase::Leaving || leaving.life != life {
            return;
        }
        let ident = leaving.idents.get(proxy).cloned().unwrap_or_default();
        self.say(|| format!("{ident} is released"));
        // Where nobody listens, Python's exit handlers give up without a word.
        self.with_manager(|manager, now, around| manager.decref(now, &ident, around));
        let next = match proxy + 1 < NAMES.len() {
            true => Event::Decref { program, life, proxy: proxy + 1 },
            false => Event::Close { program, life },
        };
        self.later(self.plan.latency * 2, next);
    }

    pub(super) fn close(&mut self, program: usize, life: u64) {
        let leaving = self.program(program);
        if leaving.phase != Phase::Leaving || leaving.life != life {
            return;
        }
        self.down(program, Duration::ZERO, false);
    }

    /// A program is killed. What its threads hold may be lost with it only where the manager cannot
    /// know that they died: where their main thread made no calls, or was just making one.
    pub(super) fn kill(&mut self, program: usize) {
        let now = self.now;
        let killed = self.program(program);
        if killed.phase == Phase::Down {
            return;
        }
        let (name, watched) = (killed.name(), killed.plan.watched);
        let lines: Vec<_> = killed.agents.iter().map(|agent| agent.line).collect();
        let used = killed.agents.first().map_or([false; 3], |main| main.used);
        let threads: Vec<Vec<Q>> = killed
            .agents
            .iter()
            .map(|agent| agent.held.iter().map(|held| held.queue).collect())
            .collect();
        self.trace.count("kills");
        self.say(|| format!("{name} is killed"));
        let prompt = lines.iter().flatten().all(|line| {
            self.is_served(*line) && self.lines.get(*line).is_some_and(|line| line.is_prompt(now))
        });
        for (agent, queues) in threads.iter().enumerate().skip(1) {
            let known = |queue: &Q| used.get(queue.0).copied().unwrap_or_default();
            // What is on its way to it comes from a queue that it waits for.
            let told =
                watched || (lines.first().is_some_and(Option::is_some) && queues.iter().all(known));
            if !prompt || !told || !self.is_idle(program, agent) {
                self.parts(program, agent);
            }
        }
        self.down(program, DEATH_MAX, watched);
    }

    fn is_idle(&self, program: usize, agent: usize) -> bool {
        let agent = self.programs.get(program).and_then(|one| one.agents.get(agent));
        agent.is_some_and(|agent| agent.pending.is_none())
    }

    /// The process of a program is gone: its connections end, and somebody will start it again.
    fn down(&mut self, program: usize, within: Duration, told: bool) {
        let ended = self.program(program);
        ended.phase = Phase::Down;
        let agents = ended.agents.len();
        (0..agents).for_each(|agent| self.close_line(program, agent, within, told));
        self.later(RESTART_MAX, Event::Boot { program });
    }

    fn close_line(&mut self, program: usize, agent: usize, within: Duration, process: bool) {
        let line = self.program(program).agents.get(agent).and_then(|agent| agent.line);
        let Some(line) = line else { return };
        let after = self.random.time(within);
        let (now, latency) = (self.now, self.plan.latency);
        let at = self.line(line);
        if !std::mem::replace(&mut at.open, false) {
            return;
        }
        let arrives = at.up(now + after, latency);
        self.model.line_ends(line);
        self.at(arrives, Event::Eof { line, process });
    }
}
