//! All that must hold between two calls, whatever the calls were.

use crate::deadline::Due;
use crate::objects::{Object, Target};
use crate::session::{Resolved, Waits};
use crate::state::State;
use crate::{HandleId, Item, ItemId, SessionId};
use std::borrow::Cow;
use std::collections::HashSet;

impl State {
    /// Panics with what does not hold; for tests and simulations.
    ///
    /// # Panics
    ///
    /// When an invariant is broken: a defect of this crate.
    pub fn check(&self) {
        self.check_items();
        self.check_answers();
        self.check_leases();
        self.check_waiters();
        self.check_handles();
    }

    /// An item is in one state of one queue, and the bytes add up.
    fn check_items(&self) {
        let mut seen = HashSet::new();
        let (mut bytes, mut keys) = (0, 0);
        for (id, queue) in &self.queues {
            assert!(queue.ready.in_order(), "ready items of '{}' out of order", queue.name);
            let armed = |at| self.deadlines.has(at, Due::Expiry(*id));
            assert!(queue.expiry.is_none_or(armed), "items of '{}' stay", queue.name);
            let expires = queue.options.expire.is_some() && queue.ready.len() > 0;
            let watched = queue.expiry.is_some() || self.stopping;
            assert!(!expires || watched, "items of '{}' do not expire", queue.name);
            let mut of_queue = 0;
            for item in queue.items() {
                assert!(seen.insert(item.id), "item {} is in two states", item.id);
                of_queue += item.payload.len();
            }
            assert_eq!(queue.bytes, of_queue, "bytes of '{}'", queue.name);
            bytes += of_queue;
            keys += queue.keys.len();
            assert!(queue.keys.agree(), "keys of '{}'", queue.name);
            let armed = |at| self.deadlines.has(at, Due::Keys(*id));
            assert!(queue.keys.first().is_none_or(armed), "keys of '{}' stay", queue.name);
            let dies_at = queue.options.attempts;
            let alive = |attempts| dies_at == 0 || attempts < dies_at;
            let dead = |item: &Cow<'_, Item>| queue.dead.contains_key(&item.id);
            let outlived = queue.items().filter(|item| !dead(item)).find(|i| !alive(i.attempts));
            assert!(outlived.is_none(), "{outlived:?} should be dead");
        }
        assert_eq!(self.items, seen.len(), "items of all queues");
        bytes += self.objects.values().map(Object::bytes_anew).sum::<u64>();
        assert_eq!(self.bytes, bytes, "bytes of all queues and objects");
        assert_eq!(self.keys, keys, "keys of all queues");
    }

    /// What is ready or delayed may be answered: the queue that its answer is for is there, and
    /// knows where to look for it when it ends.
    fn check_answers(&self) {
        for (id, queue) in &self.queues {
            let elsewhere =
                |item: ItemId| queue.leased.contains_key(&item) || queue.dead.contains_key(&item);
            for item in queue.items().filter(|item| !elsewhere(item.id)) {
                let Some(results) = item.reply_to else { continue };
                let known = self.queues.get(&results).is_some_and(|at| at.asked.contains(id));
                assert!(known, "{item:?} of '{}' waits, and nobody wants its answer", queue.name);
            }
        }
    }

    /// A lease is known to its queue and to its session, or to neither.
    fn check_leases(&self) {
        let undecided = self.undecided.iter().map(|(id, ended)| (id, &ended.session));
        let sessions = self.sessions.iter().chain(undecided);
        let mut held_in_all = 0;
        for (id, session) in sessions {
            for held in session.held.iter().filter(|held| !held.late) {
                let lease = self.queues.get(&held.queue).and_then(|q| q.leased.get(&held.item));
                let lease = lease.unwrap_or_else(|| panic!("session {id} holds {held:?} alone"));
                assert_eq!(lease.session, *id, "lease of item {}", held.item);
                held_in_all += 1;
            }
        }
        let leased: usize = self.queues.values().map(|queue| queue.leased.len()).sum();
        assert_eq!(leased, held_in_all, "leases without a session");
    }

