//! One connection: whose it is, and what is on its way over it.

use super::random::Random;
use piecework_state::{Peer, Time};
use std::time::Duration;

/// A connection between a program and a manager.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) program: usize,
    pub(super) agent: usize,
    /// Which of the managers it leads to, one after the other.
    pub(super) run: u64,
    pub(super) peer: Peer,
    /// Whether the program has it open still.
    pub(super) open: bool,
    /// Whether the manager has it open still, as far as that one lives.
    pub(super) served: bool,
    /// What is on its way in this direction does not arrive any more.
    pub(super) cut_up: bool,
    pub(super) cut_down: bool,
    /// Nothing arrives before this moment.
    pub(super) stalled: Time,
    /// Whoever is at its end may have missed a reply.
    pub(super) blind: bool,
    /// Requests on their way.
    pub(super) under_way: usize,
    last_up: Time,
    last_down: Time,
    random: Random,
}

impl Line {
    pub(super) fn new(program: usize, agent: usize, run: u64, peer: Peer, random: Random) -> Self {
        Self {
            program,
            agent,
            run,
            peer,
            open: true,
            served: true,
            cut_up: false,
            cut_down: false,
            stalled: Time::default(),
            blind: false,
            under_way: 0,
            last_up: Time::default(),
            last_down: Time::default(),
            random,
        }
    }

    /// When something that is sent to the manager now arrives: after all that was sent before.
    pub(super) fn up(&mut self, now: Time, latency: Duration) -> Time {
        let at = now + self.random.time(latency);
        self.last_up = at.max(self.stalled).max(self.last_up);
        self.last_up
    }

    /// The same the other way.
    pub(super) fn down(&mut self, now: Time, latency: Duration) -> Time {
        let at = now + self.random.time(latency);
        self.last_down = at.max(self.stalled).max(self.last_down);
        self.last_down
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut_up || self.cut_down
    }

    /// Whether what happens to the program arrives at the manager soon.
    pub(super) fn is_prompt(&self, now: Time) -> bool {
        !self.is_cut() && self.stalled <= now && self.under_way == 0 && self.served && !self.blind
    }
}
