//! How far a run may be ahead of what is worked on and of what is printed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many tasks wait for a slot: enough that no slot ever waits for the reader of the input, few
/// enough that input is read no further than it is worked on.
const READY_TASKS_MAX: u64 = 64;

/// How many tasks may be between the reader of the input and the printer. Results that come before
/// their turn are held in memory; a hundred thousand of some hundred bytes are some 20 MB, and let
/// a thousand slots go on for a hundred tasks each while the first task takes its time.
const TASKS_AHEAD_MAX: u64 = 100_000;

/// How many bytes of input and results may be held before no more tasks are fed.
const BYTES_AHEAD_MAX: usize = 256 << 20;

/// How many temporary files of long results may be held before no more tasks are fed: each is an
/// open file.
const FILES_AHEAD_MAX: usize = 32;

/// The distance between the feed, the slots and the printer.
#[derive(Debug)]
pub(crate) struct Window {
    ahead: Mutex<Ahead>,
    moved: Condvar,
}

#[derive(Debug)]
struct Ahead {
    /// Of this machine alone.
    slots: u64,
    /// So many tasks are with the slots and before them at most.
    unfinished_max: u64,
    /// Fed, and no result yet.
    unfinished: u64,
    /// Fed, and not printed; `unfinished <= unprinted`.
    unprinted: u64,
    /// Of input that is not worked off, and of results that are not printed.
    bytes: usize,
    /// Temporary files of results that are not printed.
    files: usize,
}

impl Window {
    /// Makes the window of a run with so many slots.
    pub(crate) fn new(slots: usize) -> Self {
        let slots = slots as u64;
        let unfinished_max = READY_TASKS_MAX + slots;
        let ahead =
            Ahead { slots, unfinished_max, unfinished: 0, unprinted: 0, bytes: 0, files: 0 };
        Self { ahead: Mutex::new(ahead), moved: Condvar::new() }
    }

    /// So many commands run. It does not stay as wide as it was when more did: of runs that share
    /// workers each has equally many tasks waiting for them, and so an equal part of them.
    pub(crate) fn fit(&self, running: u64) {
        let mut ahead = self.lock();
        let was_low = ahead.low();
        ahead.unfinished_max = READY_TASKS_MAX + ahead.slots.max(running);
        if (was_low + 1..=ahead.low()).contains(&ahead.unfinished) {
            self.moved.notify_one();
        }
    }

    /// Waits until one more task may be fed, and counts it.
    ///
    /// The task whose turn it is to be printed is always inside, so this wait ends. When the slots
    /// have enough to do, it ends only once half of that is done: the reader wakes up once for many
    /// tasks instead of once for each.
    pub(crate) fn enter(&self, sent: u64) {
        let mut ahead = self.lock();
        if ahead.unfinished >= ahead.unfinished_max {
            ahead = self.wait_while(ahead, |ahead| ahead.unfinished > ahead.low());
        }
        ahead = self.wait_while(ahead, Ahead::is_far);
        ahead.unfinished += 1;
        ahead.unprinted += 1;
        ahead.bytes += usize::try_from(sent).unwrap_or(usize::MAX);
    }

    /// Counts a result, which holds so many bytes until it is printed; what was sent is held no
    /// longer.
    pub(crate) fn finished(&self, sent: u64, bytes: usize, files: usize) {
        let mut ahead = self.lock();
        let was_far = ahead.is_far();
        ahead.unfinished -= 1;
        let sent = usize::try_from(sent).unwrap_or(usize::MAX);
        ahead.bytes = ahead.bytes.saturating_sub(sent) + bytes;
        ahead.files += files;
        if was_far && !ahead.is_far() {
            self.moved.notify_one();
        }
        if ahead.unfinished == ahead.low() {
            self.moved.notify_one();
        }
    }

    /// Lets go of a task whose result is printed.
    pub(crate) fn printed(&self, bytes: usize, files: usize) {
        let mut ahead = self.lock();
        let was_far = ahead.is_far();
        ahead.unprinted -= 1;
        ahead.bytes = ahead.bytes.saturating_sub(bytes);
        ahead.files = ahead.files.saturating_sub(files);
        if was_far && !ahead.is_far() {
            self.moved.notify_one();
        }
    }

    fn wait_while<'a>(
        &self,
        ahead: MutexGuard<'a, Ahead>,
        mut condition: impl FnMut(&Ahead) -> bool,
    ) -> MutexGuard<'a, Ahead> {
        let waited = self.moved.wait_while(ahead, |ahead| condition(ahead));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ahead {
    /// Where the reader wakes up again.
    fn low(&self) -> u64 {
        self.unfinished_max - READY_TASKS_MAX / 2
    }

    /// Whether the printer has to come closer first.
    fn is_far(&self) -> bool {
        self.unprinted >= TASKS_AHEAD_MAX
            || self.bytes >= BYTES_AHEAD_MAX
            || self.files >= FILES_AHEAD_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
    use std::thread;

    /// Enters once more in a thread of its own, and tells when it is in.
    fn enter_once_more(window: &'static Window) -> Receiver<()> {
        let (entered, wait) = sync_channel(1);
        thread::spawn(move || {
            window.enter(0);
            entered.send(()).unwrap();
        });
        wait
    }

    fn window(slots: usize) -> &'static Window {
        Box::leak(Box::new(Window::new(slots)))
    }

    #[test]
    fn slots_that_have_enough_to_do_stop_the_feed_until_half_is_done() {
        let window = window(2);
        (0..66).for_each(|_| window.enter(0));
        let wait = enter_once_more(window);
        for _ in 0..31 {
            window.finished(0, 0, 0);
            assert_eq!(wait.try_recv(), Err(TryRecvError::Empty));
        }
        window.finished(0, 0, 0);
        wait.recv().unwrap();
    }

    #[test]
    fn it_is_as_wide_as_commands_run() {
        let window = window(2);
        (0..66).for_each(|_| window.enter(0));
        let wait = enter_once_more(window);
        window.fit(34);
        wait.recv().unwrap();
        (67..98).for_each(|_| window.enter(0));
        window.fit(0); // the others have been lost
        let wait = enter_once_more(window);
        (0..63).for_each(|_| window.finished(0, 0, 0));
        assert_eq!(wait.try_recv(), Err(TryRecvError::Empty));
        window.finished(0, 0, 0);
        wait.recv().unwrap();
    }

    #[test]
    fn a_printer_that_is_far_behind_stops_the_feed() {
        let window = window(1);
        for _ in 0..TASKS_AHEAD_MAX {
            window.enter(0);
            window.finished(0, 0, 0);
        }
        let wait = enter_once_more(window);
        assert_eq!(wait.try_recv(), Err(TryRecvError::Empty));
        window.printed(0, 0);
        wait.recv().unwrap();
    }

    #[test]
    fn many_bytes_that_wait_for_their_turn_stop_the_feed() {
        let window = window(1);
        window.enter(0);
        window.finished(0, BYTES_AHEAD_MAX, 0);
        let wait = enter_once_more(window);
        assert_eq!(wait.try_recv(), Err(TryRecvError::Empty));
        window.printed(BYTES_AHEAD_MAX, 0);
        wait.recv().unwrap();
    }
}
