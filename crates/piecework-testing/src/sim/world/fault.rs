//! What befalls the programs, the network and the manager.

use super::{Event, Phase, World};
use crate::sim::op::{Op, Patience};
use crate::sim::plan::{Befalls, Fault, Role, SIDE, TASK};
use crate::sim::random::Random;
use piecework_state::{Call, Take, Which};
use std::time::Duration;

/// A connection that is cut without a word is given up after this time at most.
const NOTICED_MAX: Duration = Duration::from_secs(30);

/// What is on its way is held up for this long at most.
const STALL_MAX: Duration = Duration::from_secs(5);

/// A disk that is full has room for so many bytes at most.
const ROOM_MAX: u64 = 300;

/// After this time at the most, somebody has made room.
const FULL_MAX: Duration = Duration::from_secs(3);

impl World<'_> {
    /// Lets a fault befall somebody.
    pub(super) fn befalls(&mut self, fault: &Fault) {
        let mut random = Random::new(self.plan.chance, fault.number << 48);
        let what = fault.what;
        self.say(|| format!("-- {what:?}"));
        match what {
            Befalls::KillManager if self.manager.is_some() => {
                self.trace.count("kills of the manager");
                self.crash(false);
            }
            Befalls::CrashMachine if self.manager.is_some() => {
                self.trace.count("losses of power");
                self.crash(true);
            }
            Befalls::StopManager if self.manager.is_some() => {
                self.trace.count("orderly stops of the manager");
                self.stop();
            }
            Befalls::KillManager | Befalls::CrashMachine | Befalls::StopManager => {}
            Befalls::FailCommit { written } => self.fails = Some(written),
            Befalls::SlowCommit => self.slow = true,
            Befalls::FillDisk => {
                self.trace.count("full disks");
                let run = self.run;
                self.set_room(random.below(ROOM_MAX));
                self.later(FULL_MAX, Event::Room { run });
            }
            Befalls::Purge => {
                self.model.purged(SIDE);
                self.administer(|ids| Call::Purge(ids(SIDE)));
            }
            Befalls::Revive => {
                self.model.revived(self.now);
                for queue in [TASK, SIDE] {
                    let revive = |queue| Call::Revive { queue, which: Which::All };
                    self.administer(|ids| revive(ids(queue)));
                }
            }
            _ => self.befalls_program(what, &mut random),
        }
    }

    /// The engine has room for so many bytes.
    pub(super) fn set_room(&mut self, room: u64) {
        if let Some(manager) = &mut self.manager {
            manager.ledger.set_room(room);
        }
    }

    fn administer(
        &mut self,
        call: impl FnOnce(&dyn Fn(crate::sim::plan::Q) -> piecework_state::QueueId) -> Call,
    ) {
        self.with_manager(|manager, now, around| {
            let call = call(&|queue| manager.id(queue));
            manager.administer(now, call, around)
        });
    }

    fn befalls_program(&mut self, what: Befalls, random: &mut Random) {
        let up =
            |program: &usize| self.programs.get(*program).is_some_and(|p| p.phase == Phase::Up);
        let up: Vec<usize> = (0..self.programs.len()).filter(up).collect();
        if up.is_empty() {
            return;
        }
        let program = random.pick(&up);
        let agents = self.program(program).agents.len();
        let agent = random.index(agents);
        match what {
            Befalls::Kill => self.kill(program),
            Befalls::Exit => self.leave(program),
            Befalls::EndThread if agent > 0 => self.end_thread(program, agent),
            Befalls::Cut => self.cut(program, agent, random),
            Befalls::Stall => {
                let until = self.now + random.time(STALL_MAX);
                if let Some(line) = self.line_at(program, agent) {
                    self.line(line).stalled = until;
                }
            }
            Befalls::Interrupt => self.interrupt(program, random),
            Befalls::Orphan => self.orphan(program),
            _ => {}
        }
    }

    fn line_at(&self, program: usize, agent: usize) -> Option<usize> {
        self.programs.get(program)?.agents.get(agent)?.line
    }

    /// The connection is cut, and each end learns of it in its own time.
    fn cut(&mut self, program: usize, agent: usize, random: &mut Random) {
        let Some(line) = self.line_at(program, agent).filter(|line| self.is_served(*line)) else {
            return;
        };
        self.trace.count("cuts");
        let at = self.line(line);
        at.cut_up = random.chance(70);
        at.cut_down = !at.cut_up || random.chance(70);
        if agent > 0 {
            // To the manager it is as if the thread had ended.
            self.parts(program, agent);
        }
        let [up, down] = [random.time(NOTICED_MAX), random.time(NOTICED_MAX)];
        self.at(self.now + up, Event::Eof { line, process: false });
        self.at(self.now + down, Event::Broken { line });
    }

    /// A call of a stock program is interrupted, and it makes another one, or ends.
    fn interrupt(&mut self, program: usize, random: &mut Random) {
        let hit = self.program(program);
        let stock = hit.plan.role != Role::Native;
        let Some(main) = hit.agents.first_mut().filter(|main| stock && main.pending.is_some())
        else {
            return;
        };
        let was = main.pending.take().map(|pending| pending.op);
        main.confused |= random.chance(50);
        let Some(line) = main.line else { return };
        self.say(|| format!("the call over line {line} is interrupted"));
        match was {
            Some(Op::Take { queue, .. }) => {
                self.parts(program, 0);
                let patience = Patience::For(Duration::from_millis(100));
                let again = Op::Take { queue, max: 1, style: Take::Item, patience };
                let next = if random.chance(50) { again } else { Op::Qsize(queue) };
                self.send(program, 0, next);
            }
            // Nobody can know whether it took effect.
            _ => self.leave(program),
        }
    }

    /// The process that opened a connection ends; a child has inherited it, and goes on.
    fn orphan(&mut self, program: usize) {
        let now = self.now;
        let Some(line) = self.line_at(program, 0).filter(|line| self.is_served(*line)) else {
            return;
        };
        let prompt = self.lines.get(line).is_some_and(|line| line.is_prompt(now) && line.open);
        let stock = self.program(program).plan.role != Role::Native;
        if !prompt || !stock {
            return;
        }
        self.say(|| format!("the process behind line {line} ends, and a child goes on"));
        self.parts(program, 0);
        if let Some(main) = self.program(program).agents.first_mut() {
            main.inherits();
        }
        self.with_manager(|manager, now, around| manager.orphan(now, line, around));
    }
}
