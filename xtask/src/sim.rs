//! `cargo xtask sim`: simulated lives of a manager and its clients, many or the story of one.

use crate::step::{Outcome, cargo, run as step};

/// The words go to the simulator, which reads `SEED` as well.
pub(crate) fn run(words: &[&str]) -> Outcome {
    let mut lives = cargo(&["run", "--quiet", "--release", "--package=piecework-testing"]);
    lives.args(["--bin=sim", "--"]).args(words);
    step("simulated lives", lives)
}
