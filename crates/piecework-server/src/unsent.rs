//! Replies on their way out: what they carry goes back if they cannot be written.

use piecework_state::Reply;

/// Replies that lie in a buffer and are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    /// Each with the place in the buffer where it ends.
    replies: Vec<(usize, Reply)>,
}

impl Unsent {
    /// A reply that ends at this place of the buffer. One that carries nothing is of no interest.
    pub(crate) fn push(&mut self, end: usize, reply: Reply) {
        if !reply.deliveries().is_empty() {
            self.replies.push((end, reply));
        }
    }

    /// The buffer was written up to here and no further: gives back the replies beyond.
    pub(crate) fn beyond(&mut self, written: usize) -> impl Iterator<Item = Reply> {
        let replies = self.replies.drain(..);
        replies.filter(move |(end, _)| *end > written).map(|(_, reply)| reply)
    }

    /// All of it was written.
    pub(crate) fn clear(&mut self) {
        self.replies.clear();
    }
}
