//! Columns of a line: parted by a regular expression or as CSV, and trimmed.

use anyhow::bail;
use regex::bytes::Regex;

use super::rows::Row;

/// How a line becomes the arguments of a task.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// How it is parted.
    pub(super) part: Part,
    /// What is cut off each column.
    pub(super) trim: Trim,
}

/// How a line is parted into columns.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Not at all: the line is one argument.
    Whole,
    /// Where this matches.
    Regexp(Regex),
    /// As CSV (RFC 4180) with this byte between the columns.
    Csv(u8),
}

/// Where white space is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Trim {
    /// Nowhere
    N,
    /// At the start
    L,
    /// At the end
    R,
    /// At both ends
    #[value(alias = "rl")]
    Lr,
}

impl Columns {
    /// Parts a line.
    ///
    /// # Errors
    /// If a quote of CSV is not closed.
    pub(super) fn of(&self, line: Vec<u8>) -> anyhow::Result<Row> {
        let columns = match &self.part {
            Part::Whole => vec![line],
            Part::Regexp(regexp) => regexp.split(&line).map(<[u8]>::to_vec).collect(),
            Part::Csv(comma) => csv(&line, *comma)?,
        };
        Ok(columns.into_iter().map(|column| self.trim.of(column)).collect())
    }
}

impl Trim {
    fn of(self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::N => bytes,
            Self::L => bytes.trim_ascii_start().to_vec(),
            Self::R => bytes.trim_ascii_end().to_vec(),
            Self::Lr => bytes.trim_ascii().to_vec(),
        }
    }
}

/// Tells whether a quote of CSV is open at the end, so that the line goes on.
pub(super) fn is_open(line: &[u8]) -> bool {
    line.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// Parts a line of CSV: a column in double quotes may hold anything, a quote twice.
fn csv(line: &[u8], comma: u8) -> anyhow::Result<Row> {
    if is_open(line) {
        bail!(
            "a double quote is not closed in this line of CSV: {}\n\
             hint: a quote within a quoted column is written twice",
            line.escape_ascii()
        );
    }
    // A line that came from Windows has one more byte at its end.
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (mut columns, mut column, mut quoted) = (Vec::new(), Vec::new(), false);
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.next_if_eq(&b'"').is_some() => column.push(b'"'),
            b'"' => quoted = !quoted,
            byte if byte == comma && !quoted => columns.push(std::mem::take(&mut column)),
            byte => column.push(byte),
        }
    }
    columns.push(column);
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(part: Part, trim: Trim, line: &str) -> Vec<String> {
        let columns = Columns { part, trim }.of(line.as_bytes().to_vec()).unwrap();
        columns.into_iter().map(|column| String::from_utf8(column).unwrap()).collect()
    }

    #[test]
    fn columns_are_kept_even_if_empty() {
        let by = |regexp: &str, line| parted(Part::Regexp(regexp.parse().unwrap()), Trim::Lr, line);
        assert_eq!(by(",", "1,,2"), ["1", "", "2"]);
        assert_eq!(by(",", "1,2,,"), ["1", "2", "", ""]);
        assert_eq!(by(",", ""), [""]);
        assert_eq!(by(" +", "1   2"), ["1", "2"]);
        assert_eq!(by("\\t", "a b\tc"), ["a b", "c"]);
        assert_eq!(by(",", " a , b "), ["a", "b"]);
    }

    #[test]
    fn white_space_is_cut_where_asked() {
        let trimmed = |trim| parted(Part::Whole, trim, " a b\t").concat();
        assert_eq!(trimmed(Trim::N), " a b\t");
        assert_eq!(trimmed(Trim::L), "a b\t");
        assert_eq!(trimmed(Trim::R), " a b");
        assert_eq!(trimmed(Trim::Lr), "a b");
    }

    #[test]
    fn csv_is_read_with_its_quotes() {
        let csv = |line| parted(Part::Csv(b','), Trim::N, line);
        assert_eq!(csv("a,\"b c\",\"d \"\"e\"\"\""), ["a", "b c", "d \"e\""]);
        assert_eq!(csv("\"x\ny\",2,\r"), ["x\ny", "2", ""]);
        assert_eq!(csv("\"\",\"a,b\""), ["", "a,b"]);
        let columns = Columns { part: Part::Csv(b';'), trim: Trim::N };
        assert!(columns.of(b"a;\"b".to_vec()).unwrap_err().to_string().contains("not closed"));
    }
}
