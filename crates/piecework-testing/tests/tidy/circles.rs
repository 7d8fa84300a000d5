//! No circle among the imports: not between crates, and not between the modules of one.
//!
//! What a module hands on (`pub use`) is not counted: a table of contents names its chapters
//! without needing them, and whoever takes a name from it needs the chapter.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::manifests;
use crate::paths::{CodePath, paths};
use crate::tree::{Offence, SourceFile, Tree};

pub(crate) fn none_between_crates(tree: &Tree) -> Vec<Offence> {
    let manifests = manifests(tree);
    let mut graph = Graph::default();
    for (name, manifest) in &manifests {
        for dependency in manifest.dependencies.iter().filter(|one| !one.for_tests) {
            if manifests.contains_key(dependency.name.as_str()) {
                graph.add(name, &dependency.name, manifest.file, dependency.line);
            }
        }
    }
    graph.circles()
}

pub(crate) fn none_between_modules(tree: &Tree) -> Vec<Offence> {
    let mut sources: BTreeMap<&str, Modules<'_>> = BTreeMap::new();
    for file in tree.with_ending(".rs") {
        if let Some((folder, inside)) = file.path.split_once("/src/") {
            let module = Module { file, paths: paths(&file.text_before_tests()) };
            sources.entry(folder).or_default().insert(module_path(inside), module);
        }
    }
    sources.values().flat_map(|modules| graph_of(modules).circles()).collect()
}

/// The modules of one crate by their paths; the root's is empty.
type Modules<'t> = BTreeMap<Vec<String>, Module<'t>>;

struct Module<'t> {
    file: &'t SourceFile,
    paths: Vec<CodePath>,
}

/// `a/mod.rs` is `a`, `a/b.rs` is `a::b`, `lib.rs` and `main.rs` are the root.
fn module_path(inside: &str) -> Vec<String> {
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if matches!(stem, "lib" | "main") {
        return Vec::new();
    }
    stem.split('/').map(str::to_owned).collect()
}

fn graph_of<'t>(modules: &Modules<'t>) -> Graph<'t> {
    let mut graph = Graph::default();
    for (from, module) in modules {
        for path in module.paths.iter().filter(|path| !path.handed_on) {
            let target = absolute(modules, from, &path.segments);
            let target = target.and_then(|target| owner(modules, &target, REEXPORTS_MAX));
            let other = target.and_then(|target| modules.get(&target));
            if let Some(other) = other.filter(|other| other.file.path != module.file.path) {
                graph.add(&module.file.path, &other.file.path, module.file, path.line);
            }
        }
    }
    graph
}

/// A name that is handed on more often than this is left alone: more than any tree of ours does.
const REEXPORTS_MAX: usize = 8;

/// The path from the root of the crate; None for a path that leads out of it.
fn absolute(modules: &Modules<'_>, from: &[String], path: &[String]) -> Option<Vec<String>> {
    let supers = path.iter().take_while(|segment| *segment == "super").count();
    let (stem, rest) = match path.first()?.as_str() {
        "crate" => (&[][..], &path[1..]),
        "self" => (from, &path[1..]),
        "super" => (&from[..from.len().checked_sub(supers)?], &path[supers..]),
        child => {
            let module = [from, &[child.to_owned()]].concat();
            modules.contains_key(&module).then_some((from, path))?
        }
    };
    Some([stem, rest].concat())
}

/// The module in which what the path names is written, names handed on followed to their origin.
fn owner(modules: &Modules<'_>, path: &[String], reexports_left: usize) -> Option<Vec<String>> {
    let lengths = (0..=path.len()).rev();
    let module = lengths.map(|length| &path[..length]).find(|stem| modules.contains_key(*stem))?;
    let name = path.get(module.len());
    let handed_on = modules
        .get(module)?
        .paths
        .iter()
        .find(|path| path.handed_on && path.segments.len() > 1 && path.segments.last() == name);
    let origin = handed_on.and_then(|path| absolute(modules, module, &path.segments));
    match origin.filter(|_| reexports_left > 0) {
        Some(origin) => owner(modules, &origin, reexports_left - 1),
        None => Some(module.to_vec()),
    }
}

