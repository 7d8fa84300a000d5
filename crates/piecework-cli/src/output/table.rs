//! Tables for people: columns as wide as what is in them.

use std::fmt::Write;

/// A heading, and whether what is below it is text, which begins at the left.
pub(crate) type Column<'a> = (&'a str, bool);

/// A table with its headings. Every row has a cell for each column.
pub(crate) fn table(columns: &[Column<'_>], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let lines = || std::iter::once(&head).chain(rows);
    let width = |at| {
        let cells = lines().filter_map(|line| line.get(at));
        cells.map(|cell: &String| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in lines() {
        let mut out = String::new();
        for ((cell, (_, is_text)), width) in line.iter().zip(columns).zip(&widths) {
            let _ = match is_text {
                true => write!(out, "{cell:<width$}  "),
                false => write!(out, "{cell:>width$}  "),
            };
        }
        let _ = writeln!(text, "{}", out.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_begins_at_the_left_and_numbers_end_at_the_right() {
        let rows = [["a", "1,000"], ["longer", "1"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = "QUEUE   READY\na       1,000\nlonger      1\n";
        assert_eq!(table(&[("QUEUE", true), ("READY", false)], &rows), expected);
    }
}
