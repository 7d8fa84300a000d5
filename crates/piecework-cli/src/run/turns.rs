//! Whose turn it is to be printed: the pieces in the order in which they were fed. Their numbers
//! alone do not tell, as a run that goes on with an earlier one leaves some out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The pieces that are fed and not printed.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<Fed>);

#[derive(Debug, Default)]
struct Fed {
    order: VecDeque<u64>,
    /// What is put in front of each line of a piece, where lines are printed as they come.
    tags: HashMap<u64, Vec<u8>>,
}

impl Turns {
    /// This piece is fed now. It is remembered until it is printed.
    pub(crate) fn fed(&self, seq: u64) {
        self.lock().order.push_back(seq);
    }

    /// So are the lines of this piece marked, until it has ended.
    pub(crate) fn tagged(&self, seq: u64, tag: Vec<u8>) {
        self.lock().tags.insert(seq, tag);
    }

    /// The piece whose turn it is.
    pub(crate) fn next(&self) -> Option<u64> {
        self.lock().order.front().copied()
    }

    /// The one whose turn it was is printed.
    pub(crate) fn printed(&self) {
        self.lock().order.pop_front();
    }

    /// The tag of a piece.
    pub(crate) fn tag(&self, seq: u64) -> Option<Vec<u8>> {
        self.lock().tags.get(&seq).cloned()
    }

    /// Forgets the tag of a piece that has ended.
    pub(crate) fn ended(&self, seq: u64) {
        self.lock().tags.remove(&seq);
    }

    fn lock(&self) -> MutexGuard<'_, Fed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
