//! Where the records of a stream begin and end (`--recstart`, `--recend`).

/// What stands on both sides of a border between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Borders {
    /// What each record ends with; may be empty.
    pub(super) end: Vec<u8>,
    /// What each record starts with; may be empty.
    pub(super) start: Vec<u8>,
}

impl Borders {
    /// Returns the last border, not counting both ends of the bytes.
    ///
    /// Where nothing is asked of a border, it is anywhere: then it is the end of the bytes.
    pub(super) fn last(&self, bytes: &[u8]) -> Option<usize> {
        if self.end.is_empty() && self.start.is_empty() {
            return (!bytes.is_empty()).then_some(bytes.len());
        }
        // With nothing to wait for behind it, the end of the bytes may be the border.
        let last = if self.start.is_empty() { bytes.len() } else { bytes.len().saturating_sub(1) };
        (1..=last).rev().find(|at| self.is_at(bytes, *at))
    }

    /// Returns the first border at or after `from`, which is at least 1.
    pub(super) fn first(&self, bytes: &[u8], from: usize) -> Option<usize> {
        (from.max(1)..=bytes.len()).find(|at| self.is_at(bytes, *at))
    }

    fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        let Some((before, after)) = bytes.split_at_checked(at) else { return false };
        before.ends_with(&self.end) && after.starts_with(&self.start)
    }

    /// How many bytes in front of the end may have to be looked at again once there are more.
    pub(super) fn undecided(&self) -> usize {
        self.start.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borders(end: &str, start: &str) -> Borders {
        Borders { end: end.into(), start: start.into() }
    }

    #[test]
    fn borders_lie_between_an_end_and_a_start() {
        let table = [
            ("\n", "", "a\nb\nc", Some(2), Some(4)),
            ("\n", "", "a\nb\n", Some(2), Some(4)),
            ("", ">", ">a>b>c", Some(2), Some(4)),
            (";", ">", ">a;>b>;c", Some(3), Some(3)),
            ("--", "", "a--b", Some(3), Some(3)),
            ("\n", "", "abc", None, None),
            ("", ">", ">abc", None, None),
            ("", "", "abc", Some(1), Some(3)),
            ("", "", "", None, None),
        ];
        for (end, start, text, first, last) in table {
            let borders = borders(end, start);
            assert_eq!(borders.first(text.as_bytes(), 1), first, "{text:?}");
            assert_eq!(borders.last(text.as_bytes()), last, "{text:?}");
        }
        assert_eq!(borders("\n", "").first(b"a\nb\nc", 3), Some(4));
    }
}