/// Who imports whom, and where it says so.
#[derive(Default)]
struct Graph<'t> {
    edges: BTreeMap<String, BTreeMap<String, (&'t SourceFile, usize)>>,
}

impl<'t> Graph<'t> {
    fn add(&mut self, from: &str, to: &str, file: &'t SourceFile, line: usize) {
        self.edges.entry(from.into()).or_default().entry(to.into()).or_insert((file, line));
    }

    /// One offence for each import that closes a circle.
    fn circles(&self) -> Vec<Offence> {
        let mut offences = Vec::new();
        let mut done = BTreeSet::new();
        for start in self.edges.keys() {
            self.walk(start, &mut Vec::new(), &mut done, &mut offences);
        }
        offences
    }

    fn walk<'g>(
        &'g self,
        node: &'g str,
        way: &mut Vec<&'g str>,
        done: &mut BTreeSet<&'g str>,
        offences: &mut Vec<Offence>,
    ) {
        if done.contains(node) {
            return;
        }
        way.push(node);
        for (next, (file, line)) in self.edges.get(node).into_iter().flatten() {
            if let Some(begin) = way.iter().position(|passed| passed == next) {
                let circle = way[begin..].join(" -> ");
                offences.push(file.offence(*line, format!("a circle: {circle} -> {next}")));
            } else {
                self.walk(next, way, done, offences);
            }
        }
        way.pop();
        done.insert(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample_tree};

    #[test]
    fn a_circle_of_crates_is_seen_and_tests_may_close_one() {
        let to_b = "[dependencies]\nb = { path = \"../b\" }\n";
        let to_a = "[dependencies]\na.workspace = true\n";
        let tree = sample_tree(&[("crates/a/Cargo.toml", to_b), ("crates/b/Cargo.toml", to_a)]);
        assert_eq!(lines_of(&none_between_crates(&tree)), [2]);
        let to_a = "[dev-dependencies]\na.workspace = true\n";
        let tree = sample_tree(&[("crates/a/Cargo.toml", to_b), ("crates/b/Cargo.toml", to_a)]);
        assert!(none_between_crates(&tree).is_empty());
    }

    #[test]
    fn a_circle_of_modules_is_seen() {
        let tree = sample_tree(&[
            ("crates/a/src/lib.rs", "mod one;\nmod two;\nmod three;\n"),
            ("crates/a/src/one.rs", "use crate::two::Two;\n"),
            ("crates/a/src/two.rs", "fn f() { super::three::g() }\n"),
            ("crates/a/src/three.rs", "use crate::{one::{One}};\n"),
        ]);
        let offences = none_between_modules(&tree);
        assert_eq!(offences.len(), 1);
        let said = offences[0].to_string();
        assert!(said.contains("one.rs -> crates/a/src/two.rs -> crates/a/src/three.rs"), "{said}");
    }

    #[test]
    fn a_circle_of_parent_and_child_is_seen() {
        let tree = sample_tree(&[
            ("crates/a/src/b/mod.rs", "mod c;\nfn f() { c::g() }\npub(crate) struct B;\n"),
            ("crates/a/src/b/c.rs", "use super::B;\n"),
        ]);
        assert_eq!(none_between_modules(&tree).len(), 1);
    }

    #[test]
    fn a_name_from_the_table_of_contents_leads_to_its_module() {
        let lib = ("crates/a/src/lib.rs", "pub use one::One;\npub use two::Two;\n");
        let one = ("crates/a/src/one.rs", "use crate::Two;\n");
        let fine = ("crates/a/src/two.rs", "pub struct Two;\n");
        assert!(none_between_modules(&sample_tree(&[lib, one, fine])).is_empty());
        let circle = ("crates/a/src/two.rs", "use crate::one::One;\n");
        assert_eq!(none_between_modules(&sample_tree(&[lib, one, circle])).len(), 1);
    }
}
