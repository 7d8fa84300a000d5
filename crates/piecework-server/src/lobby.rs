//! Who has connected and not yet shown a key: a bounded crowd. When it is full, the oldest has to
//! go, not the newest: an honest client is through within milliseconds, and whoever only holds a
//! place has held it longest.
//!
//! The crowd comes in at a bounded pace, too: each connection costs something, also one that shows
//! no key, and whoever makes thousands a second would take the manager's time from those who work.
//! Only strangers count: whoever shows a key is taken off the count, so that clients come as fast
//! as they show theirs. Where there are more strangers than the pace allows, all wait in the kernel
//! for their turn.

use crate::allowance::Allowance;
use crate::limits::{STRANGERS_AT_ONCE, STRANGERS_PER_SECOND};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// The places, by arrival.
#[derive(Debug)]
pub(crate) struct Lobby {
    places: Mutex<Places>,
    max: usize,
}

#[derive(Debug)]
struct Places {
    /// For connections that have shown no key.
    strangers: Allowance,
    next: u64,
    taken: BTreeMap<u64, Arc<Notify>>,
}

/// One place; given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    lobby: &'a Lobby,
    number: u64,
    shown_out: Arc<Notify>,
}

impl Lobby {
    pub(crate) fn new(max: usize) -> Self {
        let strangers = Allowance::new(STRANGERS_AT_ONCE, STRANGERS_PER_SECOND);
        Self { places: Mutex::new(Places { strangers, next: 0, taken: BTreeMap::new() }), max }
    }

    /// Returns when the next may come in.
    pub(crate) async fn opens(&self) {
        loop {
            let wait = self.lock().strangers.wait(Instant::now());
            if wait.is_zero() {
                return;
            }
            sleep(wait).await;
        }
    }

    /// Takes a place, if need be that of the oldest.
    pub(crate) fn enter(&self) -> Place<'_> {
        let mut places = self.lock();
        let shown_out = Arc::new(Notify::new());
        let number = places.next;
        places.next += 1;
        places.strangers.spend(Instant::now());
        places.taken.insert(number, Arc::clone(&shown_out));
        if places.taken.len() > self.max
            && let Some((_, oldest)) = places.taken.pop_first()
        {
            oldest.notify_one();
        }
        Place { lobby: self, number, shown_out }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Returns when somebody newer needs this place.
    pub(crate) async fn shown_out(&self) {
        self.shown_out.notified().await;
    }

    /// Gives the place up: a key was shown.
    pub(crate) fn welcome(self) {
        self.lobby.lock().strangers.refund();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.lobby.lock().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn strangers_come_in_at_their_pace_and_clients_at_theirs() {
        let (lobby, begun) = (Lobby::new(10), Instant::now());
        for _ in 0..10 * STRANGERS_AT_ONCE {
            lobby.opens().await;
            lobby.enter().welcome();
        }
        for _ in 0..STRANGERS_AT_ONCE {
            lobby.opens().await;
            drop(lobby.enter());
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..STRANGERS_PER_SECOND {
            lobby.opens().await;
            drop(lobby.enter());
        }
        let took = begun.elapsed().as_secs_f64();
        assert!((0.9..=1.2).contains(&took), "{took} s");
    }
}
