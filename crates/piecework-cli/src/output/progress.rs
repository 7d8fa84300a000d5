//! The progress bar of a run: done, failed, rate, time left.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::talk;

/// While the input is still read, nobody knows how much there is.
const STYLE_OPEN: &str = "{spinner} {pos} done{msg}, {rate}, {elapsed}";

/// Once the number of tasks is known.
const STYLE_TOTAL: &str = "{bar:30} {pos} of {len} done{msg}, {rate}, {left}";

/// How often the bar is redrawn when nothing ends: the times in it go on.
const REDRAW_PERIOD: Duration = Duration::from_millis(500);

/// A progress bar, or nothing where nobody would see it. Clones are one bar.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Shows a bar on standard error if that is a terminal and talk is wanted.
    pub(crate) fn new(quiet: bool, total: Option<u64>) -> Self {
        if quiet || !talk::is_watched() {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style(STYLE_OPEN));
        bar.enable_steady_tick(REDRAW_PERIOD);
        let progress = Self { bar: Some(bar) };
        if let Some(total) = total {
            progress.total(total);
        }
        progress
    }

    /// Tells how many tasks there are.
    pub(crate) fn total(&self, tasks: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(tasks);
            bar.set_style(style(STYLE_TOTAL));
        }
    }

    /// Counts tasks that ended.
    pub(crate) fn set(&self, done: u64, failed: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            if failed > 0 {
                bar.set_message(format!(", {failed} failed"));
            }
        }
    }

    /// Prints something else while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).expect("the templates above are well formed");
    style.with_key("rate", rate).with_key("left", left)
}

/// Tasks a second.
fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // There is nobody to tell of a bar that cannot be formatted.
    let _ = write!(out, "{:.1}/s", state.per_sec());
}

/// The time left, once there is something to tell it from.
fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    let _ = match state.pos() {
        0 => write!(out, "time left unknown"),
        _ => write!(out, "{:#} left", HumanDuration(state.eta())),
    };
}
