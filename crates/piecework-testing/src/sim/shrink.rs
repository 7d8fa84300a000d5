//! Shrinking: of a life that failed, the least that still fails.

use super::plan::Plan;
use super::{Failure, live_plan, trace_plan};

/// So many lives are tried at most, which takes some seconds.
const TRIES_MAX: usize = 6_000;

/// So many lives of the same parts are tried.
const CHANCES: u64 = 8;

/// Leaves out programs, faults and steps for as long as something still does not hold, and tells
/// the story of what is left.
pub fn shrink(failure: Failure) -> Failure {
    if failure.of_objects {
        return failure;
    }
    let mut tries = TRIES_MAX;
    let mut smallest = failure;
    loop {
        let before = smallest.size();
        let smaller = smaller_lives(&smallest.plan);
        let chances = (0..CHANCES).map(|more| smallest.plan.chance.wrapping_add(more));
        let tried = chances
            .flat_map(|chance| smaller.iter().map(move |plan| Plan { chance, ..plan.clone() }));
        for plan in tried.take(tries) {
            tries -= 1;
            if let Err(failed) = live_plan(&plan, false)
                && kind(&failed.what) == kind(&smallest.what)
            {
                smallest = *failed;
                break;
            }
        }
        if tries == 0 || smallest.size() == before {
            break;
        }
    }
    let (trace, what) = trace_plan(&smallest.plan);
    Failure { trace, what: what.unwrap_or(smallest.what), ..smallest }
}

/// What did not hold, but for which item it was: its first words without their numbers.
fn kind(what: &str) -> String {
    what.chars().filter(|letter| !letter.is_ascii_digit()).take(30).collect()
}

/// Lives with a little less in them, those with the least first.
fn smaller_lives(plan: &Plan) -> Vec<Plan> {
    let mut smaller = Vec::new();
    for steps in
        [plan.steps / 2, plan.steps * 3 / 4, plan.steps * 9 / 10, plan.steps.saturating_sub(1)]
    {
        if steps < plan.steps {
            smaller.push(Plan { steps, ..plan.clone() });
        }
    }
    let half = plan.faults.len() / 2;
    if half > 0 {
        let (front, back) = plan.faults.split_at(half);
        smaller.push(Plan { faults: front.to_vec(), ..plan.clone() });
        smaller.push(Plan { faults: back.to_vec(), ..plan.clone() });
    }
    for at in 0..plan.programs.len() {
        let mut less = plan.clone();
        less.programs.remove(at);
        smaller.push(less);
    }
    for at in 0..plan.faults.len() {
        let mut less = plan.clone();
        less.faults.remove(at);
        smaller.push(less);
    }
    smaller
}