    /// Nobody waits for what is there, and whoever waits stands in one line.
    fn check_waiters(&self) {
        let mut waiting = 0;
        for queue in self.queues.values() {
            let idle = queue.ready.len() > 0 && !queue.getters.is_empty();
            assert!(!idle, "'{}' has items and getters that wait", queue.name);
            let first = queue.putters.first().and_then(|putter| self.sessions.get(&putter));
            let room = match first.and_then(|first| first.waiting.as_ref()).map(|w| &w.what) {
                Some(Waits::Put(put)) => queue.has_room_for(put),
                _ => false,
            };
            assert!(!room, "'{}' has room for a putter that waits", queue.name);
            let joined = queue.unfinished == 0 && !queue.joiners.is_empty();
            assert!(!joined, "'{}' has nothing unfinished and joiners that wait", queue.name);
            waiting += queue.getters.len() + queue.putters.len() + queue.joiners.len();
        }
        waiting += self.check_objects();
        let parked = self.sessions.values().filter_map(|session| session.waiting.as_ref());
        let mut count = 0;
        for waits in parked {
            let lines = match waits.at {
                Target::Queue(queue) => {
                    let Some(queue) = self.queues.get(&queue) else { continue };
                    vec![&queue.getters, &queue.putters, &queue.joiners]
                }
                Target::Object(id) => {
                    let Some(object) = self.objects.get(&id) else { continue };
                    object.lines().collect()
                }
            };
            let lines = lines.iter().filter(|line| line.contains(waits.ticket)).count();
            assert_eq!(lines, 1, "{waits:?} stands in {lines} lines");
            count += 1;
        }
        assert_eq!(waiting, count, "lines hold sessions that do not wait");
    }

    /// Nobody waits for an object that he could have, and whoever has a lock knows it; how many
    /// wait in all.
    fn check_objects(&self) -> usize {
        let mut held = 0;
        for (id, object) in &self.objects {
            let idle = object.first_to_serve().filter(|_| !self.stopping);
            assert!(idle.is_none(), "{} could serve {idle:?}", object.stem());
            let Some(holder) = object.holder() else { continue };
            let undecided = self.undecided.get(&holder).map(|ended| &ended.session);
            if let Some(holder) = self.sessions.get(&holder).or(undecided) {
                assert!(
                    holder.locks.contains(id),
                    "{} has a holder who does not know",
                    object.stem()
                );
                held += 1;
            }
        }
        let undecided = self.undecided.values().map(|ended| &ended.session);
        let known = self.sessions.values().chain(undecided).map(|session| session.locks.len());
        assert_eq!(held, known.sum::<usize>(), "sessions think they hold locks that they do not");
        let lines = self.objects.values().flat_map(|object| object.lines());
        lines.map(|line| line.len()).sum()
    }

    /// A handle and the sessions that use it know each other.
    fn check_handles(&self) {
        let uses = |session: SessionId, handle: HandleId| {
            let session = self.sessions.get(&session);
            session.is_some_and(|s| s.handles.iter().any(|(used, _)| *used == handle))
        };
        for (&id, handle) in &self.handles.by_id {
            let leads = match handle.of {
                Target::Queue(queue) => self.queues.contains_key(&queue),
                Target::Object(object) => self.objects.contains_key(&object),
            };
            assert!(leads, "handle {id} leads nowhere");
            let stranger = handle.users.iter().find(|user| !uses(**user, id));
            assert!(stranger.is_none(), "{stranger:?} does not use handle {id}");
        }
        for (id, session) in &self.sessions {
            for (used, _) in &session.handles {
                let handle = self.handles.by_id.get(used);
                let known = handle.is_some_and(|handle| handle.users.contains(id));
                assert!(known, "handle {used} does not know its user {id}");
            }
            let Some(Resolved { handle, of, .. }) = &session.resolved else { continue };
            let leads_there = self.handles.by_id.get(handle).is_some_and(|known| {
                known.of == *of && known.undecided.is_empty() && uses(*id, *handle)
            });
            assert!(leads_there, "handle {handle} is not what session {id} takes it for");
        }
    }
}
