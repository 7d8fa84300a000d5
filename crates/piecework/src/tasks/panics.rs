//! What tasks panic with, as it is told to whoever waits for them.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

use crate::tasks::Panic;

thread_local! {
    /// What this thread panicked with last.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Has panics of this process noted from now on, beside whatever becomes of them anyway.
pub(crate) fn note_all() {
    static NOTED: Once = Once::new();
    NOTED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            note(info);
            before(info);
        }));
    });
}

/// Notes a panic, for whoever catches it.
pub(super) fn note(info: &PanicHookInfo<'_>) {
    let words = info.payload();
    let message = words.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| words.downcast_ref::<String>().cloned());
    let message = message.unwrap_or_else(|| "a panic without words".to_owned());
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => backtrace.to_string(),
        _ => String::new(),
    };
    LAST.set(Some(Panic { message, place, backtrace }));
}

/// Runs what may panic.
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| last())
}

/// Waits for what may panic.
pub(crate) async fn caught_waiting<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = pin!(future);
    poll_fn(|context| match caught(|| future.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn last() -> Panic {
    LAST.take().unwrap_or_else(|| Panic {
        message: "a panic of which nothing was noted".to_owned(),
        place: String::new(),
        backtrace: String::new(),
    })
}
