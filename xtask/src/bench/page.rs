//! Sections of docs/benchmarks.md that come out of a run: each between two marks.

use std::fs;

use crate::step::{Outcome, root, say};

const PAGE: &str = "docs/benchmarks.md";

/// Puts a section of the page in the place of what it was before.
pub(crate) fn write(name: &str, section: &str) -> Outcome {
    let file = root().join(PAGE);
    let page = fs::read_to_string(&file).map_err(|error| format!("{PAGE}: {error}"))?;
    let page = with_section(&page, name, section)?;
    fs::write(&file, page).map_err(|error| format!("{PAGE}: {error}"))?;
    say(&format!("    {PAGE}: the section `{name}` is of this run now"));
    Ok(())
}

fn with_section(page: &str, name: &str, section: &str) -> Outcome<String> {
    let [begin, end] = ["begin", "end"].map(|word| format!("<!-- bench {name}: {word} -->\n"));
    let parts = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or_else(|| {
        format!("{PAGE}: the marks are missing: put in these lines\n{begin}{end}")
    })?;
    Ok(format!("{before}{begin}\n{section}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_the_old_one() {
        let page = "a\n<!-- bench x: begin -->\nold\n<!-- bench x: end -->\nb\n";
        let once = with_section(page, "x", "new\n").unwrap();
        assert_eq!(once, "a\n<!-- bench x: begin -->\n\nnew\n\n<!-- bench x: end -->\nb\n");
        assert_eq!(with_section(&once, "x", "new\n").unwrap(), once);
        assert!(with_section(page, "y", "").unwrap_err().contains("<!-- bench y: begin -->"));
    }
}
