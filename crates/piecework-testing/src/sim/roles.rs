//! What the programs do: for each role, the next call of somebody who holds this and may do that.

use super::agent::Agent;
use super::model::Model;
use super::op::{Key, Op, Patience};
use super::plan::{Mode, Plan, Q, RESULT, Role, SIDE, TASK};
use super::random::Random;
use piecework_state::{Settle, Take, Time};
use std::time::Duration;

/// What a program does next.
#[derive(Debug)]
pub(super) enum Act {
    Call(Op),
    /// It ends in good order; a thread ends.
    Leave,
}

/// So many payloads are enough for one life: what is checked grows with them.
const KEYS_MAX: usize = 120;

/// The longest that somebody waits who does not wait for ever.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// By then a put has arrived, and whatever was cut is known to be: the key of a put that is tried
/// again must be remembered for so long.
const ARRIVES_MAX: Duration = Duration::from_secs(45);

/// What the choice of the next call depends on.
pub(super) struct Choice<'a> {
    pub(super) plan: &'a Plan,
    pub(super) agent: &'a Agent,
    pub(super) model: &'a mut Model,
    pub(super) random: &'a mut Random,
    pub(super) now: Time,
    /// What was put and may not have arrived.
    pub(super) unsure: &'a mut Vec<(Key, Time)>,
}

