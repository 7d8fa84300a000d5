//! Rows in random order.

use anyhow::Context;

use super::combine::HELD_BYTES_MAX;
use super::rows::Rows;

/// Reads all rows and shuffles them.
///
/// # Errors
/// If they cannot be read or are too many to be held, or if the system has no random numbers.
pub(super) fn shuffled(rows: Rows) -> anyhow::Result<Rows> {
    let mut rows = rows.hold(HELD_BYTES_MAX)?;
    for last in (1..rows.len()).rev() {
        let random = getrandom::u64().context("the system gives no random numbers for --shuf")?;
        // A remainder of 64 random bits is even enough for any number of rows that fit in memory.
        let other = usize::try_from(random % (last as u64 + 1))?;
        rows.swap(last, other);
    }
    Ok(Rows::held(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_changes_and_nothing_is_lost() {
        let sorted: Vec<_> = (0..1000).map(|n: u32| vec![n.to_be_bytes().to_vec()]).collect();
        let mut found: Vec<_> =
            shuffled(Rows::held(sorted.clone())).unwrap().map(Result::unwrap).collect();
        assert_ne!(found, sorted); // by chance once in 1000! times
        found.sort();
        assert_eq!(found, sorted);
        assert_eq!(shuffled(Rows::held(vec![])).unwrap().count(), 0);
    }
}
