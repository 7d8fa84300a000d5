//! What the Markdown files say of the tree is true: links lead somewhere, named files exist.

use crate::tree::{Offence, SourceFile, Tree};

/// Folders of the repository: a path in a text that begins with one of them means a file of ours.
const FOLDERS: [&str; 9] =
    ["crates/", "docs/", "tests/", "xtask/", "python/", "fuzz/", ".ci/", ".config/", ".cargo/"];
/// Endings by which a name without a folder means a file of ours, somewhere in the tree.
const ENDINGS: [&str; 2] = [".md", ".rs"];

pub(crate) fn links_resolve(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in tree.with_ending(".md") {
        for (number, line) in prose(file) {
            for target in link_targets(&without_code(line)) {
                if let Some(what) = broken(tree, file, target) {
                    offences.push(file.offence(number, what));
                }
            }
        }
    }
    offences
}

fn broken(tree: &Tree, file: &SourceFile, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { file.path.clone() } else { beside(file, path) };
    let Some(linked) = tree.files.iter().find(|other| other.path == path) else {
        let missing = || format!("link to `{target}`: there is no {path}");
        return (!tree.has(&path)).then(missing);
    };
    let there = heading.is_empty() || anchors(linked).any(|anchor| anchor == heading);
    (!there).then(|| format!("link to `{target}`: {path} has no such heading"))
}

pub(crate) fn named_files_exist(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in tree.with_ending(".md") {
        for (number, line) in prose(file) {
            // The odd parts lie between two backticks.
            for name in line.split('`').skip(1).step_by(2) {
                if means_a_file(name) && !exists(tree, file, name) {
                    offences.push(file.offence(number, format!("`{name}` is not in the tree")));
                }
            }
        }
    }
    offences
}

fn means_a_file(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "._-/*".contains(c);
    let in_folder = FOLDERS.iter().any(|folder| name.starts_with(folder));
    let by_ending = !name.contains('/') && ENDINGS.iter().any(|ending| name.ends_with(ending));
    name.chars().all(is_plain) && (in_folder || by_ending)
}

fn exists(tree: &Tree, file: &SourceFile, name: &str) -> bool {
    // Of `tests/golden/py3.*/` the part before the star must be there.
    let fixed = name.split('*').next().unwrap_or(name);
    let begins = |path: &str| tree.files.iter().any(|other| other.path.starts_with(path));
    if fixed.len() < name.len() {
        return begins(fixed) || begins(&beside(file, fixed));
    }
    let bare = !name.contains('/') && tree.files.iter().any(|other| other.name() == name);
    bare || tree.has(name) || tree.has(&beside(file, name))
}

/// The path from the root of what a file calls `path`.
fn beside(file: &SourceFile, path: &str) -> String {
    let mut parts: Vec<_> = file.folder().split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The lines outside fenced blocks of code.
fn prose(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    file.lines().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        !in_fence && !is_fence
    })
}

/// What stands in `](...)`, the title after it left out.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.filter_map(|(target, _)| target.split_whitespace().next())
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// The names under which the headings of a Markdown file can be linked to.
fn anchors(file: &SourceFile) -> impl Iterator<Item = String> {
    let headings = prose(file).filter(|(_, line)| line.starts_with('#'));
    headings.map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample};

    fn tree(text: &str) -> Tree {
        let mut files = vec![sample("docs/guide.md", text), sample("crates/a/src/b.rs", "")];
        files.push(sample("README.md", "# Title\n## Two words, here\n"));
        Tree { files }
    }

    #[test]
    fn a_broken_link_is_seen() {
        let text = "[a](items.md)\n[b](../README.md)\n[c](../README.md#three)\n[d](#none)\n";
        assert_eq!(lines_of(&links_resolve(&tree(text))), [1, 3, 4]);
    }

    #[test]
    fn links_that_resolve_are_let_through() {
        let text = "[a](../README.md#two-words-here), [b](https://example.org/x), `[c](d)`\n\
            ```\n[e](f)\n```\n[g](../crates/a)\n";
        assert!(links_resolve(&tree(text)).is_empty());
    }

    #[test]
    fn a_named_file_that_is_missing_is_seen() {
        let text = "`crates/a/src/c.rs`\n`CHANGES.md`\n`crates/b/*`\n`.ci/run`\n";
        assert_eq!(lines_of(&named_files_exist(&tree(text))), [1, 2, 3, 4]);
    }

    #[test]
    fn named_files_that_exist_and_other_words_are_let_through() {
        let text = "`crates/a/src/b.rs`, `crates/a/*`, `b.rs`, `crates/a/`, `task_master.py`\n\
            `cargo xtask test`, `and/or`, `target/release/piecework`\n";
        assert!(named_files_exist(&tree(text)).is_empty());
    }
}
