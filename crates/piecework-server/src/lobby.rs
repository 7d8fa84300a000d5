//! Who has connected and not yet shown a key: a bounded crowd. When it is full, the oldest has to
//! go, not the newest: an honest client is through within milliseconds, and whoever only holds a
//! place has held it longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The places, by arrival.
#[derive(Debug)]
pub(crate) struct Lobby {
    places: Mutex<Places>,
    max: usize,
}

#[derive(Debug, Default)]
struct Places {
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
        Self { places: Mutex::default(), max }
    }

    /// Takes a place, if need be that of the oldest.
    pub(crate) fn enter(&self) -> Place<'_> {
        let mut places = self.lock();
        let shown_out = Arc::new(Notify::new());
        let number = places.next;
        places.next += 1;
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
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.lobby.lock().taken.remove(&self.number);
    }
}
