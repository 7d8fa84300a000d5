//! The files of the repository as the rules see them, and how an offence is reported.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What is not the project's own text: what tools build or keep.
const LEFT_OUT: [&str; 6] =
    [".git", "target", "__pycache__", ".pytest_cache", "node_modules", "Cargo.lock"];

/// Every file of the repository.
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

/// One file: where it is from the root, with `/` between, and its text.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Offence {
    path: String,
    /// From 1, as editors count.
    line: usize,
    what: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

impl Tree {
    /// Reads the repository that cargo runs this test in. (Not the one it was built from: a target
    /// folder that two checkouts share hands the built test from one to the other.)
    pub(crate) fn read() -> Self {
        let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
        let root = Path::new(&package).join("../..").canonicalize().unwrap();
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = path.file_name().unwrap().to_string_lossy();
                if LEFT_OUT.contains(&&*name) || name.starts_with(".venv") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(file) = SourceFile::read(&root, &path) {
                    files.push(file);
                }
            }
        }
        assert!(
            files.iter().any(|file| file.path == "Cargo.toml"),
            "{} is no root",
            root.display()
        );
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Self { files }
    }

    /// Whether there is a file or a folder at this path from the root.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = |file: &SourceFile| {
            file.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        path.is_empty() || self.files.iter().any(below)
    }

    /// The files with this ending, such as `.md`.
    pub(crate) fn with_ending(&self, ending: &str) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| file.path.ends_with(ending))
    }
}

impl SourceFile {
    /// None where the file went away under the walk: an editor's or a tool's, not the project's.
    fn read(root: &Path, path: &PathBuf) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let inside = path.strip_prefix(root).unwrap().to_str().expect("a path of ours is UTF-8");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(Self { path: inside.replace('\\', "/"), text })
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_python(&self) -> bool {
        self.path.ends_with(".py")
    }

    /// The file's own name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder it is in, empty for the root.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The lines with their numbers from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The line from which on a Rust file is its own unit tests, which stand last.
    pub(crate) fn tests_begin(&self) -> usize {
        let mut marked = false;
        for (number, line) in self.lines() {
            if marked && line.starts_with("mod ") && line.ends_with('{') {
                return number - 1;
            }
            marked = line.starts_with("#[cfg(") && line.contains("test");
        }
        usize::MAX
    }

    /// A Rust file without its unit tests.
    pub(crate) fn text_before_tests(&self) -> String {
        let end = self.tests_begin().saturating_sub(1);
        self.text.split_inclusive('\n').take(end).collect()
    }

    pub(crate) fn offence(&self, line: usize, what: impl Into<String>) -> Offence {
        Offence { path: self.path.clone(), line, what: what.into() }
    }
}

/// A file made up for the test of a rule.
pub(crate) fn sample(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

/// A tree made up for the test of a rule.
pub(crate) fn sample_tree(files: &[(&str, &str)]) -> Tree {
    Tree { files: files.iter().map(|(path, text)| sample(path, text)).collect() }
}

/// The lines at which a rule sees offences.
pub(crate) fn lines_of(offences: &[Offence]) -> Vec<usize> {
    offences.iter().map(|offence| offence.line).collect()
}
