//! What is hit when: an endless list of blows that follows from the seed alone.

use std::time::Duration;

/// Who is hit.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Target {
    Manager,
    Master,
    Collector,
    PythonWorker,
    PieceworkWorker,
    /// A process that a worker has started: a guard, a command, a child by `multiprocessing`.
    Child,
}

/// What happens to a connection in the proxy.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Fault {
    /// Both ends see an orderly end of stream.
    Cut,
    /// Both ends see a reset, and lose what was on its way.
    Reset,
    /// The manager sees an end of stream; its own words still arrive.
    ManagerHearsNoMore,
    /// The client sees an end of stream; its own words still arrive.
    ClientHearsNoMore,
    /// Nothing passes for a while, then all of it does.
    Stall,
    /// Nothing passes for a while, then the connection is reset.
    StallAndReset,
}

/// One blow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Blow {
    Kill(Target),
    /// Kills, and kills again so long after it was started anew: in the middle of its start.
    KillTwice(Target, Duration),
    Terminate(Target),
    /// STOP, and CONT after so long.
    Stop(Target, Duration),
    /// A connection's fault, which lasts so long if it is one that lasts.
    Connection(Fault, Duration),
}

/// A blow, its time after the last one, and which of several it hits: the `nth` modulo their count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) pause: Duration,
    pub(crate) blow: Blow,
    pub(crate) nth: usize,
}

/// How often each kind of blow comes, of the sum of all. Two in three kill.
const BLOWS: [(Hand, u64); 5] = [
    (Hand::Kill, 8),
    (Hand::KillTwice, 2),
    (Hand::Terminate, 4),
    (Hand::Stop, 3),
    (Hand::Connection, 4),
];

#[derive(Clone, Copy)]
enum Hand {
    Kill,
    KillTwice,
    Terminate,
    Stop,
    Connection,
}

/// How often each target is hit. The manager's share lets it live for some seconds as a rule, long
/// enough for its clients to find it again and to be in the middle of their work.
const TARGETS: [(Target, u64); 6] = [
    (Target::Manager, 3),
    (Target::Master, 4),
    (Target::Collector, 3),
    (Target::PythonWorker, 7),
    (Target::PieceworkWorker, 3),
    (Target::Child, 4),
];

const FAULTS: [(Fault, u64); 6] = [
    (Fault::Cut, 3),
    (Fault::Reset, 3),
    (Fault::ManagerHearsNoMore, 2),
    (Fault::ClientHearsNoMore, 2),
    (Fault::Stall, 2),
    (Fault::StallAndReset, 2),
];

/// How long a stopped process or a stalled connection rests at most: longer than a task, so that
/// others go on meanwhile, and short enough for a few of them at a time.
const REST_MS_MAX: u64 = 1_500;

/// How long a process that is killed at its start lives at most: a manager opens its files in some
/// milliseconds, a Python is at its first connection after some tens.
const DOOM_MS_MAX: u64 = 120;

/// The steps of a bout.
#[derive(Debug)]
pub(crate) struct Schedule {
    state: u64,
    pause: Duration,
}

impl Schedule {
    /// The steps of this seed, with this pause between two of them on average.
    pub(crate) fn new(seed: u64, pause: Duration) -> Self {
        Self { state: seed, pause }
    }

    /// The next number of this seed, by splitmix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn pick<T: Copy>(&mut self, weighted: &[(T, u64)]) -> T {
        let sum: u64 = weighted.iter().map(|(_, weight)| weight).sum();
        let mut left = self.random() % sum;
        let found = weighted.iter().find(|(_, weight)| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        });
        found.expect("less than the sum of the weights").0
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        // Evenly from nothing to twice the pause: some blows fall together, some leave room.
        let pause = self.pause.mul_f64((self.random() % 2_001) as f64 / 1_000.0);
        let hand = self.pick(&BLOWS);
        let target = self.pick(&TARGETS);
        let fault = self.pick(&FAULTS);
        let rest = Duration::from_millis(self.random() % REST_MS_MAX);
        let doom = Duration::from_millis(self.random() % DOOM_MS_MAX);
        let blow = match hand {
            Hand::Kill => Blow::Kill(target),
            Hand::KillTwice => Blow::KillTwice(target, doom),
            Hand::Terminate => Blow::Terminate(target),
            Hand::Stop => Blow::Stop(target, rest),
            Hand::Connection => Blow::Connection(fault, rest),
        };
        Some(Step { pause, blow, nth: (self.random() >> 32) as usize })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PAUSE: Duration = Duration::from_millis(400);

    fn steps(seed: u64, count: usize) -> Vec<Step> {
        Schedule::new(seed, PAUSE).take(count).collect()
    }

    #[test]
    fn a_seed_says_all() {
        assert_eq!(steps(7, 100), steps(7, 100));
        assert_ne!(steps(7, 100), steps(8, 100));
    }

    #[test]
    fn thirty_minutes_are_two_thousand_kills_and_more() {
        let minutes = Duration::from_secs(30 * 60);
        for seed in 0..20 {
            let mut now = Duration::ZERO;
            let within = Schedule::new(seed, PAUSE).take_while(|step| {
                now += step.pause;
                now < minutes
            });
            let kills = within
                .filter(|step| !matches!(step.blow, Blow::Stop(..) | Blow::Connection(..)))
                .count();
            assert!(kills > 2_500, "seed {seed}: {kills}");
        }
    }

    #[test]
    fn every_kind_of_blow_falls_on_everybody() {
        let (mut killed, mut killed_twice) = (BTreeSet::new(), BTreeSet::new());
        let mut stopped = BTreeSet::new();
        let (mut terminated, mut faults) = (BTreeSet::new(), BTreeSet::new());
        for step in steps(1, 2_000) {
            match step.blow {
                Blow::Kill(target) => killed.insert(target),
                Blow::KillTwice(target, _) => killed_twice.insert(target),
                Blow::Terminate(target) => terminated.insert(target),
                Blow::Stop(target, _) => stopped.insert(target),
                Blow::Connection(fault, _) => faults.insert(fault),
            };
        }
        for targets in [killed, killed_twice, terminated, stopped] {
            assert_eq!(targets.len(), TARGETS.len());
        }
        assert_eq!(faults.len(), FAULTS.len());
    }
}
