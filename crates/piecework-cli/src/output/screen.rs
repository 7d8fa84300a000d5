//! A block of text on a terminal that is painted anew in the place of the last one.

use std::fmt::Write as _;
use std::io::{self, Write};

/// The size of a terminal that does not say how large it is.
const SIZE: (usize, usize) = (24, 80);

/// Paints a text over the whole terminal: what does not fit is left out, so that nothing scrolls.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn repaint(text: &str) -> io::Result<()> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let size = size.map(|size| (size.ws_row.into(), size.ws_col.into()));
    let (rows, columns) = size.filter(|(rows, columns)| *rows > 1 && *columns > 0).unwrap_or(SIZE);
    let mut stdout = io::stdout().lock();
    stdout.write_all(painted(text, rows, columns).as_bytes())?;
    stdout.flush()
}

/// From the upper left corner on, each line is cleared behind its end, and all below the last.
fn painted(text: &str, rows: usize, columns: usize) -> String {
    let mut painted = "\x1b[H".to_owned();
    // The cursor stands below the last line.
    for line in text.lines().take(rows - 1) {
        let line: String = line.chars().take(columns).collect();
        let _ = writeln!(painted, "{line}\x1b[K");
    }
    painted + "\x1b[J"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        let painted = painted("abcdef\ngh\nijk\nlm\n", 4, 4);
        assert_eq!(painted, "\x1b[Habcd\x1b[K\ngh\x1b[K\nijk\x1b[K\n\x1b[J");
    }
}
