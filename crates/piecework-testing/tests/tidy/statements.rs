//! Rules about single lines and statements: length, `matches!` that checks nothing, sleep in tests.

use crate::tree::{Offence, SourceFile};

/// As rustfmt.toml has it; rustfmt leaves comments and long strings as they are.
const LINE_COLUMNS_MAX: usize = 100;
/// For a line with a string in it, which cannot always be broken.
const STRING_LINE_COLUMNS_MAX: usize = 120;
/// One idea takes 100 to 300 lines; at this length a file holds two.
const FILE_LINES_MAX: usize = 500;
/// A comment with this word, on the line or above it, says why a test sleeps all the same.
const SLEEP_ALLOWED: &str = "rhythm:";

pub(crate) fn lines_are_short(file: &SourceFile) -> Vec<Offence> {
    if !file.is_rust() && !file.is_python() {
        return Vec::new();
    }
    let offence = |(number, line): (usize, &str)| {
        let has_string = line.contains('"') || line.contains('\'');
        let max = if has_string { STRING_LINE_COLUMNS_MAX } else { LINE_COLUMNS_MAX };
        let columns = line.chars().count();
        // An address cannot be broken at all.
        (columns > max && !line.contains("https://"))
            .then(|| file.offence(number, format!("{columns} columns; {max} are the limit")))
    };
    file.lines().filter_map(offence).collect()
}

pub(crate) fn files_are_short(file: &SourceFile) -> Vec<Offence> {
    let lines = file.lines().count();
    if lines <= FILE_LINES_MAX || !(file.is_rust() || file.is_python()) {
        return Vec::new();
    }
    vec![file.offence(lines, format!("{lines} lines: {FILE_LINES_MAX} are the limit, divide it"))]
}

/// `matches!(..);` as a statement checks nothing; it was meant to stand in an `assert!`.
pub(crate) fn no_bare_matches(file: &SourceFile) -> Vec<Offence> {
    if !file.is_rust() {
        return Vec::new();
    }
    let mut offences = Vec::new();
    let mut before = '{';
    let mut begin = 0;
    for line in file.text.split_inclusive('\n') {
        let code = line.trim();
        let begins_statement = matches!(before, ';' | '{' | '}');
        if begins_statement && code.starts_with("matches!(") {
            let statement = &file.text[begin..];
            if after_parentheses(statement).is_some_and(|rest| rest.trim_start().starts_with(';')) {
                let number = file.text[..begin].lines().count() + 1;
                offences
                    .push(file.offence(number, "a bare `matches!(..);` checks nothing: assert!"));
            }
        }
        if !code.is_empty() && !code.starts_with("//") {
            before = code.chars().last().unwrap_or(before);
        }
        begin += line.len();
    }
    offences
}

/// What follows the first pair of parentheses that closes.
fn after_parentheses(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return text.get(index + 1..);
        }
    }
    None
}

pub(crate) fn no_sleep_in_tests(file: &SourceFile) -> Vec<Offence> {
    if !file.is_rust() && !file.is_python() {
        return Vec::new();
    }
    let all_tests = file.path.starts_with("tests/") || file.path.contains("/tests/");
    let tests_begin = if all_tests { 1 } else { file.tests_begin() };
    let mut above = "";
    let mut offences = Vec::new();
    for (number, line) in file.lines() {
        let allowed = line.contains(SLEEP_ALLOWED) || above.contains(SLEEP_ALLOWED);
        if number >= tests_begin && !allowed && calls_sleep(line) {
            let what = "a test sleeps: wait until, or pause time; else say why after `rhythm:`";
            offences.push(file.offence(number, what));
        }
        above = line;
    }
    offences
}

