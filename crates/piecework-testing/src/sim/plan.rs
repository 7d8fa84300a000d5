//! What a life consists of: its queues, its programs, and what befalls them. All of it follows from
//! the seed, and each part can be left out when a failure is shrunk.

use super::random::Random;
use piecework_state::Order;
use std::time::Duration;

/// One of the queues of every life, by its place among them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Q(pub(super) usize);

/// Masters put here, workers take from here.
pub(super) const TASK: Q = Q(0);
/// Workers put here, masters take from here.
pub(super) const RESULT: Q = Q(1);
/// Everybody puts here and takes from here.
pub(super) const SIDE: Q = Q(2);

pub(super) const NAMES: [&str; 3] = ["task", "result", "side"];

/// An ack mode; `Answered` is answered in [`RESULT`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    Auto,
    Answered,
    Explicit,
    None,
}

/// The options of one queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuePlan {
    pub(super) mode: Mode,
    pub(super) maxsize: usize,
    pub(super) attempts: u32,
    pub(super) lease: Option<Duration>,
    pub(super) maxbytes: u64,
    pub(super) expire: Option<Duration>,
    pub(super) order: Order,
    /// How long the keys of `put_once()` are remembered.
    pub(super) once: Duration,
}

impl QueuePlan {
    pub(super) fn is_auto(&self) -> bool {
        self.mode == Mode::Auto
    }

    /// Whether the delivery of an item is its ack.
    pub(super) fn acked_by_delivery(&self, stop: bool, by_id: bool) -> bool {
        match self.mode {
            _ if by_id => false,
            Mode::Explicit => false,
            Mode::None => true,
            Mode::Auto | Mode::Answered => stop,
        }
    }
}

/// Where the manager keeps its decisions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Store {
    /// The simulated disk.
    Simulated(Sync),
    /// The disk engine in a folder of its own. Its machine never crashes.
    Real,
}

/// When the simulated disk is synced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sync {
    Always,
    Interval,
    Never,
}

/// What a program does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// A stock client that puts tasks and gets results.
    Master,
    /// A stock client that gets tasks and puts results.
    Worker,
    /// A stock client that puts to and gets from one bounded queue.
    Mover,
    /// A native client that leases many tasks at once and settles each by its id.
    Native,
}

/// A program, which is started again whenever it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramPlan {
    /// Never changes, whatever else is left out.
    pub(super) number: u64,
    pub(super) role: Role,
    /// Threads that do the same beside the main one.
    pub(super) threads: usize,
    /// Whether the manager learns of its end from the system: it runs on the same machine.
    pub(super) watched: bool,
    /// How long it thinks at most between two calls.
    pub(super) thinks: Duration,
}

/// Something that befalls the programs, the network or the manager.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// Never changes, whatever else is left out.
    pub(super) number: u64,
    /// Before which step.
    pub(super) step: u32,
    pub(super) what: Befalls,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Befalls {
    /// The manager is killed.
    KillManager,
    /// Its machine loses power.
    CrashMachine,
    /// It is asked to stop, and does so in good order.
    StopManager,
    /// The next commit fails; its batch is on the disk all the same, or not.
    FailCommit { written: bool },
    /// The next commit takes long.
    SlowCommit,
    /// A program is killed.
    Kill,
    /// A program ends in good order, whatever it is at.
    Exit,
    /// A thread of a program ends.
    EndThread,
    /// A connection is cut; its ends learn of it at different times.
    Cut,
    /// What is on its way over a connection takes long.
    Stall,
    /// The user interrupts a program's call, and the program goes on or ends.
    Interrupt,
    /// The process that opened a connection ends, and a child that has inherited it goes on.
    Orphan,
    /// What waits in [`SIDE`] is dropped.
    Purge,
    /// All dead items are made ready again.
    Revive,
    /// For a while there is little room on the disk.
    FillDisk,
}

/// All of a life.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Where chance begins while it is lived. Another one makes another life of the same parts,
    /// which shrinking needs: whatever is left out moves all that comes after it.
    pub(super) chance: u64,
    pub(super) store: Store,
    pub(super) queues: [QueuePlan; 3],
    /// The bounds of the manager as a whole.
    pub(super) bytes_max: u64,
    pub(super) items_max: usize,
    /// Payload bytes in memory; what is beyond is fetched from the disk.
    pub(super) resident_max: u64,
    /// Unsettled items that a session may hold.
    pub(super) leases_max: usize,
    pub(super) programs: Vec<ProgramPlan>,
    pub(super) faults: Vec<Fault>,
    /// Things that happen before the end begins.
    pub(super) steps: u32,
    /// How long a message is on its way at most.
    pub(super) latency: Duration,
    /// How long a commit takes at most.
    pub(super) commit: Duration,
}

