//! Builds the fuzz targets, with cargo-fuzz, which is fetched into `target` where it is missing.
//!
//! No sanitizer is asked for: the code is safe Rust. So the toolchain of the tree will do, and none
//! that is nightly. Debug assertions and checks for overflow are in (`fuzz/Cargo.toml`).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Outcome, cargo, command, run as step};

/// What is installed, to the digit: a newer one may build with other flags.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Builds all targets and returns the folder that they lie in.
pub(super) fn build(place: &Path) -> Outcome<PathBuf> {
    let tool = cargo_fuzz(place)?;
    let folder = place.join("build");
    let triple = host()?;
    let mut build = command(tool);
    build.args(["fuzz", "build", "--fuzz-dir=fuzz", "--sanitizer=none", "--target", &triple]);
    build.arg("--target-dir").arg(&folder);
    // xtask's own package is none of the build's business.
    build.env_remove("CARGO_TARGET_DIR");
    step("build the fuzz targets", build)?;
    Ok(folder.join(triple).join("release"))
}

/// The program: the one on PATH if it is of this very version, else one of our own.
fn cargo_fuzz(place: &Path) -> Outcome<PathBuf> {
    let ours = place.join("tools");
    let file = format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX);
    let program = ours.join("bin").join(&file);
    for known in [PathBuf::from(file), program.clone()] {
        let mut question = command(&known);
        question.args(["fuzz", "--version"]);
        let wanted = |text: String| text.trim() == format!("cargo-fuzz {CARGO_FUZZ_VERSION}");
        if answer(question).is_ok_and(wanted) {
            return Ok(known);
        }
    }
    let mut install = cargo(&["install", "--locked", "--force", "cargo-fuzz"]);
    install.args(["--version", CARGO_FUZZ_VERSION, "--root"]).arg(&ours);
    step("install cargo-fuzz", install)
        .map_err(|error| format!("{error}\n  it comes from crates.io: is that reached?"))?;
    Ok(program)
}

/// The machine that the toolchain builds for.
fn host() -> Outcome<String> {
    let mut question = command(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    question.arg("-vV");
    let told = answer(question)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("`rustc -vV` names no host: {told}"))
}

fn answer(mut question: Command) -> Outcome<String> {
    let output = question
        .output()
        .map_err(|error| format!("{}: {error}", question.get_program().display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
