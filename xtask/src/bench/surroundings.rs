//! What figures depend on: the machine, the versions, the commit.

use std::fmt::Write as _;
use std::fs;
use std::thread;

use crate::step::command;

/// Names and values, in the order in which they are told.
#[derive(Debug)]
pub(crate) struct Surroundings(Vec<(String, String)>);

impl Surroundings {
    /// Looks around before anything is measured; what is known of the tools comes behind.
    pub(crate) fn look(of_tools: &[(String, String)]) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processor.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("processor unknown");
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
        let machine = format!("{model}, {cores} cores, {}", said("uname", &["-sr"]));
        let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
        let commit = said("git", &["rev-parse", "--short=12", "HEAD"])
            + if changed { ", with changes" } else { "" };
        let mut known = vec![
            ("machine".to_owned(), machine),
            ("load before".to_owned(), load.to_owned()),
            ("commit".to_owned(), commit),
        ];
        known.extend_from_slice(of_tools);
        Self(known)
    }

    /// Each name with its value.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A list in Markdown.
    pub(crate) fn list(&self, rounds: usize) -> String {
        let mut list = format!("- rounds: {rounds}\n");
        for (name, value) in self.lines() {
            let _ = writeln!(list, "- {name}: {value}"); // to a string: it cannot fail
        }
        list
    }
}

/// What a program says in one line; nothing where it is missing.
pub(crate) fn said(program: &str, words: &[&str]) -> String {
    let told = command(program).args(words).output().map(|told| told.stdout).unwrap_or_default();
    String::from_utf8_lossy(&told).trim().to_owned()
}
