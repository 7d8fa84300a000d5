//! `cargo xtask pictures`: draws the pictures of the documentation anew, from the command at work.

use crate::interop::{Profile, build};
use crate::step::{Outcome, cargo, run as step};

/// Where the pages look for them.
const FOLDER: &str = "docs/pictures";

pub(crate) fn run() -> Outcome {
    let program = build(Profile::Debug)?;
    let example = ["run", "--quiet", "--package=piecework-testing", "--example=pictures", "--"];
    let mut draw = cargo(&example);
    draw.arg(FOLDER).env("PIECEWORK_BIN", program);
    step("pictures", draw)
}
