//! A writer that puts a tag and a tab in front of each line.

use std::io::{self, Write};

/// Passes on what is written to it.
#[derive(Debug)]
pub(super) struct Tagged<'a, W> {
    to: &'a mut W,
    tag: &'a [u8],
    at_start: bool,
}

impl<'a, W: Write> Tagged<'a, W> {
    pub(super) fn new(to: &'a mut W, tag: &'a [u8]) -> Self {
        Self { to, tag, at_start: true }
    }
}

impl<W: Write> Write for Tagged<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.at_start {
                self.to.write_all(self.tag)?;
                self.to.write_all(b"\t")?;
            }
            self.to.write_all(line)?;
            self.at_start = line.ends_with(b"\n");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_gets_its_tag_and_nothing_else_changes() {
        let tagged = |parts: &[&[u8]]| {
            let mut out = Vec::new();
            let mut tagged = Tagged::new(&mut out, b"k");
            parts.iter().for_each(|part| tagged.write_all(part).unwrap());
            out
        };
        assert_eq!(tagged(&[b"a\n\nb"]), b"k\ta\nk\t\nk\tb");
        assert_eq!(tagged(&[b"a", b"b\n", b"c"]), b"k\tab\nk\tc");
        assert_eq!(tagged(&[b""]), b"");
    }
}
