//! The progress of a run: a bar, a line now and then, or an object each second.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::tracker::Tracker;
use super::talk;
use crate::record::went_well;
use crate::run::piece::Finished;

mod durations;
mod rate;
mod text;
mod tracker;

/// While the input is still read, nobody knows how much there is.
const STYLE_OPEN: &str = "{spinner} {msg}";

/// Once the number of tasks is known.
const STYLE_TOTAL: &str = "{bar:30} {msg}";

/// How often the bar is drawn when nothing ends: the times in it go on.
const BAR_PERIOD: Duration = Duration::from_millis(500);

/// How often the bar is drawn when much ends: faster than this nobody reads.
const BAR_PERIOD_MIN: Duration = Duration::from_millis(100);

/// How often a line is said: often enough to see that something happens, seldom enough for a log.
const PLAIN_PERIOD: Duration = Duration::from_secs(10);

/// How often an object is said, for programs that draw something themselves.
const JSON_PERIOD: Duration = Duration::from_secs(1);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A line every ten seconds
    Plain,
    /// A bar, where standard error is a terminal; else lines
    Bar,
    /// An object of JSON every second
    Json,
}

/// Whether and how progress is shown.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ProgressArgs {
    /// Show progress on standard error so [default: a bar on a terminal, else nothing]
    #[arg(long, value_enum, value_name = "KIND")]
    progress: Option<Kind>,

    /// The same as --progress bar
    #[arg(long)]
    bar: bool,

    /// The same as --progress bar
    #[arg(long)]
    eta: bool,
}

impl ProgressArgs {
    /// Returns how progress is shown, if it is.
    pub(crate) fn kind(&self, quiet: bool) -> Option<Kind> {
        let bar = (self.bar || self.eta).then_some(Kind::Bar);
        match (self.progress.or(bar), talk::is_watched()) {
            _ if quiet => None,
            (Some(Kind::Bar), false) => Some(Kind::Plain),
            (None, true) => Some(Kind::Bar),
            (kind, _) => kind,
        }
    }
}

/// The progress of a run, or nothing where nobody would see it. Clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<Arc<Shown>>);

/// What clones share.
struct Shown {
    view: View,
    /// When the run began.
    began: Instant,
    state: Mutex<State>,
}

struct State {
    tracker: Tracker,
    /// When the bar was drawn last.
    drawn: Option<Duration>,
    /// What shows the progress while nothing ends.
    ticker: Option<AbortHandle>,
}

/// Where progress is shown.
enum View {
    Bar(ProgressBar),
    Plain(Say),
    Json(Say),
}

type Say = Box<dyn Fn(String) + Send + Sync>;

impl Progress {
    /// Begins to show progress of so many tasks; `None` if nobody knows yet how many. Must be
    /// called within a runtime.
    pub(crate) fn start(kind: Option<Kind>, total: Option<u64>) -> Self {
        let Some(kind) = kind else { return Self(None) };
        Self::on(
            match kind {
                Kind::Bar => {
                    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                    bar.set_style(style(STYLE_OPEN));
                    View::Bar(bar)
                }
                Kind::Plain => View::Plain(Box::new(talk::talk)),
                Kind::Json => View::Json(Box::new(|line| talk::pass_on((line + "\n").as_bytes()))),
            },
            total,
        )
    }

    fn on(view: View, total: Option<u64>) -> Self {
        let period = match view {
            View::Bar(_) => BAR_PERIOD,
            View::Plain(_) => PLAIN_PERIOD,
            View::Json(_) => JSON_PERIOD,
        };
        let state = State { tracker: Tracker::default(), drawn: None, ticker: None };
        let shown = Arc::new(Shown { view, began: Instant::now(), state: Mutex::new(state) });
        let ticker = tokio::spawn(tick(shown.clone(), period));
        shown.lock().ticker = Some(ticker.abort_handle());
        let progress = Self(Some(shown));
        if let Some(total) = total {
            progress.total(total);
        }
        progress
    }

    /// Tells how many tasks there are.
    pub(crate) fn total(&self, tasks: u64) {
        let Some(shown) = &self.0 else { return };
        shown.lock().tracker.total = Some(tasks);
        if let View::Bar(bar) = &shown.view {
            bar.set_length(tasks);
            bar.set_style(style(STYLE_TOTAL));
        }
    }

    /// Tells that a task was started at this host.
    pub(crate) fn started(&self, host: &str) {
        self.note(|tracker, now| tracker.started(now, host));
    }

    /// Tells that an attempt at this host came to nothing and its task will be tried again: it
    /// failed, or its worker was lost.
    pub(crate) fn gave_up(&self, host: &str) {
        self.note(|tracker, now| tracker.gave_up(now, host));
    }

    /// Tells the last word on a task that was started at this host.
    pub(crate) fn ended(&self, host: &str, finished: &Finished) {
        let took = finished.result.as_ref().ok().map(|output| output.duration);
        let failed = !went_well(finished);
        self.note(|tracker, now| tracker.ended(now, host, took, failed));
    }

