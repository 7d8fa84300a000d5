//! The end of a life: everybody goes, everything settles, and what is left is looked at.

use super::World;
use crate::sim::op::{Key, carried};
use crate::sim::plan::{NAMES, Q, QueuePlan};
use piecework_state::{
    Call, ItemId, Order, Peer, QueueId, Record, Reply, Settle, Standing, Take, Time, Wait,
};
use std::time::Duration;

/// By then every undecided end is decided, and every cut has been seen.
const SETTLED_AFTER: Duration = Duration::from_secs(40);

/// By then every delay and every wait for the next attempt is over.
const DUE_AFTER: Duration = Duration::from_secs(100);

impl World<'_> {
    pub(super) fn end(&mut self) {
        self.say(|| "-- the end".to_owned());
        self.closing = true;
        (self.fails, self.slow) = (None, false);
        for program in 0..self.programs.len() {
            match self.random.chance(50) {
                true => self.kill(program),
                false => self.leave(program),
            }
        }
        self.settle(SETTLED_AFTER);
        self.nothing_is_leased();
        if self.random.chance(50) {
            self.restart();
        }
        self.settle(DUE_AFTER);
        self.all_can_be_got();
        self.restart();
    }

    /// Lets everything happen that happens by itself, and some time pass.
    fn settle(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.arm();
            let next = self.events.first_key_value().map(|((at, _), _)| *at);
            let wakes = self.timer.map(|(_, wakes)| wakes);
            // A commit that is under way is waited for.
            match next.into_iter().chain(wakes).min() {
                Some(at) if at <= until || next.is_some() => self.step(),
                _ => break,
            };
        }
        self.now = self.now.max(until);
    }

    fn restart(&mut self) {
        match self.random.chance(50) {
            true => self.crash(false),
            false => self.stop(),
        }
        self.settle(Duration::from_secs(3));
        assert!(self.manager.is_some(), "a manager that is gone starts again");
    }

    /// Everybody has gone, so nobody has anything.
    fn nothing_is_leased(&self) {
        let manager = self.manager.as_ref().expect("the manager starts whenever it is gone");
        let state = &manager.ledger.state;
        for queue in state.queue_stats(self.now) {
            let waiting = (queue.leased, queue.getters, queue.putters);
            assert_eq!(waiting, (0, 0, 0), "everybody has gone: {queue:?}");
        }
        assert!(state.session_stats().is_empty(), "sessions without a connection");
        self.storage.compare(state);
    }

    /// Every item that is not dead can be got, each in its turn.
    fn all_can_be_got(&mut self) {
        for queue in (0..NAMES.len()).map(Q) {
            let now = self.now;
            let leases_max = self.plan.leases_max;
            let Some(manager) = &mut self.manager else { return };
            let id = manager.id(queue);
            let plan = self.plan.queue(queue);
            let mut expected = in_order(&self.storage.kept(), id, plan, now);
            let state = &mut manager.ledger.state;
            let session = state.open(now, Peer::native("piecework/1 last"));
            let take =
                Call::Take { queue: id, max: leases_max, wait: Wait::No, style: Take::Leases };
            let mut out = state.apply(now, session, take);
            let reply = out.reply.take().unwrap_or(Reply::None);
            let got: Vec<ItemId> = carried(&reply).iter().map(|one| one.id).collect();
            expected.truncate(leases_max);
            assert_eq!(got, expected, "what is got from {queue:?}, and what is there");
            let mut outs = vec![out];
            for item in got {
                outs.push(state.apply(now, session, Call::Settle(id, item, Settle::Release)));
            }
            outs.push(state.end(now, session));
            for mut out in outs {
                out.reply = None;
                manager.ledger.tell(None, out).expect("nothing is lost");
            }
            self.look_after_manager();
        }
        self.settle(Duration::ZERO);
    }
}

/// The items of a queue that can be got, first things first.
fn in_order(kept: &[Record], queue: QueueId, plan: QueuePlan, now: Time) -> Vec<ItemId> {
    let mut items = Vec::new();
    for record in kept {
        match record {
            Record::Item { queue: of, item, standing } if *of == queue => match standing {
                Standing::Ready => {
                    // Looked for after a start at the earliest, and then again and again.
                    let goes = plan.expire.map(|expire| item.ready_at() + expire * 3);
                    assert!(goes.is_none_or(|goes| now <= goes), "{item:?} should have expired");
                    items.push((item.place, item.id, Key::of_kept(item)));
                }
                Standing::Delayed(due) => panic!("{item:?} is due at {due:?}, and it is {now:?}"),
                Standing::Dead => {}
            },
            _ => {}
        }
    }
    items.sort_by_key(|(place, _, key)| match plan.order {
        Order::Fifo => (0, place.0),
        Order::Lifo => (0, u64::MAX - place.0),
        Order::Priority => (key.order(), place.0),
    });
    items.into_iter().map(|(_, item, _)| item).collect()
}
