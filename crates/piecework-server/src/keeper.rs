//! The engine, in the hands of whoever keeps a batch: the committer's thread, or a connection.

use bytes::Bytes;
use piecework_engine::{Engine, EngineError};
use piecework_state::{Fetch, ItemId, Record};
use std::collections::HashMap;

/// Room that is less than a put may take.
const LITTLE_ROOM: u64 = 64 << 20;

/// An engine, and what is known of it.
pub(crate) struct Keeper {
    engine: Box<dyn Engine>,
    /// What is to be kept next.
    pub(crate) batch: Vec<Record>,
    /// For how many bytes of payload there was room when it was looked for last.
    room: u64,
}

impl Keeper {
    pub(crate) fn new(engine: Box<dyn Engine>) -> Self {
        Self { engine, batch: Vec::new(), room: u64::MAX }
    }

    /// Whether a batch of about so many bytes is kept without waiting for a disk.
    pub(crate) fn is_quick(&mut self, bytes: u64) -> bool {
        self.engine.is_quick(bytes)
    }

    /// Fetches what is wanted, then keeps the batch: what is delivered may be gone with it.
    pub(crate) fn keep(&mut self, fetches: &[Fetch]) -> Result<Vec<(Fetch, Bytes)>, EngineError> {
        let mut fetched = Vec::with_capacity(fetches.len());
        if !fetches.is_empty() {
            let put_now = put_now(&self.batch);
            for fetch in fetches {
                let bytes = match put_now.get(&fetch.item) {
                    Some(&bytes) => bytes.clone(),
                    None => self.engine.payload(fetch.item)?,
                };
                fetched.push((*fetch, bytes));
            }
        }
        if !self.batch.is_empty() {
            self.engine.commit(&self.batch)?;
        }
        Ok(fetched)
    }

    /// For how many bytes there is room, where that is news.
    pub(crate) fn look_for_room(&mut self) -> Option<u64> {
        let room = self.engine.room()?;
        let before = std::mem::replace(&mut self.room, room);
        match (before == 0, room == 0) {
            (false, true) => {
                tracing::warn!("the disk is full: puts are refused until there is room");
            }
            (true, false) => tracing::info!("there is room on the disk: puts are let in"),
            _ => {}
        }
        Some(room)
    }

    /// Whether there is so little room that it has to be looked for again and again: puts may be
    /// refused, and there may be no commit for long.
    pub(crate) fn has_little_room(&self) -> bool {
        self.room < LITTLE_ROOM
    }
}

/// The payloads of the items that are put in this very batch.
fn put_now(batch: &[Record]) -> HashMap<ItemId, &Bytes> {
    let items = batch.iter().flat_map(Record::items);
    items.filter_map(|item| Some((item.id, item.payload.here()?))).collect()
}