    /// Tells of a task that ended in an earlier turn of the run.
    pub(crate) fn kept(&self, failed: bool) {
        self.note(|tracker, _| tracker.kept(failed));
    }

    /// Prints something else while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match self.0.as_deref() {
            Some(Shown { view: View::Bar(bar), .. }) => bar.suspend(print),
            _ => print(),
        }
    }

    /// Takes the bar away, or says the last line.
    pub(crate) fn finish(&self) {
        let Some(shown) = &self.0 else { return };
        let Some(ticker) = shown.lock().ticker.take() else { return };
        ticker.abort();
        match &shown.view {
            View::Bar(bar) => bar.finish_and_clear(),
            View::Plain(_) | View::Json(_) => shown.show(),
        }
    }

    fn note(&self, note: impl FnOnce(&mut Tracker, Duration)) {
        let Some(shown) = &self.0 else { return };
        let now = shown.now();
        let mut state = shown.lock();
        note(&mut state.tracker, now);
        let due = state.drawn.is_none_or(|drawn| now >= drawn + BAR_PERIOD_MIN);
        drop(state);
        if due && matches!(shown.view, View::Bar(_)) {
            shown.show();
        }
    }
}

impl Shown {
    /// Shows how far the run is.
    fn show(&self) {
        let now = self.now();
        let mut state = self.lock();
        state.drawn = Some(now);
        let tracker = &state.tracker;
        match &self.view {
            View::Bar(bar) => {
                let (done, line) = (tracker.done, text::line(tracker, now));
                drop(state);
                bar.set_position(done);
                bar.set_message(line);
            }
            View::Plain(say) => say(text::line(tracker, now)),
            View::Json(say) => say(text::json(tracker, now)),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// Shows the progress again and again.
async fn tick(shown: Arc<Shown>, period: Duration) {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shown.lock().tracker.count_slots();
        shown.show();
        if let View::Bar(bar) = &shown.view {
            bar.tick();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{ended, ok};
    use piecework::command::End;
    use tokio::time::advance;

    /// Progress that says its lines here.
    fn heard(view: fn(Say) -> View, total: Option<u64>) -> (Progress, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(vec![]));
        let said = lines.clone();
        let say = Box::new(move |line| said.lock().unwrap().push(line));
        (Progress::on(view(say), total), lines)
    }

    /// Lets the ticker see each second go by.
    async fn seconds(seconds: u32) {
        for _ in 0..seconds {
            tokio::task::yield_now().await;
            advance(Duration::from_secs(1)).await;
        }
        tokio::task::yield_now().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_every_ten_seconds_and_one_at_the_end() {
        let (progress, lines) = heard(View::Plain, Some(4));
        progress.started(":");
        progress.started(":");
        seconds(10).await;
        progress.ended(":", &Finished { result: Err("no".into()), ..ok(1, &[], "") });
        progress.gave_up(":");
        seconds(14).await;
        progress.finish();
        progress.finish();
        seconds(30).await;
        let lines = lines.lock().unwrap();
        assert_eq!(
            *lines,
            [
                "0 of 4 done, 2 running, 0/s, time left unknown",
                "1 of 4 done, 1 failed, 0 running, 3.0/min, time left unknown",
                "1 of 4 done, 1 failed, 0 running, 2.5/min, time left unknown",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_every_second() {
        let (progress, lines) = heard(View::Json, None);
        progress.started("node1");
        seconds(2).await;
        progress.total(1);
        progress.ended("node1", &ended(1, End::Signal(9)));
        progress.finish();
        let lines = lines.lock().unwrap();
        let objects: Vec<serde_json::Value> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 3);
        assert_eq!(objects[1]["elapsed"], 2.0);
        assert_eq!(objects[1]["workers"], serde_json::json!({"node1": 1}));
        assert_eq!(objects[2]["failed"], 1);
        assert_eq!(objects[2]["seconds_left"], 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bar_that_nobody_sees_takes_everything() {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let progress = Progress::on(View::Bar(bar.clone()), None);
        progress.started(":");
        seconds(1).await;
        advance(BAR_PERIOD_MIN).await;
        progress.ended(":", &ok(1, &[], ""));
        progress.total(5);
        assert_eq!((bar.position(), bar.length()), (1, Some(5)));
        assert_eq!(bar.message(), "1 done, 0 running, 55/min, 1.1 s");
        assert_eq!(progress.aside(|| 7), 7);
        progress.finish();
        assert!(bar.is_finished());
    }

    #[test]
    fn without_a_terminal_nothing_is_shown_unless_asked_for() {
        let args = |progress, bar| ProgressArgs { progress, bar, eta: false };
        assert_eq!(args(Some(Kind::Json), false).kind(true), None);
        assert_eq!(args(Some(Kind::Json), true).kind(false), Some(Kind::Json));
        if !talk::is_watched() {
            assert_eq!(args(None, false).kind(false), None);
            assert_eq!(args(None, true).kind(false), Some(Kind::Plain));
        }
    }
}
