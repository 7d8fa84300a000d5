//! What makes a load: a program in Rust, or a script in Python. Both know the same words.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::packages::{Package, Packages};
use super::peers::Peers;
use super::surroundings::said;
use crate::step::{Outcome, cargo, run as step, target_dir};

/// Where the scripts lie, beside what they share with the tests.
const SCRIPTS: &str = "tests/interop";

/// How the load of a benchmark is made.
#[derive(Debug)]
pub(super) enum Load {
    /// By `side_by_side` in `piecework-testing`, on these.
    Rust { peers: &'static [&'static str] },
    /// By a script, on these.
    Python { script: &'static str, peers: &'static [&'static str], packages: &'static [Package] },
}

/// A load that can be started.
#[derive(Debug)]
pub(super) struct Ready {
    /// It knows with whom, and has to be told how much.
    pub(super) command: Command,
    /// What the figures depend on, by name.
    pub(super) known: Vec<(String, String)>,
}

impl Load {
    /// Builds it, and gets what it is run on.
    pub(super) fn prepare(&self, bench: &str, folder: &Path, piecework: &Path) -> Outcome<Ready> {
        let (peers, packages) = match self {
            Self::Rust { peers } => (*peers, &[][..]),
            Self::Python { peers, packages, .. } => (*peers, *packages),
        };
        let (peers, packages) = (Peers::find(folder, peers), Packages::find(folder, packages)?);
        let mut command = match self {
            Self::Rust { .. } => {
                let mut command = peers.command(&build()?);
                command.arg(bench);
                command
            }
            Self::Python { script, .. } => {
                let mut command = peers.command(packages.python());
                command.arg(Path::new(SCRIPTS).join(script));
                command.env("PYTHONDONTWRITEBYTECODE", "1"); // it would be litter in the tree
                command
            }
        };
        let own = [("piecework", piecework), ("python", packages.python())];
        let found =
            peers.iter().filter_map(|peer| Some((peer.name, peer.program.as_deref().ok()?)));
        let fetched = packages.there().map(|name| (name, packages.python()));
        for (name, program) in own.into_iter().chain(found).chain(fetched) {
            command.arg("--program").arg(format!("{name}={}", program.display()));
        }
        let system = said("stat", &["--file-system", "--format=%T", &folder.to_string_lossy()]);
        let mut known = vec![("file system".to_owned(), system)];
        known.extend(peers.versions());
        known.extend(packages.versions());
        known.extend(own.map(|(name, program)| {
            (name.to_owned(), said(&program.to_string_lossy(), &["--version"]))
        }));
        Ok(Ready { command, known })
    }
}

/// Builds the load in Rust and says where it lies.
fn build() -> Outcome<PathBuf> {
    let words = ["build", "--release", "--package=piecework-testing", "--example=side_by_side"];
    step("build the load", cargo(&words))?;
    let file = format!("side_by_side{}", std::env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join("release/examples").join(file))
}
