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
    program: &'static str,
    arguments: &'static [&'static str],
    /// Arguments for what needs the network.
    arguments_full: &'static [&'static str],
}

const TOOLS: [Tool; 2] = [
    Tool {
        package: "cargo-deny",
        program: "cargo-deny",
        arguments: &[
            "--workspace",
            "check",
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ],
        arguments_full: &["advisories"],
    },
    Tool { package: "typos-cli", program: "typos", arguments: &[], arguments_full: &[] },
];

pub(crate) fn run(extent: Extent) -> Outcome {
    step("format", cargo(&["fmt", "--all", "--check"]))?;
    let fuzz = ["fmt", "--manifest-path=fuzz/Cargo.toml", "--check"]; // a workspace of its own
    step("format of the fuzz targets", cargo(&fuzz))?;
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
        let program = self.program;
        let mut question = command(program);
        question.arg("--version");
        if !answers(question) {
            if extent == Extent::Quick {
                say(&format!(
                    "==> {program}: not installed, left out (`check --full` installs it)"
                ));
                return Ok(());
            }
            let install = cargo(&["install", "--locked", self.package]);
            step(&format!("install {}", self.package), install)?;
        }
        let mut check = command(program);
        check.args(self.arguments);
        if extent == Extent::Full {
            check.args(self.arguments_full);
        }
        step(program, check)
    }
}
