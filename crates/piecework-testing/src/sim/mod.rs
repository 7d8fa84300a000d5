//! The simulator: whole lives of a manager, its disk, its network and its clients, in one thread
//! under a clock that jumps, each from one seed.
//!
//! Programs as people write them put, get and settle over connections that stall and are cut; they
//! are killed, interrupted, and leave in good order. The manager is killed, stopped and started
//! again at any step, its commits fail, its machine loses power. After every step the invariants of
//! the state hold; whenever the manager starts, what it has agrees with all that clients were told.
//!
//! To each seed belong three shorter lives: in one programs share locks and the like, in one they
//! share containers without a name, and in one a manager is killed that keeps objects.

mod agent;
mod containers;
mod fair;
mod held;
mod kept;
mod line;
mod manager;
mod model;
mod objects;
mod op;
mod plan;
mod random;
mod roles;
mod shrink;
mod storage;
mod trace;
mod world;

use plan::Plan;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use trace::Trace;
use world::World;

pub use shrink::shrink;

/// What happened in lives that went well: how often each kind of thing did.
pub type Counts = BTreeMap<&'static str, u64>;

/// A life in which something did not hold.
#[derive(Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What did not hold.
    pub what: String,
    /// What happened until then, line by line; empty unless it was asked for.
    pub trace: Vec<String>,
    plan: Plan,
    /// It is the life of objects that failed; that is short as it is.
    of_objects: bool,
}

/// Lives the life of a seed.
///
/// # Errors
///
/// When something did not hold.
pub fn live(seed: u64) -> Result<Counts, Box<Failure>> {
    let mut counts = live_plan(&Plan::of(seed), false)?;
    let mut trace = Trace::default();
    match lives_of_objects(seed, &mut trace) {
        Ok(()) => counts.extend(trace.counts),
        Err(what) => {
            trace.listens = true;
            // Now somebody listens.
            let again = lives_of_objects(seed, &mut trace).err();
            let (what, plan) = (again.unwrap_or(what), Plan::of(seed));
            let (trace, of_objects) = (trace.lines, true);
            return Err(Box::new(Failure { seed, what, trace, plan, of_objects }));
        }
    }
    Ok(counts)
}

fn lives_of_objects(seed: u64, trace: &mut Trace) -> Result<(), String> {
    let lives = AssertUnwindSafe(|| {
        objects::live(seed, trace);
        containers::live(seed, trace);
        kept::live(seed, trace);
    });
    catch_unwind(lives).map_err(|panic| message(&*panic))
}

/// The same, where the trace says what happened, whether it goes well or not.
pub fn trace(seed: u64) -> (Vec<String>, Option<String>) {
    let (mut lines, failed) = trace_plan(&Plan::of(seed));
    if failed.is_some() {
        return (lines, failed);
    }
    let mut trace = Trace { listens: true, ..Trace::default() };
    let failed = lives_of_objects(seed, &mut trace).err();
    lines.extend(trace.lines);
    (lines, failed)
}

fn trace_plan(plan: &Plan) -> (Vec<String>, Option<String>) {
    let mut world = World::new(plan, true);
    let failed = lives(&mut world).err();
    (world.trace.lines, failed)
}

fn live_plan(plan: &Plan, listens: bool) -> Result<Counts, Box<Failure>> {
    let mut world = World::new(plan, listens);
    match lives(&mut world) {
        Ok(()) => Ok(world.trace.counts),
        Err(what) => {
            let (seed, plan, trace) = (plan.seed, plan.clone(), world.trace.lines);
            Err(Box::new(Failure { seed, what, trace, plan, of_objects: false }))
        }
    }
}

/// What does not hold is a panic, in the state as in the model: here it becomes an error.
fn lives(world: &mut World<'_>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| world.live())).map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

impl Failure {
    /// What is left of its life: programs, faults and steps.
    pub fn size(&self) -> (usize, usize, u32) {
        (self.plan.programs.len(), self.plan.faults.len(), self.plan.steps)
    }
}
