//! The borders between the layers: which crate may know which, and what the inner ones must not do.

use std::collections::BTreeMap;

use crate::paths::paths;
use crate::tree::{Offence, SourceFile, Tree};

/// Which of our crates each one may name in its Cargo.toml; a crate that is not here, any.
const MAY_NAME: [(&str, &[&str]); 8] = [
    ("piecework-wire", &[]),
    ("piecework-state", &[]),
    // Its tables are made for queues and items, so it knows the records that speak of them.
    ("piecework-engine", &["piecework-state"]),
    ("piecework-net", &[]),
    (
        "piecework-server",
        &["piecework-wire", "piecework-state", "piecework-engine", "piecework-net"],
    ),
    // For the example in its docs: anywhere else it would be a circle, which cargo refuses.
    ("piecework-macros", &["piecework"]),
    ("piecework", &["piecework-macros", "piecework-wire", "piecework-net", "piecework-server"]),
    ("piecework-cli", &["piecework", "piecework-server", "piecework-wire"]),
];

/// These crates are called, and call nobody: they have no tasks, no clock and no chance in them.
const PURE: [&str; 2] = ["piecework-wire", "piecework-state"];
/// What would bring tasks or chance into a pure crate.
const NOT_IN_PURE: [&str; 4] = ["tokio", "async-std", "rand", "getrandom"];

/// Parts of the engine that do meet the disk and the network; the rest of it is pure.
const ENGINES_THAT_WRITE: [&str; 2] =
    ["crates/piecework-engine/src/disk", "crates/piecework-engine/src/jetstream"];

/// Names that, anywhere in a path, mean a socket, a clock, a thread or a lock.
const IMPURE_NAMES: [&str; 7] =
    ["Mutex", "RwLock", "Condvar", "SystemTime", "TcpStream", "UdpSocket", "UnixStream"];
/// Paths that mean the same, by how they begin.
const IMPURE_STEMS: [&[&str]; 5] =
    [&["std", "net"], &["std", "thread"], &["std", "fs"], &["std", "process"], &["tokio"]];

/// A crate's dependencies of every kind, each with its line.
pub(crate) struct Manifest<'t> {
    pub(crate) file: &'t SourceFile,
    pub(crate) dependencies: Vec<Dependency>,
}

pub(crate) struct Dependency {
    pub(crate) line: usize,
    pub(crate) name: String,
    /// Only for the crate's tests, so it does not go to whoever depends on the crate.
    pub(crate) for_tests: bool,
}

/// The manifests of the crates, by the name of their folder, which is the crate's.
pub(crate) fn manifests(tree: &Tree) -> BTreeMap<&str, Manifest<'_>> {
    let files = tree.with_ending("/Cargo.toml");
    let crates = files.filter_map(|file| Some((file.folder().strip_prefix("crates/")?, file)));
    crates.map(|(name, file)| (name, Manifest { file, dependencies: dependencies(file) })).collect()
}

fn dependencies(file: &SourceFile) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = "";
    for (number, line) in file.lines() {
        let line = line.trim();
        let header = line.strip_prefix('[').and_then(|header| header.strip_suffix(']'));
        let name = match header {
            Some(header) => {
                section = header;
                // `[dependencies.NAME]` is a section of its own.
                header.rsplit_once("dependencies.").map(|(_, name)| name)
            }
            None if section.ends_with("dependencies") && !line.starts_with('#') => {
                line.split(['=', '.', ' ']).next().filter(|name| !name.is_empty())
            }
            None => None,
        };
        if let Some(name) = name {
            let for_tests = section.contains("dev-dependencies");
            let name = name.trim_matches('"').to_owned();
            found.push(Dependency { line: number, name, for_tests });
        }
    }
    found
}

pub(crate) fn dependencies_go_one_way(tree: &Tree) -> Vec<Offence> {
    let manifests = manifests(tree);
    let mut offences = Vec::new();
    for (name, manifest) in &manifests {
        let may_name = MAY_NAME.iter().find(|(of, _)| of == name).map(|(_, may)| *may);
        for dependency in &manifest.dependencies {
            let other = dependency.name.as_str();
            let is_ours = manifests.contains_key(other);
            // A crate's tests may turn on what is optional in it by naming it once more.
            let is_itself = other == *name && dependency.for_tests;
            let is_against = !is_itself && may_name.is_some_and(|may| !may.contains(&other));
            let what = if is_ours && is_against {
                format!("{name} must not know {other}: data flows the other way")
            } else if PURE.contains(name) && NOT_IN_PURE.contains(&other) {
                format!("{name} is pure: no {other}")
            } else {
                continue;
            };
            offences.push(manifest.file.offence(dependency.line, what));
        }
    }
    offences
}

