//! `cargo xtask torture`: the real command and real Pythons, killed again and again.

use crate::interop::{Profile, build};
use crate::step::{Outcome, cargo, run as step};

pub(crate) fn run(words: &[&str]) -> Outcome {
    // As users have it: what a kill meets in a slow build is not what it meets in theirs.
    let program = build(Profile::Release)?;
    let example = ["run", "--quiet", "--package=piecework-testing", "--example=torture", "--"];
    let mut torture = cargo(&example);
    torture.args(words).env("PIECEWORK_BIN", program);
    step("torture", torture)
}
