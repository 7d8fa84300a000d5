//! Replies on their way out: what they carry goes back if they cannot be written.

use piecework_state::Reply;

/// Replies that lie in a buffer and are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    /// Each with the place in the buffer where it ends.
    replies: Vec<(usize, Reply)>,
    items: usize,
}

impl Unsent {
    /// A reply that ends at this place of the buffer. One that carries nothing is of no interest.
    pub(crate) fn push(&mut self, end: usize, reply: Reply) {
        if reply.gives() {
            self.items += reply.deliveries().len();
            self.replies.push((end, reply));
        }
    }

    /// How many items they carry.
    pub(crate) fn items(&self) -> usize {
        self.items
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    /// Nothing was written beyond this place, nor will be: gives back the replies that end there.
    pub(crate) fn beyond(&mut self, written: usize) -> impl Iterator<Item = Reply> {
        self.items = 0;
        let replies = self.replies.drain(..);
        replies.filter(move |(end, _)| *end > written).map(|(_, reply)| reply)
    }

    /// The buffer was written up to here, and those replies are on their way.
    pub(crate) fn written(&mut self, written: usize) {
        self.replies.retain(|(end, _)| *end > written);
        self.items = self.replies.iter().map(|(_, reply)| reply.deliveries().len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework_state::{Call, Limits, Outcome, Payload, Peer, QueueOptions, State, Take};
    use piecework_state::{Time, Wait};

    /// What a get of one item in this style is answered with.
    fn got(style: Take) -> Reply {
        let (mut state, now) = (State::new(1, Limits::default()), Time::from_secs(1));
        let task = state.register("task", QueueOptions::default(), &mut Outcome::default());
        let client = state.open(now, Peer::native("piecework/client"));
        state.apply(now, client, Call::put(task, Payload::opaque("1")));
        let take = Call::Take { queue: task, max: 1, wait: Wait::No, style };
        state.apply(now, client, take).reply.unwrap()
    }

    #[test]
    fn what_was_not_written_is_given_back_and_nothing_else() {
        let mut unsent = Unsent::default();
        unsent.push(5, Reply::None);
        for end in [10, 20, 30] {
            unsent.push(end, got(Take::Item));
        }
        assert_eq!(unsent.beyond(20).count(), 1);
        assert!(unsent.is_empty());
        [10, 20].into_iter().for_each(|end| unsent.push(end, got(Take::Item)));
        unsent.written(10);
        assert_eq!(unsent.beyond(0).count(), 1);
    }

    #[test]
    fn items_are_counted_until_they_are_written() {
        let mut unsent = Unsent::default();
        for (end, style) in [(10, Take::Item), (20, Take::Many), (30, Take::Leases)] {
            unsent.push(end, got(style));
        }
        assert_eq!(unsent.items(), 3);
        unsent.written(20);
        assert_eq!(unsent.items(), 1);
    }
}