/// A call of a function named `sleep`, not its definition, nor a mention in a comment or a string.
fn calls_sleep(line: &str) -> bool {
    let code = line.trim_start();
    if code.starts_with("//") || code.starts_with('#') {
        return false;
    }
    code.match_indices("sleep(").any(|(index, _)| {
        let before = &code[..index];
        let begins_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let in_string = before.replace("\\\"", "").matches('"').count() % 2 == 1;
        begins_word && !in_string && !before.ends_with("fn ") && !before.ends_with("def ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{lines_of, sample};

    #[test]
    fn a_long_line_is_seen_and_a_string_has_more_room() {
        let comment = format!("// {}\n", "x".repeat(98));
        assert_eq!(lines_of(&lines_are_short(&sample("a.rs", &comment))), [1]);
        let string = format!("let a = 1;\nlet b = \"{}\";\n", "x".repeat(100));
        assert!(lines_are_short(&sample("a.rs", &string)).is_empty());
        let string = format!("let a = 1;\nlet b = \"{}\";\n", "x".repeat(111));
        assert_eq!(lines_of(&lines_are_short(&sample("a.rs", &string))), [2]);
        assert!(lines_are_short(&sample("a.md", &comment)).is_empty());
    }

    #[test]
    fn a_long_file_is_seen() {
        let text = "x\n".repeat(FILE_LINES_MAX);
        assert!(files_are_short(&sample("a.rs", &text)).is_empty());
        assert_eq!(files_are_short(&sample("a.py", &(text + "x\n"))).len(), 1);
    }

    #[test]
    fn a_bare_matches_is_seen() {
        let bare = "fn f() {\n    g();\n    matches!(x, Err(E::V(_)));\n}\n";
        assert_eq!(lines_of(&no_bare_matches(&sample("a.rs", bare))), [3]);
        let broken = "fn f() {\n    matches!(\n        x,\n        Some(1)\n    );\n}\n";
        assert_eq!(lines_of(&no_bare_matches(&sample("a.rs", broken))), [2]);
    }

    #[test]
    fn a_matches_that_is_used_is_let_through() {
        let tail = "fn f() -> bool {\n    matches!(x, Some(1))\n}\n";
        assert!(no_bare_matches(&sample("a.rs", tail)).is_empty());
        let bound = "fn f() {\n    let a =\n        matches!(x, Some(1));\n}\n";
        assert!(no_bare_matches(&sample("a.rs", bound)).is_empty());
        let asserted = "fn f() {\n    assert!(\n        matches!(x, Some(1)),\n    );\n}\n";
        assert!(no_bare_matches(&sample("a.rs", asserted)).is_empty());
    }

    #[test]
    fn a_sleep_in_a_test_is_seen() {
        let inner =
            "fn f() { sleep(x); }\n#[cfg(test)]\nmod tests {\n    fn g() { sleep(x); }\n}\n";
        assert_eq!(lines_of(&no_sleep_in_tests(&sample("crates/a/src/b.rs", inner))), [4]);
        let python = "import time\ntime.sleep(1)\n";
        assert_eq!(lines_of(&no_sleep_in_tests(&sample("tests/interop/a.py", python))), [2]);
        let tokio = "async fn f() {\n    tokio::time::sleep(x).await;\n}\n";
        assert_eq!(lines_of(&no_sleep_in_tests(&sample("crates/a/tests/b.rs", tokio))), [2]);
    }

    #[test]
    fn a_sleep_with_its_reason_is_let_through() {
        let above = "# rhythm: the killer's own\ntime.sleep(0.25)\n";
        assert!(no_sleep_in_tests(&sample("tests/a.py", above)).is_empty());
        let beside = "time.sleep(0.25)  # rhythm: the killer's own\n";
        assert!(no_sleep_in_tests(&sample("tests/a.py", beside)).is_empty());
        assert!(
            no_sleep_in_tests(&sample("tests/a.py", "child = start(\"sleep(9)\")\n")).is_empty()
        );
        assert!(no_sleep_in_tests(&sample("tests/a.py", "def sleep(n):\n")).is_empty());
    }
}
