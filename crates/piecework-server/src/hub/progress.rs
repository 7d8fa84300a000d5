//! How much of what was decided is kept: looked at without the hub's lock, and waited for.

use piecework_state::Lost;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What `decided` says once something could not be kept: nobody ever keeps so much.
const LOST: u64 = u64::MAX;

/// Counts of records, and who waits for one of them to be reached.
#[derive(Debug, Default)]
pub(super) struct Progress {
    decided: AtomicU64,
    kept: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    tickets: u64,
    /// By what they wait for, and their tickets.
    wakers: BTreeMap<(u64, u64), Waker>,
}

impl Progress {
    /// How much was decided so far.
    pub(super) fn decided(&self) -> u64 {
        self.decided.load(Ordering::Acquire)
    }

    /// Whether so much is kept.
    pub(super) fn has_kept(&self, decided: u64) -> bool {
        self.kept.load(Ordering::Acquire) >= decided
    }

    /// So much is decided by now. To be noted before anybody is told of it.
    pub(super) fn note_decided(&self, decided: u64) {
        // What all look at is not written without need; and it stays lost once it is.
        if self.decided.load(Ordering::Relaxed) < decided {
            self.decided.fetch_max(decided, Ordering::Release);
        }
    }

    /// So much is kept by now. Whoever waits for it is woken by [`Progress::wake`].
    pub(super) fn note_kept(&self, kept: u64) {
        self.kept.store(kept, Ordering::Release);
    }

    /// Nothing more is ever kept.
    pub(super) fn lose(&self) {
        self.decided.store(LOST, Ordering::Release);
        let wakers = std::mem::take(&mut self.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Whether somebody waits.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting().wakers.is_empty()
    }

    /// Wakes whoever waited for what is kept by now.
    pub(super) fn wake(&self) {
        let mut waiting = self.waiting();
        let kept = self.kept.load(Ordering::Acquire);
        let later = waiting.wakers.split_off(&(kept.saturating_add(1), 0));
        let woken = std::mem::replace(&mut waiting.wakers, later);
        drop(waiting);
        woken.into_values().for_each(Waker::wake);
    }

    /// Waits until so much is kept.
    pub(super) fn wait(&self, upto: u64) -> Wait<'_> {
        Wait { progress: self, upto, ticket: None }
    }

    /// What is known of that by now.
    pub(super) fn look(&self, upto: u64) -> Option<Result<(), Lost>> {
        match (self.has_kept(upto), self.decided()) {
            (true, _) => Some(Ok(())),
            (false, LOST) => Some(Err(Lost)),
            (false, _) => None,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ready once so much is kept, or nothing is any more.
pub(super) struct Wait<'a> {
    progress: &'a Progress,
    upto: u64,
    ticket: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = Result<(), Lost>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(known) = self.progress.look(self.upto) {
            return Poll::Ready(known);
        }
        let mut waiting = self.progress.waiting();
        let ticket = self.ticket.unwrap_or_else(|| {
            waiting.tickets += 1;
            waiting.tickets
        });
        waiting.wakers.insert((self.upto, ticket), context.waker().clone());
        drop(waiting);
        self.ticket = Some(ticket);
        // If that came to pass meanwhile, whoever saw to it may have found nobody to wake.
        self.progress.look(self.upto).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.progress.waiting().wakers.remove(&(self.upto, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Context;

    fn poll(wait: Pin<&mut Wait<'_>>) -> Poll<Result<(), Lost>> {
        wait.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn each_waits_for_what_it_asked_for() {
        let progress = Progress::default();
        progress.note_decided(2);
        let (mut first, mut second) = (pin!(progress.wait(1)), pin!(progress.wait(2)));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        progress.note_kept(1);
        progress.wake();
        assert_eq!(poll(first.as_mut()), Poll::Ready(Ok(())));
        assert!(progress.is_waited_for() && poll(second.as_mut()).is_pending());
        progress.lose();
        assert_eq!(poll(second.as_mut()), Poll::Ready(Err(Lost)));
        assert!(!progress.is_waited_for());
    }

    #[test]
    fn what_was_kept_before_a_loss_is_kept_and_who_gives_up_is_forgotten() {
        let progress = Progress::default();
        progress.note_decided(3);
        {
            let mut wait = pin!(progress.wait(3));
            assert!(poll(wait.as_mut()).is_pending());
        }
        assert!(!progress.is_waited_for());
        progress.note_kept(2);
        progress.lose();
        assert_eq!(progress.look(2), Some(Ok(())));
        assert_eq!(progress.look(progress.decided()), Some(Err(Lost)));
    }
}
