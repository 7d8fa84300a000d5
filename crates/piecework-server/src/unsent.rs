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

    /// Nothing was written beyond this place, nor will be: gives back the replies that end there.
    pub(crate) fn beyond(&mut self, written: usize) -> impl Iterator<Item = Reply> {
        let replies = self.replies.drain(..);
        replies.filter(move |(end, _)| *end > written).map(|(_, reply)| reply)
    }

    /// The buffer was written up to here, and those replies are on their way.
    pub(crate) fn written(&mut self, written: usize) {
        self.replies.retain(|(end, _)| *end > written);
    }
}
