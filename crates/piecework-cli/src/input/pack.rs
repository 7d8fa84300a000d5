//! Several rows for one command: `-n`, and as many as fit with `-X`, `-m` and `--xargs`.

use std::collections::VecDeque;

use super::rows::{Row, Rows};

/// The most bytes of arguments that one command gets with `-X`, `-m` and `--xargs`: what Linux
/// allows a single string, and a sixteenth of what it commonly allows in all, so that arguments may
/// stand in the command several times and the environment fits beside them.
const ARGUMENTS_BYTES_MAX: usize = 128 << 10;

/// Gives each command `count` rows; the last gets what is left. With a count of 0, each row is one
/// command without arguments.
pub(super) fn by_count(mut rows: Rows, count: usize) -> Rows {
    let len = rows.len().map(|len| len.div_ceil(count.max(1) as u64));
    let packed = std::iter::from_fn(move || {
        let mut pack = rows.next()?;
        if count == 0 {
            return Some(pack.map(|_| Row::new()));
        }
        for _ in 1..count {
            match (&mut pack, rows.next()) {
                (Ok(pack), Some(Ok(row))) => pack.extend(row),
                (_, Some(Err(error))) => return Some(Err(error)),
                (Err(_), _) | (_, None) => break,
            }
        }
        Some(pack)
    });
    Rows::counted(packed, len)
}

/// Gives each command as many rows as fit, `count_max` at most.
///
/// With `slots`, the rows that are left when the input ends are spread evenly over so many
/// commands, so that no slot stands idle.
pub(super) fn by_size(rows: Rows, count_max: Option<usize>, slots: Option<usize>) -> Rows {
    let count_max = count_max.unwrap_or(usize::MAX).max(1);
    Rows::stream(Filled { rows, count_max, slots, ahead: VecDeque::new(), share: None, bytes: 0 })
}

struct Filled {
    rows: Rows,
    count_max: usize,
    slots: Option<usize>,
    /// Rows that were read and not given out.
    ahead: VecDeque<Row>,
    /// How many rows each command gets, once the end of the input is known to be near.
    share: Option<usize>,
    /// The bytes of the rows ahead. Between calls, at most what one row is longer than the limit.
    bytes: usize,
}

impl Filled {
    /// Reads until more is there than fits one command; returns whether that is so.
    fn fill(&mut self) -> anyhow::Result<bool> {
        while self.bytes <= ARGUMENTS_BYTES_MAX && self.ahead.len() <= self.count_max {
            let Some(row) = self.rows.next() else { return Ok(false) };
            let row = row?;
            self.bytes += bytes_of(&row);
            self.ahead.push_back(row);
        }
        Ok(true)
    }

    /// How many of the rows ahead fit one command; one always goes, for the system to judge.
    fn fitting(&self) -> usize {
        let mut bytes = 0;
        let fits = |row: &&Row| {
            bytes += bytes_of(row);
            bytes <= ARGUMENTS_BYTES_MAX
        };
        self.ahead.iter().take(self.count_max).take_while(fits).count().max(1)
    }
}

/// What a row takes in the arguments of a process: a zero byte ends each.
fn bytes_of(row: &Row) -> usize {
    row.iter().map(|arg| arg.len() + 1).sum()
}

impl Iterator for Filled {
    type Item = anyhow::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let full = match self.fill() {
            Ok(full) => full,
            Err(error) => return Some(Err(error)),
        };
        if !full && self.share.is_none() {
            self.share = self.slots.map(|slots| self.ahead.len().div_ceil(slots.max(1)));
        }
        let share = if full { usize::MAX } else { self.share.unwrap_or(usize::MAX) };
        let count = self.fitting().min(share.max(1)).min(self.ahead.len());
        let pack: Row = self.ahead.drain(..count).flatten().collect();
        self.bytes = self.bytes.saturating_sub(bytes_of(&pack));
        (count > 0).then_some(Ok(pack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Rows {
        Rows::held((1..=count).map(|n| vec![n.to_string().into_bytes()]).collect())
    }

    fn shown(rows: Rows) -> String {
        let rows = rows.map(|row| String::from_utf8(row.unwrap().join(&b' ')).unwrap());
        rows.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn rows_are_counted_off() {
        assert_eq!(by_count(numbers(3), 2).len(), Some(2));
        assert_eq!(shown(by_count(numbers(3), 2)), "1 2|3");
        assert_eq!(shown(by_count(numbers(4), 2)), "1 2|3 4");
        assert_eq!(shown(by_count(numbers(2), 0)), "|");
    }

    #[test]
    fn an_error_is_told_in_its_turn() {
        let broken = || {
            let fail = std::iter::once_with(|| Err(anyhow::anyhow!("broken")));
            Rows::stream(numbers(3).chain(fail))
        };
        for mut rows in [by_count(broken(), 2), by_size(broken(), Some(2), None)] {
            assert_eq!(rows.next().unwrap().unwrap().len(), 2);
            assert!(rows.next().unwrap().is_err());
        }
    }

    #[test]
    fn what_is_left_is_spread_over_the_slots() {
        assert_eq!(shown(by_size(numbers(5), None, Some(2))), "1 2 3|4 5");
        assert_eq!(shown(by_size(numbers(5), None, Some(4))), "1 2|3 4|5");
        assert_eq!(shown(by_size(numbers(5), Some(3), Some(4))), "1 2 3|4|5");
        assert_eq!(shown(by_size(numbers(4), Some(2), Some(4))), "1 2|3|4");
        assert_eq!(shown(by_size(numbers(5), None, None)), "1 2 3 4 5");
        assert_eq!(shown(by_size(numbers(0), None, Some(2))), "");
    }

    #[test]
    fn a_command_gets_no_more_than_fits() {
        let long = vec![b'x'; ARGUMENTS_BYTES_MAX / 2 - 1];
        let rows = |count| Rows::held(vec![vec![long.clone()]; count]);
        let counts = |rows| by_size(rows, None, None).map(|row| row.unwrap().len()).collect();
        let found: Vec<usize> = counts(rows(5));
        assert_eq!(found, [2, 2, 1]);
        let over: Vec<usize> = counts(Rows::held(vec![vec![vec![b'x'; 300_000]]; 2]));
        assert_eq!(over, [1, 1]);
    }
}
