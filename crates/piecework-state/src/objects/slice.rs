//! Slices as Python has them: which places they mean in so many items.

use crate::error::StateError;

/// `start:stop:step`, as it was written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Slice {
    /// Where it begins.
    pub start: Option<i64>,
    /// Where it ends.
    pub stop: Option<i64>,
    /// How far it goes each time.
    pub step: Option<i64>,
}

impl Slice {
    /// Whether it goes forward one by one.
    pub(super) fn is_run(self) -> bool {
        self.step.is_none_or(|step| step == 1)
    }

    /// Where it begins and ends in so many items, going forward one by one.
    pub(super) fn range(self, len: usize) -> (usize, usize) {
        let clamp = |at: Option<i64>, or: usize| match at {
            None => or,
            Some(at) => place(at, len, 0, len),
        };
        (clamp(self.start, 0), clamp(self.stop, len))
    }

    /// The places that it means in so many items, in its order: `PySlice_AdjustIndices`.
    pub(super) fn indices(self, len: usize) -> Result<Vec<usize>, StateError> {
        let step = self.step.unwrap_or(1);
        let Ok(stride) = usize::try_from(step.unsigned_abs()) else { return Ok(Vec::new()) };
        if step == 0 {
            let message = "slice step cannot be zero".to_owned();
            return Err(StateError::Raised { class: "ValueError", message });
        }
        if step > 0 {
            let (start, stop) = self.range(len);
            return Ok((start..stop).step_by(stride).collect());
        }
        // Backward: counted from one behind, so that "before the first" is a place too.
        let start = self.start.map_or(len, |at| place(at, len, 0, len.saturating_sub(1)) + 1);
        let start = if self.start.is_some_and(|at| before_first(at, len)) { 0 } else { start };
        let stop = self.stop.map_or(0, |at| match before_first(at, len) {
            true => 0,
            false => place(at, len, 0, len) + 1,
        });
        Ok((stop..start.min(len)).rev().step_by(stride).collect())
    }
}

fn before_first(at: i64, len: usize) -> bool {
    at < 0 && at.unsigned_abs() > len as u64
}

/// The place that `at` means, from the end where it is negative, within these bounds.
fn place(at: i64, len: usize, low: usize, high: usize) -> usize {
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if at < 0 { at.saturating_add(signed) } else { at };
    usize::try_from(at).unwrap_or(low).clamp(low, high.max(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(start: impl Into<Option<i64>>, stop: impl Into<Option<i64>>, step: i64) -> Vec<usize> {
        let step = Some(step);
        Slice { start: start.into(), stop: stop.into(), step }.indices(5).unwrap()
    }

    #[test]
    fn slices_mean_what_they_mean_to_python() {
        assert_eq!(slice(None, None, 1), [0, 1, 2, 3, 4]);
        assert_eq!(slice(1, -1, 1), [1, 2, 3]);
        assert_eq!(slice(-2, 99, 1), [3, 4]);
        assert_eq!(slice(3, 1, 1), [0; 0]);
        assert_eq!(slice(None, None, 2), [0, 2, 4]);
        assert_eq!(slice(None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(slice(3, None, -2), [3, 1]);
        assert_eq!(slice(99, 1, -1), [4, 3, 2]);
        assert_eq!(slice(-2, -9, -1), [3, 2, 1, 0]);
        assert_eq!(slice(-9, None, -1), [0; 0]);
        assert_eq!(slice(0, None, -1), [0]);
        assert_eq!(slice(4, 4, -1), [0; 0]);
        let empty = Slice { step: Some(-1), ..Slice::default() };
        assert_eq!(empty.indices(0).unwrap(), [0; 0]);
        assert!(Slice { step: Some(0), ..empty }.indices(5).is_err());
    }
}
