//! What the manager does: it serves what arrives, keeps what it decided, stops and starts.

use super::{Event, World};
use crate::sim::manager::{Asked, Committer, Manager, Written};
use crate::sim::model::{Lasts, Sent};
use crate::sim::op::{Op, brief, carried};
use piecework_state::Take;
use std::time::Duration;

/// The hub's own steps are as far apart as threads and tasks that wait for a core.
const STEP_MAX: Duration = Duration::from_micros(300);

/// A timer wakes that much late at most.
const LATE_MAX: Duration = Duration::from_millis(3);

/// A manager is down for this long at most.
const DOWN_MAX: Duration = Duration::from_secs(2);

/// A disk that has other things to do takes this long at most.
const SLOW_MAX: Duration = Duration::from_secs(3);

/// Handles of one manager have numbers below those of the next.
const HANDLES: u64 = 1_000_000;

/// What is kept is compared with what there is each so many commits.
const COMPARE_EVERY: u64 = 6;

impl World<'_> {
    /// The manager starts with what was kept.
    pub(super) fn start(&mut self) {
        self.run += 1;
        let state = self.storage.load(self.run * HANDLES, Manager::limits(self.plan));
        let kept = self.storage.kept();
        self.storage.compare(&state);
        self.say(|| format!("the manager starts with {} records", kept.len()));
        state.check();
        for queue in state.queue_stats(self.now) {
            let counted = (queue.ready + queue.delayed) as u64;
            assert_eq!((queue.leased, queue.unfinished), (0, counted), "after a start: {queue:?}");
        }
        self.model.restarted(self.now, &kept);
        self.manager = Some(Manager::start(state, self.plan));
        self.look_after_manager();
    }

    /// Sets the timer, and lets the committer and the connections know of their work.
    pub(super) fn look_after_manager(&mut self) {
        let Some(manager) = &mut self.manager else { return };
        let lines = std::mem::take(&mut manager.to_write);
        let run = self.run;
        let work = manager.ledger.has_batch() && manager.committer == Committer::Idle;
        if work {
            manager.committer = Committer::Called;
            self.later(STEP_MAX, Event::TakeBatch { run });
        }
        lines.into_iter().for_each(|line| self.later(STEP_MAX, Event::Write { line }));
    }

    pub(super) fn arm(&mut self) {
        let next = self.manager.as_ref().and_then(|manager| manager.ledger.state.next_deadline());
        if self.timer.map(|(deadline, _)| deadline) != next {
            let late = self.random.time(LATE_MAX);
            self.timer = next.map(|deadline| (deadline, deadline.max(self.now) + late));
        }
    }

    pub(super) fn tick(&mut self) {
        self.timer = None;
        self.say(|| "the timer wakes".to_owned());
        self.with_manager(|manager, now, around| manager.tick(now, around));
    }

    pub(super) fn request(&mut self, line: usize, asked: Asked) {
        let served = self.is_served(line);
        let at = self.line(line);
        at.under_way -= 1;
        if !served || at.cut_up {
            return;
        }
        let peer = at.peer.clone();
        self.with_manager(|manager, now, around| manager.request(now, line, &peer, asked, around));
    }

    pub(super) fn write(&mut self, line: usize) {
        if !self.is_served(line) {
            return;
        }
        let gone = self.random.chance(30);
        let (now, latency) = (self.now, self.plan.latency);
        let at = self.line(line);
        let (blind, gone) = (at.blind, gone && (at.is_cut() || !at.open));
        let written =
            self.with_manager(|manager, now, around| manager.write(now, line, gone, around));
        match written.flatten() {
            Some(Written::Sent(asked, reply)) => {
                self.say(|| format!("to line {line}: {}", brief(&reply)));
                let by_id = matches!(asked.op, Op::Take { style: Take::Leases, .. });
                let ends = self.plan.queue(asked.op.queue()).lease.is_some();
                for delivery in carried(&reply) {
                    let manager = self.manager.as_ref().filter(|_| ends);
                    let lease = manager.map_or(Lasts::On, |manager| manager.lasts(line, delivery));
                    self.model.left(now, delivery, Sent { line, by_id, blind, lease });
                }
                let closed = !self.line(line).open;
                if closed {
                    // Nobody is there to have it, so others may.
                    self.model.line_ends(line);
                }
                let arrives = self.line(line).down(now, latency);
                let number = asked.number;
                self.at(arrives, Event::Reply { line, number, reply });
            }
            Some(Written::TakenBack) => {
                self.say(|| format!("a reply to line {line} is taken back"));
                if gone {
                    self.line(line).served = false;
                    self.model.line_ends(line);
                }
            }
            None => {}
        }
    }

    /// The manager learns that a connection has ended.
    pub(super) fn eof(&mut self, line: usize, process: bool) {
        if !self.is_served(line) {
            return;
        }
        self.say(|| format!("line {line} has ended"));
        let thread = self.line(line).peer.is_thread();
        let later = self.random.chance(70);
        self.line(line).served = false;
        self.with_manager(|manager, now, around| {
            if process && thread {
                manager.process_ended(line);
            }
            manager.eof(now, line, later, around);
        });
        match later {
            true => self.later(STEP_MAX, Event::End { line }),
            false => self.model.line_ends(line),
        }
    }

    pub(super) fn end_session(&mut self, line: usize) {
        if self.is_current(line) {
            self.model.line_ends(line);
            self.with_manager(|manager, now, around| manager.end(now, line, around));
        }
    }

    /// The committer looks for work.
    pub(super) fn take_batch(&mut self) {
        let Some(manager) = &mut self.manager else { return };
        if !manager.ledger.take_batch(&mut manager.batch) {
            manager.committer = Committer::Idle;
            return;
        }
        manager.fetches = manager.ledger.take_fetches();
        manager.committer = Committer::Writing;
        let records = manager.batch.len();
        self.say(|| format!("{records} records are being kept"));
        let most = if std::mem::take(&mut self.slow) { SLOW_MAX } else { self.plan.commit };
        let run = self.run;
        self.later(most, Event::Commit { run });
    }

    /// The engine has kept a batch, or not.
    pub(super) fn commit(&mut self) {
        let Some(manager) = &mut self.manager else { return };
        let run = self.run;
        // What is delivered may be gone with this batch.
        let batch = &manager.batch;
        let fetched = manager.fetches.drain(..).map(|fetch| {
            let bytes = self.storage.payload(batch, fetch.item);
            (fetch, bytes)
        });
        manager.fetched = fetched.collect();
        let failed = self.fails.take();
        if failed != Some(false) {
            self.storage.commit(self.now, &manager.batch);
        }
        if let Some(written) = failed {
            manager.ledger.lose();
            self.trace.count("failed commits");
            self.say(|| format!("the commit fails; it is written: {written}"));
            return self.later(Duration::from_millis(50), Event::Crash { run });
        }
        manager.committer = Committer::Written;
        self.later(STEP_MAX, Event::Kept { run });
    }

    /// The hub hears that a batch is kept.
    pub(super) fn kept(&mut self) {
        self.with_manager(|manager, _, around| {
            manager.committer = Committer::Idle;
            manager.kept(around);
        });
        let compares = self.random.below(COMPARE_EVERY) == 0;
        let Some(manager) = &mut self.manager else { return };
        if manager.is_quiet() && compares {
            self.storage.compare(&manager.ledger.state);
        }
    }

    /// The manager is gone, from one moment to the next; its machine too, if `power` is lost.
    pub(super) fn crash(&mut self, power: bool) {
        let Some(manager) = self.manager.take() else { return };
        self.say(|| format!("the manager is gone; power is lost: {power}"));
        manager.crashed(&mut self.model);
        if manager.committer == Committer::Writing
            && !manager.ledger.is_lost()
            && self.random.chance(50)
        {
            self.storage.commit(self.now, &manager.batch);
        }
        if power {
            let random = &mut self.random;
            let forgotten =
                self.storage.lose_power(self.now, |unsynced| random.index(unsynced + 1));
            if !forgotten.is_empty() {
                self.trace.count("losses of power that forgot something");
            }
            self.model.forget(forgotten);
        }
        self.hang_up(power);
    }

    /// The manager stops in good order.
    pub(super) fn stop(&mut self) {
        let Some(manager) = &mut self.manager else { return };
        if manager.ledger.is_lost() {
            return self.crash(false);
        }
        self.say(|| "the manager stops".to_owned());
        self.with_manager(|manager, now, around| manager.stop(now, around));
        let Some(mut manager) = self.manager.take() else { return };
        if manager.committer == Committer::Writing {
            self.storage.commit(self.now, &manager.batch);
        }
        if matches!(manager.committer, Committer::Writing | Committer::Written) {
            manager.ledger.kept();
            let told = manager.ledger.leave();
            assert!(told.is_empty(), "every session has ended: {told:?}");
        }
        while manager.ledger.take_batch(&mut manager.batch) {
            // Those they were for have gone.
            drop(manager.ledger.take_fetches());
            self.storage.commit(self.now, &manager.batch);
            manager.ledger.kept();
        }
        self.storage.compare(&manager.ledger.state);
        self.hang_up(false);
    }

    /// What a manager that is gone leaves: connections whose ends will be seen, and another one
    /// that starts in its place.
    fn hang_up(&mut self, power: bool) {
        self.storage.close();
        self.timer = None;
        let seen = Duration::from_millis(if power { 5_000 } else { 50 });
        for line in 0..self.lines.len() {
            let run = self.run;
            let at = self.line(line);
            if at.run == run && at.served {
                at.served = false;
                at.cut_down |= power;
                self.later(seen, Event::Broken { line });
            }
        }
        self.later(DOWN_MAX, Event::Start);
    }
}
