//! What was decided is kept before anybody is told of it: at once where the engine is quick, by a
//! thread where it is not.
//!
//! A connection that is about to write asks for it. Where a batch costs next to nothing, it keeps
//! the batch itself, after all others of its thread that have something to decide have decided it:
//! so one write serves them all, and nobody waits for another thread.

use super::Hub;
use super::doing::Doing;
use crate::keeper::Keeper;
use piecework_engine::{Engine, EngineError};
use piecework_state::{Fetch, Lost};
use std::future::poll_fn;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

/// How often a connection lets others go first who have the engine, before it leaves its batch to
/// the thread.
const TRIES: usize = 3;

/// How often it is looked whether there is room again, while there is little.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What came of the attempt to keep what there is at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum AtOnce {
    /// It is kept, or lost.
    Done,
    /// Somebody else has the engine.
    Busy,
    /// It may take its time.
    No,
}

/// Lets those go whose turn has come already, and nobody else: the runtime's own way to yield looks
/// for events first, and by the time that all replies leave together, all clients have waited.
async fn others_first() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Hub {
    /// Has this engine keep what is decided from now on; says whether there is little room.
    pub(crate) fn start_keeping(&self, engine: Box<dyn Engine>) -> bool {
        let mut keeper = Keeper::new(engine);
        if let Some(room) = keeper.look_for_room() {
            self.lock().ledger.set_room(room);
        }
        self.quick.store(keeper.is_quick(0), Ordering::Relaxed);
        let little = keeper.has_little_room();
        *self.keeper.lock().expect("nobody has kept anything yet") = Some(keeper);
        little
    }

    /// Whether all that was decided is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.progress.has_kept(self.progress.decided())
    }

    /// Returns once all is kept that was decided until now: what tells of it may leave.
    pub(crate) async fn keep(&self) -> Result<(), Lost> {
        let upto = self.progress.decided();
        if let Some(known) = self.keep_at_once(upto).await {
            return known;
        }
        self.call_committer()?;
        self.progress.wait(upto).await
    }

    /// Has what was decided kept by somebody, for a call that waits and tells nothing yet.
    pub(crate) async fn keep_soon(&self) {
        if self.keep_at_once(self.progress.decided()).await.is_none() {
            // A loss is told with the reply that never comes.
            let _ = self.call_committer();
        }
    }

    /// What came of what was decided up to there, if that can be known at once.
    async fn keep_at_once(&self, upto: u64) -> Option<Result<(), Lost>> {
        for _ in 0..TRIES {
            if let Some(known) = self.progress.look(upto) {
                return Some(known);
            }
            if !self.quick.load(Ordering::Relaxed) && !self.has_one_session() {
                break;
            }
            // Whoever has a request to be served is heard first: one commit is for all.
            others_first().await;
            if let Some(known) = self.progress.look(upto) {
                return Some(known);
            }
            match self.try_to_keep() {
                AtOnce::Done | AtOnce::Busy => {}
                AtOnce::No => break,
            }
        }
        self.progress.look(upto)
    }

    /// Whether there is nobody else whom it would hold up to wait for a disk. Another thread would
    /// take longer: to wake it, and to be woken by it, costs as much as a good disk's sync.
    fn has_one_session(&self) -> bool {
        self.sessions.load(Ordering::Relaxed) <= 1
    }

    /// Keeps what there is to keep, if that is done in no time, or holds nobody up.
    fn try_to_keep(&self) -> AtOnce {
        let Ok(mut guard) = self.keeper.try_lock() else { return AtOnce::Busy };
        let Some(keeper) = guard.as_mut() else { return AtOnce::No };
        {
            let ledger = &mut self.lock().ledger;
            // What is to be fetched comes from a disk.
            let at_once = self.has_one_session() || keeper.is_quick(ledger.batch_size());
            if ledger.has_fetches() || !at_once {
                return AtOnce::No;
            }
            if !ledger.take_batch(&mut keeper.batch) {
                return AtOnce::Done;
            }
        }
        let little_before = keeper.has_little_room();
        let kept = self.keep_batch(keeper, &[]);
        let little = keeper.has_little_room() && !little_before;
        drop(guard);
        if kept.is_ok() {
            self.progress.wake();
        }
        if little {
            // From now on it has to look for room.
            let _ = self.call_committer();
        }
        AtOnce::Done
    }

    /// Wakes the thread that keeps, if it sleeps.
    fn call_committer(&self) -> Result<(), Lost> {
        let mut shared = self.lock();
        if shared.committer == Doing::Ended || shared.ledger.is_lost() {
            return Err(Lost);
        }
        let asleep = shared.committer.call();
        drop(shared);
        if asleep {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something to keep, to fetch or to look for; false if nothing comes any
    /// more. Blocks, like all that follows: it is for the one thread that keeps.
    pub(crate) fn wait_for_work(&self, has_little_room: bool) -> bool {
        let patience = if has_little_room { LOOK_AGAIN } else { Duration::MAX };
        let mut shared = self.lock();
        loop {
            match shared.committer {
                _ if shared.ledger.is_lost() => return false,
                Doing::Closing | Doing::Ended => return false,
                Doing::Called => {
                    shared.committer = Doing::Busy;
                    return true;
                }
                Doing::Busy | Doing::Idle => shared.committer = Doing::Idle,
            }
            let woken = self.work.wait_timeout(shared, patience);
            let waited;
            (shared, waited) = woken.expect("nobody panics while they hold the lock");
            if waited.timed_out() && shared.committer == Doing::Idle {
                shared.committer = Doing::Busy;
                return true;
            }
        }
    }

    /// Fetches and keeps what there is, then looks for room; says whether there is little.
    pub(crate) fn keep_all(&self) -> Result<bool, Lost> {
        let mut guard = self.keeper()?;
        let Some(keeper) = guard.as_mut() else { return Err(Lost) };
        self.keep_with(keeper)?;
        if keeper.has_little_room()
            && let Some(room) = keeper.look_for_room()
        {
            self.lock().ledger.set_room(room);
        }
        let little = keeper.has_little_room();
        drop(guard);
        if self.progress.is_waited_for() || self.lock().ledger.has_whole() {
            self.kept.notify_one();
        }
        Ok(little)
    }

    /// Fetches and keeps one batch, if there is any: what comes in meanwhile is asked for again.
    fn keep_with(&self, keeper: &mut Keeper) -> Result<(), Lost> {
        let fetches = {
            let ledger = &mut self.lock().ledger;
            if !ledger.take_batch(&mut keeper.batch) {
                return if ledger.is_lost() { Err(Lost) } else { Ok(()) };
            }
            ledger.take_fetches()
        };
        self.keep_batch(keeper, &fetches)
    }

    /// Keeps what was decided until now, and nothing that is decided later; gives back what went
    /// wrong, then or earlier. The engine is closed with that.
    pub(crate) fn end_keeping(&self) -> Result<(), EngineError> {
        if let Ok(mut guard) = self.keeper() {
            while let Some(keeper) = guard.as_mut() {
                let kept = self.keep_with(keeper);
                let mut shared = self.lock();
                if kept.is_err() || !shared.ledger.has_batch() {
                    shared.committer = Doing::Ended;
                    drop(shared);
                    *guard = None;
                }
            }
        }
        let mut shared = self.lock();
        shared.committer = Doing::Ended;
        shared.failed.take().map_or(Ok(()), Err)
    }

    /// The engine, once nobody else has it.
    fn keeper(&self) -> Result<MutexGuard<'_, Option<Keeper>>, Lost> {
        self.keeper.lock().map_err(|_| {
            self.lose(EngineError::Poisoned("whoever had the engine panicked".to_owned()));
            Lost
        })
    }

    /// Keeps the batch that was taken.
    fn keep_batch(&self, keeper: &mut Keeper, fetches: &[Fetch]) -> Result<(), Lost> {
        let fetched = keeper.keep(fetches).map_err(|error| {
            tracing::error!(%error, "cannot keep what was decided; the manager stops");
            self.lose(error);
            Lost
        })?;
        let room = keeper.look_for_room();
        self.quick.store(keeper.is_quick(0), Ordering::Relaxed);
        let mut shared = self.lock();
        // First: whoever is told that his item is kept may put the next.
        if let Some(room) = room {
            shared.ledger.set_room(room);
        }
        for (fetch, bytes) in fetched {
            shared.ledger.fetched(fetch, &bytes);
        }
        let kept = shared.ledger.kept();
        self.progress.note_decided(shared.ledger.decided());
        self.progress.note_kept(kept);
        drop(shared);
        keeper.batch.clear();
        Ok(())
    }

    /// Tells those who wait for what is kept by now.
    pub(crate) fn release(&self) {
        self.progress.wake();
        let mut shared = self.lock();
        if shared.ledger.has_whole() {
            let leave = shared.ledger.leave();
            shared.wake(leave);
        }
    }

    /// Tells whoever waits when the thread has kept something, for as long as there is something.
    /// It is a task beside the connections: to wake one task from another thread takes longer than
    /// to wake many from their own, and nobody else gets at the lock meanwhile.
    pub(crate) async fn run_releases(&self) {
        loop {
            self.kept.notified().await;
            self.release();
        }
    }

    /// Something could not be kept: nobody is told anything any more, and the manager stops.
    fn lose(&self, error: EngineError) {
        let mut shared = self.lock();
        shared.ledger.lose();
        shared.parked.clear();
        shared.failed.get_or_insert(error);
        let asleep = shared.committer.call();
        self.progress.lose();
        drop(shared);
        if asleep {
            self.work.notify_one();
        }
        self.ask_to_stop();
    }

    /// No more is decided: what was decided is kept, and that is all.
    pub(crate) fn close(&self) {
        let mut shared = self.lock();
        if shared.committer != Doing::Ended {
            shared.committer = Doing::Closing;
        }
        drop(shared);
        self.work.notify_one();
    }
}
