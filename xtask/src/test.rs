//! `cargo xtask test`: everything that must hold, from the format to real interpreters.

use crate::check::{self, Extent};
use crate::step::{Outcome, answers, cargo, run as step};
use crate::{bench, fuzz, interop, sim, torture};

pub(crate) fn run() -> Outcome {
    check::run(Extent::Quick)?;
    // The tests that drive the binary find it beside themselves; cargo builds it for none of them.
    step("build the command", cargo(&["build", "--package=piecework-cli"]))?;
    // nextest holds each test to its time; where it is missing, plain cargo runs the same tests.
    if answers(cargo(&["nextest", "--version"])) {
        step("tests", cargo(&["nextest", "run", "--workspace", "--no-tests=warn"]))?;
    } else {
        let kinds = ["test", "--workspace", "--no-fail-fast"];
        step(
            "tests",
            cargo(&[&kinds[..], &["--lib", "--bins", "--tests", "--examples"]].concat()),
        )?;
    }
    step("doctests", cargo(&["test", "--workspace", "--doc"]))?;
    sim::run(&[])?;
    interop::run(&[])?;
    bench::quick()?;
    torture::run(&[])?;
    fuzz::run(&[])
}
