//! Objects that sessions wait at, as the simplest model there is: whoever asks for something stands
//! in a list, and then whoever is first there gets what there is. And what the end of a session
//! means, for processes that use a handle of their own on each object.

use piecework_state::{Make, ObjectCall, Reply, SessionId, Time, Wait};
use std::collections::BTreeMap;
use std::time::Duration;

/// A thread whose process dies this long before or after has died with it.
const SAME_EVENT: Duration = Duration::from_secs(1);
/// A thread whose process is silent for so long has just ended.
const UNDECIDED: Duration = Duration::from_secs(2);

const BROKEN: &str = "the barrier is broken";

/// All objects, and all who use them.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) things: Vec<Thing>,
    sessions: BTreeMap<SessionId, Member>,
    /// Threads that ended with a lock, of whose process nothing was heard since.
    undecided: Vec<(SessionId, Member, Time)>,
    /// When the main thread of a process was lost.
    crashes: BTreeMap<u64, Time>,
    /// Who was served, and what he was told.
    pub(crate) told: Vec<(SessionId, String)>,
}

/// To which process a session belongs.
#[derive(Clone, Copy, Debug)]
struct Member {
    process: u64,
    is_thread: bool,
    /// Whether its process has let go of its handles.
    released: bool,
}

/// One object.
#[derive(Debug)]
pub(crate) struct Thing {
    pub(crate) make: Make,
    /// Who has the lock, and how often he took it.
    pub(crate) owner: Option<(SessionId, u64)>,
    /// How often somebody began to have it.
    pub(crate) holdings: u64,
    permits: u64,
    /// Whether an event is set, or a barrier broken.
    flag: bool,
    /// Those who are served in their order.
    line: Vec<Standing>,
    /// Those who wait for notice.
    unnoticed: Vec<Standing>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    who: SessionId,
    until: Option<Time>,
    /// How often he has the lock once he has it.
    depth: u64,
    /// What he is told then.
    answer: bool,
    /// Whether he had the lock before.
    again: bool,
}

/// A reply of an object at which sessions wait, in Python's words.
pub(crate) fn words(reply: &Reply) -> String {
    match reply {
        Reply::None => "None".to_owned(),
        Reply::Bool(true) | Reply::Granted(_) | Reply::Notified(_) => "True".to_owned(),
        Reply::Bool(false) => "False".to_owned(),
        Reply::Count(count) => count.to_string(),
        Reply::Error(error) => error.to_string(),
        other => panic!("{other:?} is no reply of an object at which sessions wait"),
    }
}

