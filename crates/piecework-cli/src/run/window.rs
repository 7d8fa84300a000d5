//! How far the run may be ahead of what is printed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many tasks may be between the reader of the input and the printer. Results that come before
/// their turn are held in memory; a hundred thousand of some hundred bytes are some 20 MB, and let
/// a thousand slots go on for a hundred tasks each while the first task takes its time.
const TASKS_AHEAD_MAX: u64 = 100_000;

/// How many bytes of results may be held before no more tasks are fed.
const BYTES_AHEAD_MAX: usize = 256 << 20;

/// The distance between the feed and the printer.
#[derive(Debug, Default)]
pub(crate) struct Window {
    ahead: Mutex<Ahead>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Ahead {
    tasks: u64,
    bytes: usize,
}

impl Window {
    /// Waits until one more task may be fed, and counts it.
    ///
    /// The task whose turn it is to be printed is always inside, so this wait ends.
    pub(crate) fn enter(&self) {
        let mut ahead = self.lock();
        while ahead.tasks >= TASKS_AHEAD_MAX || ahead.bytes >= BYTES_AHEAD_MAX {
            ahead = self.moved.wait(ahead).unwrap_or_else(PoisonError::into_inner);
        }
        ahead.tasks += 1;
    }

    /// Counts a result that has to wait for its turn.
    pub(crate) fn hold(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    /// Takes back what [`hold`](Self::hold) counted.
    pub(crate) fn unhold(&self, bytes: usize) {
        self.lock().bytes -= bytes;
        self.moved.notify_one();
    }

    /// Lets go of a task that is printed.
    pub(crate) fn leave(&self) {
        self.lock().tasks -= 1;
        self.moved.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    /// Lets a thread enter as often as it can, and tells how often it got in before it had to wait.
    fn entered_before(window: &Arc<Window>, free: impl FnOnce()) -> u64 {
        let entered = Arc::new(AtomicU64::new(0));
        let (done, wait) = mpsc::sync_channel(1);
        let thread = std::thread::spawn({
            let (window, entered) = (window.clone(), entered.clone());
            move || {
                for _ in 0..=TASKS_AHEAD_MAX {
                    window.enter();
                    entered.fetch_add(1, Ordering::SeqCst);
                }
                done.send(()).unwrap();
            }
        });
        while entered.load(Ordering::SeqCst) < TASKS_AHEAD_MAX {
            std::thread::yield_now();
        }
        assert!(wait.try_recv().is_err());
        free();
        wait.recv().unwrap();
        thread.join().unwrap();
        entered.load(Ordering::SeqCst)
    }

    #[test]
    fn one_more_enters_when_one_leaves() {
        let window = Arc::new(Window::default());
        assert_eq!(entered_before(&window, || window.leave()), TASKS_AHEAD_MAX + 1);
    }

    #[test]
    fn held_bytes_stop_the_feed() {
        let window = Arc::new(Window::default());
        window.hold(BYTES_AHEAD_MAX);
        let (done, wait) = mpsc::sync_channel(1);
        let thread = std::thread::spawn({
            let window = window.clone();
            move || {
                window.enter();
                done.send(()).unwrap();
            }
        });
        assert!(wait.try_recv().is_err());
        window.unhold(1);
        wait.recv().unwrap();
        thread.join().unwrap();
    }
}
