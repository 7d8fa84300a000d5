//! Several sources of rows made one: side by side, or in all combinations.

use super::rows::{Row, Rows};

/// What may be held in memory: every source but the first, whose rows are needed again and again.
/// A million names of files are some 100 MiB.
pub(super) const HELD_BYTES_MAX: usize = 512 << 20;

/// Returns all combinations of the sources' rows, the last source varying fastest. Only the first
/// is read as it is needed.
///
/// # Errors
/// If another cannot be read or is too long.
pub(super) fn product(sources: Vec<Rows>) -> anyhow::Result<Rows> {
    let sources = if sources.len() > 1 { never_empty(sources) } else { sources };
    let mut sources = sources.into_iter();
    let Some(first) = sources.next() else { return Ok(Rows::held(Vec::new())) };
    let rest = sources.map(|rows| rows.hold(HELD_BYTES_MAX)).collect::<Result<Vec<_>, _>>()?;
    if rest.is_empty() {
        return Ok(first);
    }
    let each = rest.iter().map(|rows| rows.len() as u64).fold(1, u64::saturating_mul);
    let len = first.len().map(|len| len.saturating_mul(each));
    let product = Product { first, current: None, at: vec![0; rest.len()], rest };
    Ok(Rows::counted(product, len))
}

/// As GNU parallel has it: beside others, an empty source gives one empty argument; if all are
/// empty, nothing is left.
fn never_empty(sources: Vec<Rows>) -> Vec<Rows> {
    let mut all_empty = true;
    let filled = sources.into_iter().map(|mut rows| match rows.next() {
        None => Rows::held(vec![vec![Vec::new()]]),
        Some(first) => {
            all_empty = false;
            let len = rows.len().map(|len| len.saturating_add(1));
            Rows::counted(std::iter::once(first).chain(rows), len)
        }
    });
    let filled = filled.collect();
    if all_empty { Vec::new() } else { filled }
}

struct Product {
    first: Rows,
    /// The row of the first source whose combinations are under way.
    current: Option<Row>,
    /// Never holds an empty list.
    rest: Vec<Vec<Row>>,
    /// The row of each of the rest that comes next.
    at: Vec<usize>,
}

impl Iterator for Product {
    type Item = anyhow::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut row = match &self.current {
            Some(row) => row.clone(),
            None => match self.first.next()? {
                Ok(row) => self.current.insert(row).clone(),
                Err(error) => return Some(Err(error)),
            },
        };
        let others = self.rest.iter().zip(&self.at).filter_map(|(rows, at)| rows.get(*at));
        row.extend(others.flatten().cloned());
        // Counts up, the last place first.
        for (at, rows) in self.at.iter_mut().zip(&self.rest).rev() {
            *at += 1;
            if *at < rows.len() {
                return Some(Ok(row));
            }
            *at = 0;
        }
        self.current = None;
        Some(Ok(row))
    }
}

/// Returns the rows of the sources side by side; the shortest ends them.
pub(super) fn side_by_side(mut sources: Vec<Rows>) -> Rows {
    if sources.len() == 1
        && let Some(only) = sources.pop()
    {
        return only;
    }
    let len = sources.iter().filter_map(Rows::len).min();
    let len = len.filter(|_| sources.iter().all(|rows| rows.len().is_some()));
    let rows = std::iter::from_fn(move || {
        let row: Option<anyhow::Result<Vec<Row>>> =
            sources.iter_mut().map(Iterator::next).collect();
        row.map(|row| row.map(|parts| parts.concat()))
    });
    Rows::counted(rows, len)
}

/// Returns the rows of the sources side by side, a shorter source from its beginning again and
/// again (`--link`).
///
/// # Errors
/// If a source cannot be read or is too long.
pub(super) fn wrapped(sources: Vec<Rows>) -> anyhow::Result<Rows> {
    let held = sources.into_iter().map(|rows| rows.hold(HELD_BYTES_MAX));
    let held = held.collect::<Result<Vec<_>, _>>()?;
    let len = held.iter().map(Vec::len).max().unwrap_or_default();
    let rows = (0..len).map(move |number| {
        let parts = held.iter().filter_map(|rows| rows.get(number.checked_rem(rows.len())?));
        Ok(parts.flatten().cloned().collect())
    });
    Ok(Rows::counted(rows, Some(len as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: &str) -> Rows {
        Rows::held(text.split_whitespace().map(|word| vec![word.as_bytes().to_vec()]).collect())
    }

    fn shown(rows: Rows) -> (Option<u64>, String) {
        let len = rows.len();
        let rows = rows.map(|row| String::from_utf8(row.unwrap().join(&b'-')).unwrap());
        (len, rows.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn all_combinations_come_with_the_last_varying_fastest() {
        let (len, rows) = shown(product(vec![held("1 2"), held("a b"), held("x y")]).unwrap());
        assert_eq!(rows, "1-a-x 1-a-y 1-b-x 1-b-y 2-a-x 2-a-y 2-b-x 2-b-y");
        assert_eq!(len, Some(8));
    }

    #[test]
    fn of_several_sources_an_empty_one_is_an_empty_argument() {
        assert_eq!(shown(product(vec![held("1 2"), held("")]).unwrap()), (Some(2), "1- 2-".into()));
        assert_eq!(shown(product(vec![held(""), held("a")]).unwrap()), (Some(1), "-a".into()));
        for all_empty in [vec![held("")], vec![held(""), held("")], vec![]] {
            assert_eq!(shown(product(all_empty).unwrap()), (Some(0), String::new()));
        }
    }

    #[test]
    fn the_first_source_is_read_as_it_is_needed() {
        let endless = Rows::stream((0u64..).map(|n| Ok(vec![n.to_string().into_bytes()])));
        let mut rows = product(vec![endless, held("a b")]).unwrap();
        assert_eq!(rows.len(), None);
        assert_eq!(rows.by_ref().nth(5).unwrap().unwrap(), [b"2", b"b"]);
    }

    #[test]
    fn the_shortest_of_linked_sources_ends_them() {
        assert_eq!(
            shown(side_by_side(vec![held("1 2 3"), held("a b")])),
            (Some(2), "1-a 2-b".into())
        );
        assert_eq!(shown(side_by_side(vec![held("1 2")])), (Some(2), "1 2".into()));
        let stream = Rows::stream(held("a b"));
        assert_eq!(shown(side_by_side(vec![held("1 2 3"), stream])), (None, "1-a 2-b".into()));
    }

    #[test]
    fn a_shorter_source_wraps_with_link() {
        let rows = wrapped(vec![held("1 2 3"), held("a b"), held("")]).unwrap();
        assert_eq!(shown(rows), (Some(3), "1-a 2-b 3-a".into()));
    }
}
