//! `cargo xtask check`: all that can be said of the tree without running its tests.

use crate::step::{Outcome, answers, cargo, command, run as step, say};

/// How much to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What needs nothing but the toolchain; tools that are there already run too.
    Quick,
    /// Installs the missing tools first, which takes minutes.
    Full,
}

/// A checker that does not come with the toolchain.
struct Tool {
    /// What is installed from crates.io.
    package: &'static str,
    /// The program to run and its arguments.
    line: &'static [&'static str],
}

const TOOLS: [Tool; 2] = [
    Tool { package: "cargo-deny", line: &["cargo-deny", "--workspace", "check"] },
    Tool { package: "typos-cli", line: &["typos"] },
];

pub(crate) fn run(extent: Extent) -> Outcome {
    step("format", cargo(&["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    step("lints", cargo(&lints))?;
    step("tidy rules", cargo(&["test", "--quiet", "--package=piecework-testing", "--test=tidy"]))?;
    let mut documentation = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    step("documentation", documentation)?;
    TOOLS.iter().try_for_each(|tool| tool.run(extent))
}

impl Tool {
    fn run(&self, extent: Extent) -> Outcome {
        let Some((program, arguments)) = self.line.split_first() else { return Ok(()) };
        let mut question = command(program);
        question.arg("--version");
        if !answers(question) {
            if extent == Extent::Quick {
                say(&format!("==> {program}: left out, not installed (check --full installs it)"));
                return Ok(());
            }
            step(
                &format!("install {}", self.package),
                cargo(&["install", "--locked", self.package]),
            )?;
        }
        let mut check = command(program);
        check.args(arguments);
        step(program, check)
    }
}
