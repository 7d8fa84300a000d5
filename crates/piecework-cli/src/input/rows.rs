//! Rows: the arguments of one task after the other, and how many there will be where that is known.

/// The arguments of one task.
pub(super) type Row = Vec<Vec<u8>>;

/// A stream of rows that may fail.
pub(crate) struct Rows {
    rows: Box<dyn Iterator<Item = anyhow::Result<Row>> + Send>,
    len: Option<u64>,
}

impl Rows {
    /// Takes rows of which nobody knows how many there are.
    pub(super) fn stream(rows: impl Iterator<Item = anyhow::Result<Row>> + Send + 'static) -> Self {
        Self { rows: Box::new(rows), len: None }
    }

    /// Takes rows of which there are `len`.
    pub(super) fn counted(
        rows: impl Iterator<Item = anyhow::Result<Row>> + Send + 'static,
        len: Option<u64>,
    ) -> Self {
        Self { rows: Box::new(rows), len }
    }

    /// Takes rows that are all there.
    pub(super) fn held(rows: Vec<Row>) -> Self {
        let len = rows.len() as u64;
        Self::counted(rows.into_iter().map(Ok), Some(len))
    }

    /// Returns how many rows are left, where that is known.
    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Reads all rows into memory.
    ///
    /// # Errors
    /// If they cannot be read, or are more than `bytes_max`.
    pub(super) fn hold(self, bytes_max: usize) -> anyhow::Result<Vec<Row>> {
        let mut held = Vec::new();
        let mut bytes = 0;
        for row in self {
            let row = row?;
            bytes += row_bytes(&row);
            if bytes > bytes_max {
                anyhow::bail!(
                    "more than {bytes_max} bytes of arguments would have to be held in memory\n\
                     hint: only the first source of arguments can be longer, and only without \
                     --link and --shuf"
                );
            }
            held.push(row);
        }
        Ok(held)
    }
}

/// What a row takes in memory, about.
fn row_bytes(row: &Row) -> usize {
    let headers = (row.len() + 1) * size_of::<Vec<u8>>();
    headers + row.iter().map(Vec::len).sum::<usize>()
}

impl Iterator for Rows {
    type Item = anyhow::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next();
        self.len = self.len.map(|len| len.saturating_sub(1));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_has_a_limit() {
        let rows = || Rows::stream((0..10).map(|_| Ok(vec![b"x".repeat(100)])));
        assert_eq!(rows().hold(2000).unwrap().len(), 10);
        let error = rows().hold(1000).unwrap_err().to_string();
        assert!(error.contains("1000 bytes") && error.contains("hint"), "{error}");
    }

    #[test]
    fn the_count_is_of_what_is_left() {
        let mut rows = Rows::held(vec![vec![], vec![]]);
        assert_eq!(rows.len(), Some(2));
        assert!(rows.next().is_some());
        assert_eq!(rows.len(), Some(1));
    }
}