impl Model {
    pub(crate) fn new(makes: &[Make]) -> Self {
        Self {
            things: makes.iter().cloned().map(Thing::new).collect(),
            sessions: BTreeMap::new(),
            undecided: Vec::new(),
            crashes: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub(crate) fn opened(&mut self, who: SessionId, process: u64, is_thread: bool) {
        self.sessions.insert(who, Member { process, is_thread, released: false });
    }

    /// A session makes a call on one of the objects; nothing if it waits.
    pub(crate) fn call(&mut self, who: SessionId, at: usize, call: &ObjectCall) -> Option<String> {
        let process = self.sessions.get(&who).expect("it is open").process;
        self.undecided.retain(|(_, member, _)| member.process != process);
        let thing = self.things.get_mut(at).expect("one of the objects");
        thing.call(who, call, &mut self.told);
        let own = self.told.iter().position(|(told, _)| *told == who);
        own.map(|own| self.told.remove(own).1)
    }

    /// A process lets go of its handles: it ends in good order.
    pub(crate) fn released(&mut self, process: u64) {
        self.undecided.retain(|(_, member, _)| member.process != process);
        let of_process = |member: &&mut Member| member.process == process;
        self.sessions.values_mut().filter(of_process).for_each(|member| member.released = true);
    }

    /// A session ends; `process_ended` if the system has said that its process did.
    pub(crate) fn ended(&mut self, now: Time, who: SessionId, process_ended: bool) {
        let Some(member) = self.sessions.remove(&who) else { return };
        self.settle(now, who, member, process_ended);
        // Handles that nobody uses are forgotten, and so is who crashed.
        let open = self.sessions.values().chain(self.undecided.iter().map(|(_, of, _)| of));
        if open.filter(|other| other.process == member.process).count() == 0 {
            self.crashes.remove(&member.process);
        }
    }

    fn settle(&mut self, now: Time, who: SessionId, member: Member, process_ended: bool) {
        for thing in &mut self.things {
            if let Some(standing) = thing.leave(who) {
                thing.pass_on(standing, &mut self.told);
            }
        }
        let crash = self.crashes.get(&member.process);
        let died = process_ended || crash.is_some_and(|at| now.since(*at) <= SAME_EVENT);
        if member.released {
            return;
        }
        if member.is_thread && !died {
            let mut owners = self.things.iter().filter_map(|thing| thing.owner);
            if owners.any(|(owner, _)| owner == who) {
                self.undecided.push((who, member, now));
            }
            return;
        }
        if !member.is_thread {
            self.crashes.insert(member.process, now);
            for (thread, of, since) in std::mem::take(&mut self.undecided) {
                if of.process != member.process {
                    self.undecided.push((thread, of, since));
                } else if now.since(since) <= SAME_EVENT {
                    self.lost(thread);
                }
            }
        }
        self.lost(who);
    }

    fn lost(&mut self, who: SessionId) {
        for thing in &mut self.things {
            if thing.owner.is_some_and(|(owner, _)| owner == who) {
                thing.owner = None;
                thing.serve(&mut self.told);
            }
        }
    }

    /// A session gives up its call, and goes on.
    pub(crate) fn gave_up(&mut self, who: SessionId) {
        for thing in &mut self.things {
            let Some(standing) = thing.leave(who) else { continue };
            if standing.again && thing.owner.is_none() && thing.line.is_empty() {
                thing.hold(who, standing.depth);
            }
            thing.pass_on(standing, &mut self.told);
        }
    }

    pub(crate) fn time_passes(&mut self, now: Time) {
        self.undecided.retain(|(_, _, since)| now.since(*since) < UNDECIDED);
        for thing in &mut self.things {
            thing.time_passes(now, &mut self.told);
        }
    }
}

impl Thing {
    fn new(make: Make) -> Self {
        let permits = if let Make::Semaphore { permits, .. } = make { permits } else { 0 };
        let (line, unnoticed) = Default::default();
        Self { make, owner: None, holdings: 0, permits, flag: false, line, unnoticed }
    }

    fn call(&mut self, who: SessionId, call: &ObjectCall, told: &mut Vec<(SessionId, String)>) {
        let reentrant = !matches!(self.make, Make::Lock { reentrant: false });
        let owns = self.owner.is_some_and(|(owner, _)| owner == who);
        let truth = |truth: bool| if truth { "True".to_owned() } else { "False".to_owned() };
        let answer = match (&self.make, call) {
            (Make::Lock { .. } | Make::Condition, ObjectCall::Acquire(_)) if owns && reentrant => {
                self.owner = self.owner.map(|(owner, depth)| (owner, depth + 1));
                truth(true)
            }
            (_, ObjectCall::Acquire(wait)) => return self.stand(who, *wait, 1, true, told),
            (Make::Semaphore { permits, bounded }, ObjectCall::Release(more)) => {
                if *bounded && self.permits + more > *permits {
                    "Semaphore released too many times".to_owned()
                } else {
                    self.permits += more;
                    "None".to_owned()
                }
            }
            (_, ObjectCall::Release(_)) => match self.owner {
                Some((owner, depth)) if owns || !reentrant => {
                    self.owner = Some((owner, depth - 1)).filter(|(_, depth)| *depth > 0);
                    "None".to_owned()
                }
                _ if reentrant => "cannot release un-acquired lock".to_owned(),
                _ => "release unlocked lock".to_owned(),
            },
            (Make::Semaphore { .. }, ObjectCall::IsLocked) => truth(self.permits == 0),
            (_, ObjectCall::IsLocked) => truth(self.owner.is_some()),
            (Make::Condition, ObjectCall::Wait(_)) if !owns => {
                "cannot wait on un-acquired lock".to_owned()
            }
            (Make::Condition, ObjectCall::Wait(wait)) => {
                let depth = self.owner.take().map_or(0, |(_, depth)| depth);
                let standing = Standing { who, until: None, depth, answer: false, again: true };
                match wait.unwrap_or(Wait::Forever) {
                    Wait::No => self.line.push(standing),
                    Wait::Until(at) => {
                        self.unnoticed.push(Standing { until: Some(at), ..standing });
                    }
                    Wait::Forever => self.unnoticed.push(standing),
                }
                return self.serve(told);
            }
            (Make::Condition, ObjectCall::Notify(_)) if !owns => {
                "cannot notify on un-acquired lock".to_owned()
            }
            (Make::Condition, ObjectCall::Notify(count)) => {
                let count = self.unnoticed.len().min(*count);
                let noticed = self.unnoticed.drain(..count);
                self.line.extend(noticed.map(|one| Standing { until: None, answer: true, ..one }));
                "None".to_owned()
            }
            (Make::Barrier { .. }, ObjectCall::Wait(_)) if self.flag => BROKEN.to_owned(),
            (Make::Event | Make::Barrier { .. }, ObjectCall::Wait(wait)) => {
                return self.stand(who, wait.unwrap_or(Wait::Forever), 0, true, told);
            }
            (Make::Event, ObjectCall::IsSet) | (_, ObjectCall::IsBroken) => truth(self.flag),
            (_, ObjectCall::Set | ObjectCall::Clear) => {
                self.flag = matches!(call, ObjectCall::Set);
                "None".to_owned()
            }
            (_, ObjectCall::Abort | ObjectCall::Reset) => {
                self.break_barrier(told);
                self.flag = matches!(call, ObjectCall::Abort);
                "None".to_owned()
            }
            (_, ObjectCall::Waiting) => self.line.len().to_string(),
            other => panic!("the model knows no {other:?}"),
        };
        told.push((who, answer));
        self.serve(told);
    }

    /// Gets in line; whoever would wait and does not want to leaves it again.
    fn stand(
        &mut self,
        who: SessionId,
        wait: Wait,
        depth: u64,
        answer: bool,
        told: &mut Vec<(SessionId, String)>,
    ) {
        let until = if let Wait::Until(at) = wait { Some(at) } else { None };
        self.line.push(Standing { who, until, depth, answer, again: false });
        self.serve(told);
        if wait == Wait::No && self.line.iter().any(|one| one.who == who) {
            self.too_late(who, told);
        }
    }

    fn too_late(&mut self, who: SessionId, told: &mut Vec<(SessionId, String)>) {
        if let Make::Barrier { .. } = self.make {
            self.flag = true;
            return self.break_barrier(told);
        }
        self.leave(who);
        told.push((who, "False".to_owned()));
    }

    fn break_barrier(&mut self, told: &mut Vec<(SessionId, String)>) {
        told.extend(self.line.drain(..).map(|one| (one.who, BROKEN.to_owned())));
    }

    /// Whoever is first gets what there is, until there is no more.
    fn serve(&mut self, told: &mut Vec<(SessionId, String)>) {
        if let Make::Barrier { parties, .. } = self.make {
            if self.line.len() as u64 == parties {
                let places = self.line.drain(..).enumerate();
                told.extend(places.map(|(place, one)| (one.who, place.to_string())));
            }
            return;
        }
        while !self.line.is_empty() {
            match self.make {
                Make::Semaphore { .. } if self.permits > 0 => self.permits -= 1,
                Make::Event if self.flag => {}
                Make::Lock { .. } | Make::Condition if self.owner.is_none() => {}
                _ => return,
            }
            let first = self.line.remove(0);
            if let Make::Lock { .. } | Make::Condition = self.make {
                self.hold(first.who, first.depth);
            }
            let answer = if first.answer { "True" } else { "False" };
            told.push((first.who, answer.to_owned()));
        }
    }

    /// The notice that somebody had who is gone before he could go on is for the next.
    fn pass_on(&mut self, gone: Standing, told: &mut Vec<(SessionId, String)>) {
        if gone.again && gone.answer && !self.unnoticed.is_empty() {
            let next = self.unnoticed.remove(0);
            self.line.push(Standing { until: None, answer: true, ..next });
            self.serve(told);
        }
    }

    fn hold(&mut self, who: SessionId, depth: u64) {
        self.owner = Some((who, depth));
        self.holdings += 1;
    }

    fn leave(&mut self, who: SessionId) -> Option<Standing> {
        for line in [&mut self.line, &mut self.unnoticed] {
            if let Some(at) = line.iter().position(|one| one.who == who) {
                return Some(line.remove(at));
            }
        }
        None
    }

    /// Whose time is over, one by one, the earliest first.
    fn time_passes(&mut self, now: Time, told: &mut Vec<(SessionId, String)>) {
        loop {
            let all = self.line.iter().chain(&self.unnoticed);
            let late = all.filter(|one| one.until.is_some_and(|at| at <= now));
            let Some(&late) = late.min_by_key(|one| (one.until, one.who)) else { return };
            if late.again {
                self.leave(late.who);
                self.line.push(Standing { until: None, ..late });
                self.serve(told);
            } else {
                self.too_late(late.who, told);
            }
        }
    }
}