/// Whoever adds a dependency says beside it, in a few words, what it is for.
pub(crate) fn dependencies_say_what_for(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in tree.with_ending("Cargo.toml") {
        for dependency in dependencies(file) {
            let line = file.text.lines().nth(dependency.line - 1).unwrap_or_default();
            let is_ours = dependency.name.starts_with("piecework");
            if !is_ours && !line.contains('#') {
                let what = format!("say beside it what {} is for: `# ...`", dependency.name);
                offences.push(file.offence(dependency.line, what));
            }
        }
    }
    offences
}

/// No socket, clock, thread, disk or lock in wire, state and the engine's own contract.
pub(crate) fn inner_layers_are_pure(file: &SourceFile) -> Vec<Offence> {
    let inner = PURE.iter().chain(&["piecework-engine"]);
    let is_inner =
        inner.into_iter().any(|name| file.path.starts_with(&format!("crates/{name}/src/")));
    let writes = ENGINES_THAT_WRITE.iter().any(|part| file.path.starts_with(part));
    if !is_inner || writes || !file.is_rust() {
        return Vec::new();
    }
    let mut offences = Vec::new();
    for path in paths(&file.text_before_tests()) {
        let segments: Vec<_> = path.segments.iter().map(String::as_str).collect();
        let impure = segments.iter().any(|segment| IMPURE_NAMES.contains(segment))
            || IMPURE_STEMS.iter().any(|stem| segments.starts_with(stem))
            || segments.ends_with(&["Instant", "now"]);
        if impure {
            let what = format!("`{}`: whoever calls this layer does that", segments.join("::"));
            offences.push(file.offence(path.line, what));
        }
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample, sample_tree};

    const STATE: &str = "crates/piecework-state/Cargo.toml";

    #[test]
    fn a_dependency_against_the_flow_is_seen() {
        let upwards = "[dependencies]\nbytes = \"1\"\npiecework-wire.workspace = true\n";
        let tree = sample_tree(&[(STATE, upwards), ("crates/piecework-wire/Cargo.toml", "")]);
        assert_eq!(lines_of(&dependencies_go_one_way(&tree)), [3]);
        let on_tests = "[dev-dependencies]\npiecework-testing = { path = \"..\" }\n";
        let tree = sample_tree(&[(STATE, on_tests), ("crates/piecework-testing/Cargo.toml", "")]);
        assert_eq!(lines_of(&dependencies_go_one_way(&tree)), [2]);
    }

    #[test]
    fn tokio_in_a_pure_crate_is_seen() {
        let plain = "[dependencies]\ntokio = \"1\"\n";
        assert_eq!(lines_of(&dependencies_go_one_way(&sample_tree(&[(STATE, plain)]))), [2]);
        let section = "[target.'cfg(unix)'.dependencies.tokio]\nversion = \"1\"\n";
        assert_eq!(lines_of(&dependencies_go_one_way(&sample_tree(&[(STATE, section)]))), [1]);
    }

    #[test]
    fn a_dependency_without_a_reason_is_seen() {
        let text = "[dependencies]\nbytes = \"1\"\nhmac = \"1\"  # the challenge\n\
            piecework-wire.workspace = true\n[lints]\nworkspace = true\n";
        assert_eq!(lines_of(&dependencies_say_what_for(&sample_tree(&[(STATE, text)]))), [2]);
    }

    #[test]
    fn a_socket_a_clock_a_thread_or_a_lock_in_an_inner_layer_is_seen() {
        let code = "//! X.\nuse std::{net::IpAddr, sync::{Arc, Mutex}};\nfn f() {\n    \
            std::thread::spawn(g);\n    let now = Instant::now();\n}\n";
        let file = sample("crates/piecework-wire/src/a.rs", code);
        assert_eq!(lines_of(&inner_layers_are_pure(&file)), [2, 2, 4, 5]);
        let file = sample("crates/piecework-engine/src/memory.rs", code);
        assert_eq!(inner_layers_are_pure(&file).len(), 4);
    }

    #[test]
    fn outer_layers_tests_and_comments_may() {
        let code = "use std::thread;\n";
        assert!(
            inner_layers_are_pure(&sample("crates/piecework-server/src/a.rs", code)).is_empty()
        );
        let disk = sample("crates/piecework-engine/src/disk/mod.rs", code);
        assert!(inner_layers_are_pure(&disk).is_empty());
        let tests = "// no std::net here\n#[cfg(test)]\nmod tests {\n    use std::thread;\n}\n";
        assert!(inner_layers_are_pure(&sample("crates/piecework-wire/src/a.rs", tests)).is_empty());
    }
}