impl Choice<'_> {
    pub(super) fn next(&mut self, role: Role) -> Act {
        if self.agent.confused || self.random.below(150) == 0 {
            return Act::Leave;
        }
        Act::Call(match role {
            Role::Master => self.master(),
            Role::Worker => self.worker(),
            Role::Mover => self.mover(),
            Role::Native => self.native(),
        })
    }

    fn master(&mut self) -> Op {
        let holds = self.agent.holds_on(RESULT) > 0;
        let may_put = self.model.len() < KEYS_MAX;
        match self.random.below(100) {
            0..=39 if holds && !self.plan.queue(RESULT).is_auto() => self.settle_oldest(RESULT),
            40..=49 if may_put || !self.unsure.is_empty() => self.put_once(TASK),
            50..=89 if may_put => self.put(TASK),
            90 => Op::Qsize(TASK),
            91 => Op::Join(TASK),
            _ => self.take(RESULT),
        }
    }

    fn worker(&mut self) -> Op {
        let task = self.plan.queue(TASK).mode;
        let holds = self.agent.holds_on(TASK);
        match self.random.below(100) {
            _ if holds == 0 && (task != Mode::None || self.random.chance(60)) => self.take(TASK),
            0..=69 if task != Mode::Explicit => self.answer(holds),
            70..=79 => self.take(TASK),
            80..=83 if task == Mode::Auto => self.answer(holds),
            84..=94 if task == Mode::Answered => self.answer(holds),
            _ if holds > 0 => self.settle_oldest(TASK),
            _ => self.take(TASK),
        }
    }

    fn mover(&mut self) -> Op {
        let holds = self.agent.holds_on(SIDE) > 0;
        let may_put = self.model.len() < KEYS_MAX;
        match self.random.below(100) {
            0..=39 if holds => self.settle_oldest(SIDE),
            40..=74 if may_put => self.put(SIDE),
            75 => Op::Qsize(SIDE),
            76 => Op::Join(SIDE),
            _ => self.take(SIDE),
        }
    }

    fn native(&mut self) -> Op {
        let held = self.agent.held.len();
        let leases = held < 6 && self.random.chance(if held == 0 { 100 } else { 30 });
        if leases {
            let queue = self.random.pick(&[TASK, TASK, SIDE]);
            let max = 1 + self.random.index(4);
            return Op::Take { queue, max, style: Take::Leases, patience: self.patience() };
        }
        let at = self.random.index(held);
        let held = *self.agent.held.get(at).expect("an index below the length");
        let (queue, item) = (held.queue, held.item);
        let settle = |how| Op::Settle { queue, item, how };
        match self.random.below(100) {
            0..=59 if queue == TASK => {
                let key = self.model.new_key(self.now, RESULT, Some(held.key));
                Op::Answer { queue, item, to: RESULT, key }
            }
            0..=69 if queue == SIDE => settle(Settle::Ack),
            70..=74 => settle(Settle::Ack),
            75..=84 => settle(Settle::Release),
            85..=89 => Op::Renew(queue, item),
            _ => settle(Settle::Nack),
        }
    }

    fn patience(&mut self) -> Patience {
        match self.random.below(10) {
            0 | 1 => Patience::No,
            2..=7 => Patience::For(self.random.time(WAIT_MAX)),
            _ => Patience::Endless,
        }
    }

    fn take(&mut self, queue: Q) -> Op {
        let patience = self.patience();
        match self.random.chance(20) {
            true => Op::Take { queue, max: 1 + self.random.index(3), style: Take::Many, patience },
            false => Op::Take { queue, max: 1, style: Take::Item, patience },
        }
    }

    /// Puts something new.
    fn put(&mut self, queue: Q) -> Op {
        let maxsize = self.plan.queue(queue).maxsize;
        let most = if maxsize == 0 { 4 } else { maxsize.min(4) };
        let count = if self.random.chance(25) { 1 + self.random.index(most) } else { 1 };
        let keys = (0..count).map(|_| self.model.new_key(self.now, queue, None)).collect();
        let delay = self.random.chance(10).then(|| self.random.time(WAIT_MAX));
        let patience = if delay.is_some() { Patience::No } else { self.patience() };
        Op::Put { queue, keys, delay, patience }
    }

    /// Puts again what may not have arrived, or something new, so that it can be put again.
    fn put_once(&mut self, queue: Q) -> Op {
        let window = self.plan.queue(queue).once;
        let again =
            self.unsure.pop().filter(|(_, since)| self.now + ARRIVES_MAX <= *since + window);
        let key = again.map(|(key, _)| key).unwrap_or_else(|| {
            let key = self.model.new_key(self.now, queue, None);
            self.model.put_once(key);
            key
        });
        // Whoever waited for longer than the key is remembered would put twice.
        let patience = match self.random.chance(30) {
            true => Patience::No,
            false => Patience::For(self.random.time(WAIT_MAX)),
        };
        Op::PutOnce { queue, key, patience }
    }

    /// Puts results of the oldest tasks that it holds; or of nothing, where none is held.
    fn answer(&mut self, holds: usize) -> Op {
        let maxsize = self.plan.queue(RESULT).maxsize;
        let most = holds.clamp(1, if maxsize == 0 { 4 } else { maxsize });
        let count = if self.random.chance(50) { most } else { 1 };
        let tasks = self.agent.answered_by(self.plan, RESULT, count);
        let mut tasks = tasks.into_iter();
        let keys = (0..count).map(|_| self.model.new_key(self.now, RESULT, tasks.next())).collect();
        Op::Put { queue: RESULT, keys, delay: None, patience: self.patience() }
    }

    /// Does something to the oldest item that it holds.
    fn settle_oldest(&mut self, queue: Q) -> Op {
        let lease = self.plan.queue(queue).lease;
        let oldest = self.agent.oldest(queue).expect("it holds something");
        let answered = queue == TASK && self.plan.queue(TASK).mode == Mode::Answered;
        match self.random.below(100) {
            0..=44 if !answered => Op::Ack(queue),
            45..=64 if !answered => Op::TaskDone(queue),
            0..=1 => Op::Ack(queue),
            // It pays for what is acked first: where leases run out, no client knows what that is.
            2..=3 if lease.is_none() => Op::TaskDone(queue),
            4..=84 => {
                Op::Nack(queue, self.random.pick(&[Duration::ZERO, Duration::from_millis(300)]))
            }
            // A lease that has run out would make a put of it an item of its own.
            85..=92 if lease.is_none() => Op::HandBack { queue, key: oldest.key },
            _ => Op::Extend(queue, lease.unwrap_or(WAIT_MAX)),
        }
    }
}