/// One seed of so many tries the real disk engine, which is slow.
const REAL_EVERY: u64 = 97;

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let steps = 200 + random.below(700) as u32;
        let store = match random.below(6) {
            _ if seed.is_multiple_of(REAL_EVERY) => Store::Real,
            0..=2 => Store::Simulated(Sync::Always),
            3 | 4 => Store::Simulated(Sync::Interval),
            _ => Store::Simulated(Sync::Never),
        };
        let millis =
            |random: &mut Random, choice: &[u64]| Duration::from_millis(random.pick(choice));
        Self {
            seed,
            chance: seed,
            store,
            queues: queues(&mut random),
            bytes_max: if random.chance(8) { 500 + random.below(2_000) } else { u64::MAX },
            resident_max: if random.chance(30) { random.below(300) } else { u64::MAX },
            items_max: if random.chance(5) { 12 } else { usize::MAX },
            leases_max: if random.chance(8) { 3 } else { 1_000 },
            programs: programs(&mut random),
            faults: faults(&mut random, steps, store),
            steps,
            latency: millis(&mut random, &[1, 1, 5, 50]),
            commit: millis(&mut random, &[1, 5, 20, 100]),
        }
    }

    pub(super) fn queue(&self, queue: Q) -> QueuePlan {
        *self.queues.get(queue.0).expect("one of the three queues")
    }
}

fn queues(random: &mut Random) -> [QueuePlan; 3] {
    use Mode::{Answered, Auto, Explicit, None as Never};
    let modes = [
        random.pick(&[Auto, Auto, Answered, Answered, Answered, Explicit, Never]),
        random.pick(&[Auto, Auto, Explicit, Never]),
        random.pick(&[Auto, Explicit, Explicit, Never]),
    ];
    let bounds = [random.pick(&[0, 0, 3, 6]), random.pick(&[0, 0, 2, 5]), random.pick(&[0, 2, 4])];
    let mut plans = modes.into_iter().zip(bounds).map(|(mode, maxsize)| QueuePlan {
        mode,
        maxsize,
        attempts: random.pick(&[0, 2, 3, 5]),
        lease: random.chance(25).then(|| Duration::from_millis(200 + random.below(2_000))),
        maxbytes: if random.chance(8) { 150 + random.below(400) } else { 0 },
        expire: random.chance(6).then(|| Duration::from_millis(100 + random.below(3_000))),
        once: Duration::from_secs(random.pick(&[60, 3_600])),
        order: match random.below(10) {
            0 => Order::Lifo,
            1 => Order::Priority,
            _ => Order::Fifo,
        },
    });
    std::array::from_fn(|_| plans.next().expect("three modes"))
}

fn programs(random: &mut Random) -> Vec<ProgramPlan> {
    let count = 2 + random.below(6);
    let mut programs = Vec::new();
    for number in 1..=count {
        let role = match number {
            1 => Role::Master,
            2 => random.pick(&[Role::Worker, Role::Worker, Role::Native]),
            _ => {
                random.pick(&[Role::Master, Role::Worker, Role::Worker, Role::Mover, Role::Native])
            }
        };
        let threaded = role != Role::Native && random.chance(25);
        programs.push(ProgramPlan {
            number,
            role,
            threads: if threaded { 1 + random.index(2) } else { 0 },
            watched: random.chance(50),
            thinks: Duration::from_millis(random.pick(&[1, 10, 100, 1_000])),
        });
    }
    programs
}

fn faults(random: &mut Random, steps: u32, store: Store) -> Vec<Fault> {
    use Befalls::*;
    // Some lives are quiet: where nothing is returned, the order can be told.
    let count = random.pick(&[0, 3, 8, 15, 25, 40]);
    let mut faults = Vec::new();
    for number in 1..=count {
        let what = match random.below(35) {
            0..=3 => KillManager,
            4 | 5 if store != Store::Real => CrashMachine,
            6 => StopManager,
            7 | 8 => FailCommit { written: random.chance(50) },
            9 => SlowCommit,
            10..=15 => Kill,
            16..=18 => Exit,
            19 | 20 => EndThread,
            21..=24 => Cut,
            25 | 26 => Stall,
            27 | 28 => Interrupt,
            29 | 30 => Orphan,
            31 => Purge,
            32 => Revive,
            33 => FillDisk,
            _ => KillManager,
        };
        faults.push(Fault { number, step: random.below(u64::from(steps)) as u32, what });
    }
    faults.sort_by_key(|fault| (fault.step, fault.number));
    faults
}
