//! What the processes of a bout said that nobody should say, whatever is done to them.

use std::path::Path;
use std::{fs, io};

/// A panic of ours, an error of the manager's, and an exception that a program did not expect.
const WRONG: [&str; 3] = ["panicked at", " ERROR ", "Traceback (most recent call last)"];

/// The lines that show it, each behind the name of its file.
pub(crate) fn wrong_lines(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().display();
        // What a task or a result brought along may be cut in the middle of a character.
        let text = fs::read(&path)?;
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().enumerate();
        let wrong = lines.filter(|(_, line)| WRONG.iter().any(|wrong| line.contains(wrong)));
        found.extend(wrong.map(|(number, line)| format!("{name}:{}: {line}", number + 1)));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_found_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name, text| fs::write(folder.path().join(name), text).unwrap();
        write("a.log", "the manager is gone: EOFError()\n");
        write("b.log", "fine\nTraceback (most recent call last):\n  ...\nKeyError\n");
        write("c.log", "2026-01-01 ERROR no\nthread 'main' panicked at here\n");
        assert_eq!(
            wrong_lines(folder.path()).unwrap(),
            [
                "b.log:2: Traceback (most recent call last):",
                "c.log:1: 2026-01-01 ERROR no",
                "c.log:2: thread 'main' panicked at here",
            ]
        );
    }
}
