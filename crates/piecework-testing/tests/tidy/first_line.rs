//! The first line of each file says what the file is for.

use crate::tree::{Offence, SourceFile};

/// A line shorter than this many words says nothing yet.
const WORDS_MIN: usize = 3;

pub(crate) fn says_what_for(file: &SourceFile) -> Vec<Offence> {
    let Some(opening) = opening(file) else { return Vec::new() };
    let mut lines = file.lines();
    let mut first = lines.next().map_or("", |(_, line)| line);
    let mut number = 1;
    if first.starts_with("#!/") {
        number = 2;
        first = lines.next().map_or("", |(_, line)| line);
    }
    let said = opening.iter().find_map(|opening| first.strip_prefix(opening));
    if said.is_some_and(|said| said.split_whitespace().count() >= WORDS_MIN) {
        return Vec::new();
    }
    let what =
        format!("begin with `{} ...`, a sentence that says what the file is for", opening[0]);
    vec![file.offence(number, what)]
}

/// What the first line begins with, by kind of file; a Cargo.toml has its `description`.
fn opening(file: &SourceFile) -> Option<&'static [&'static str]> {
    let first_line = file.text.lines().next().unwrap_or_default();
    match file.name().rsplit('.').next() {
        Some("rs") => Some(&["//!"]),
        Some("py") => Some(&["\"\"\"", "#"]),
        Some("toml") if file.name() != "Cargo.toml" => Some(&["#"]),
        Some("sh" | "yml" | "yaml") => Some(&["#"]),
        // A script without an ending.
        _ if first_line.starts_with("#!/") => Some(&["#"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        lines_of(&says_what_for(&sample(path, text)))
    }

    #[test]
    fn a_file_that_begins_with_code_is_seen() {
        assert_eq!(lines("a.rs", "use std::fmt;\n//! Says it too late.\n"), [1]);
        assert_eq!(lines("a.py", "import sys\n"), [1]);
        assert_eq!(lines("a.toml", "[profile]\n"), [1]);
        assert_eq!(lines("run", "#!/bin/sh\nset -e\n"), [2]);
        assert_eq!(lines("a.rs", ""), [1]);
        assert_eq!(lines("a.rs", "//! Frames.\n"), [1]);
    }

    #[test]
    fn a_file_that_says_it_is_let_through() {
        assert!(lines("a.rs", "//! Cuts frames from bytes.\n").is_empty());
        assert!(
            lines("a.py", "#!/usr/bin/env python3\n\"\"\"Puts a hundred tasks.\"\"\"\n").is_empty()
        );
        assert!(lines("Cargo.toml", "[package]\n").is_empty());
        assert!(lines("a.md", "Title\n").is_empty());
    }
}
