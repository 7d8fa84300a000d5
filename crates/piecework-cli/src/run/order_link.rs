//! The link of a slot to a run, whichever board the run's orders are on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use piecework::command::Output;

use super::board::{Board, Leased};
use super::books::Books;
use super::here::HERE;
use super::link::{Link, Outcome, Ran, Task};
use super::live::Live;
use super::order::{Order, Report};
use super::piece::{Finished, Piece};
use super::recipe::Recipes;
use super::remote;
use super::stop::Stop;
use crate::output;

/// How often a task may lose its worker before nobody tries it any more: it may be what takes the
/// workers down.
const LOST_MAX: u32 = 5;

fn went_well(output: &Output) -> bool {
    output.end.is_success() && !output.timed_out
}

/// Who does the work.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The master itself, which counts what runs, and keeps books if the run has a name.
    Here(Arc<Live>, Option<Arc<Books>>),
    /// Another machine.
    Host(Arc<str>),
}

/// The link of one slot.
#[derive(Debug)]
pub(crate) struct OrderLink<B> {
    board: B,
    place: Place,
    recipes: Arc<Recipes>,
    held: Option<Held>,
}

/// What is known of the order that was taken, beside the piece itself.
#[derive(Debug)]
struct Held {
    id: u64,
    /// Tells this attempt from all others, of the same order too.
    attempt: u64,
    order: Order,
}

/// A number for an attempt that no other attempt has.
fn fresh_attempt() -> u64 {
    /// Large enough that two workers do not come near each other's numbers.
    const DISTANCE_BITS: u32 = 24;
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    let next = NEXT.get_or_init(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("the system has randomness to give");
        AtomicU64::new(u64::from_ne_bytes(bytes) >> 1 >> DISTANCE_BITS << DISTANCE_BITS)
    });
    next.fetch_add(1, Ordering::Relaxed)
}

impl<B: Board> OrderLink<B> {
    /// Links a slot to a board.
    pub(crate) fn new(board: B, place: Place, recipes: Arc<Recipes>) -> Self {
        Self { board, place, recipes, held: None }
    }

    /// Makes a task of an order; `None` if it is beyond help, and settled.
    async fn accept(&mut self, leased: Leased) -> anyhow::Result<Option<Task>> {
        let Leased { id, attempt, payload } = leased;
        let mut order = match Order::from_payload(&payload) {
            Ok(order) => order,
            Err(error) => {
                // Nobody can be told, as nobody knows whose it is.
                output::talk(format_args!("an order that cannot be read is dropped: {error:#}"));
                self.board.drop(id).await?;
                return Ok(None);
            }
        };
        order.lost += attempt - 1;
        let recipe = match self.recipes.read(&order.recipe) {
            _ if attempt > LOST_MAX => Err(format!("its worker was lost {} times", attempt - 1)),
            recipe => recipe.map_err(|error| format!("{} cannot do it: {error:#}", self.host())),
        };
        let piece = std::mem::take(&mut order.piece);
        let held = Held { id, attempt: fresh_attempt(), order };
        let recipe = match recipe {
            Ok(recipe) => recipe,
            Err(why) => {
                if let Place::Here(live, _) = &self.place {
                    live.settled(false, None);
                }
                self.report_last(&held, piece, Err(why), Ran::begin(0)).await?;
                return Ok(None);
            }
        };
        // Kept with the order as well: it may have to be put once more.
        let files = matches!(self.place, Place::Host(_)).then(|| held.order.files.clone());
        let attempt = held.order.lost + held.order.tries;
        self.held = Some(held);
        Ok(Some(Task { id, attempt, piece, recipe, files }))
    }

    /// Settles an order with its last report. One that the manager does not take is told as a
    /// failure: whatever it holds, its master must not wait for it.
    async fn report_last(
        &mut self,
        held: &Held,
        piece: Piece,
        result: Result<Output, String>,
        ran: Ran,
    ) -> anyhow::Result<()> {
        let Held { id, attempt, order } = held;
        let short = Ran { files: Vec::new(), ..ran.clone() };
        let about = Piece { stdin: None, ..piece.clone() };
        let report = self.last_report(*attempt, order, piece, result, ran);
        self.write_down(&report).await?;
        let answered = self.board.answer(*id, &order.results, report.to_payload()).await;
        let wanted = match answered {
            Err(error) if !remote::is_end(&error) => {
                let why = format!("its result was not taken: {error:#}");
                let report = self.last_report(*attempt, order, about, Err(why), short);
                self.board.answer(*id, &order.results, report.to_payload()).await?
            }
            answered => answered?,
        };
        if !wanted {
            self.board.drop(*id).await?;
        }
        Ok(())
    }

    /// Writes into the books of the run how a task ended, before anybody else is told and before
    /// the next one is taken. Of tasks that run elsewhere the collector does.
    async fn write_down(&self, report: &Report) -> anyhow::Result<()> {
        match (&self.place, report) {
            (Place::Here(_, Some(books)), Report::Finished { lease, finished, .. }) => {
                books.ended(*lease, finished).await
            }
            _ => Ok(()),
        }
    }

    fn host(&self) -> String {
        match &self.place {
            Place::Here(..) => HERE.to_owned(),
            Place::Host(host) => host.to_string(),
        }
    }

    fn last_report(
        &self,
        lease: u64,
        order: &Order,
        piece: Piece,
        result: Result<Output, String>,
        ran: Ran,
    ) -> Report {
        let rest = result.as_ref().map_or(0, |output| output.stdout.len() as u64);
        let finished = Finished {
            seq: piece.seq,
            sent: order.sent(&piece),
            args: piece.args,
            tries: order.tries,
            lost: order.lost,
            host: self.host(),
            slot: ran.slot,
            started: ran.started,
            received: ran.handed_on + rest,
            result,
        };
        Report::Finished { lease, finished, files: ran.files }
    }
}

impl<B: Board> Link for OrderLink<B> {
    async fn take(&mut self, stop: &Stop) -> anyhow::Result<Option<Task>> {
        while let Some(leased) = self.board.take(stop).await? {
            if let Some(task) = self.accept(leased).await? {
                return Ok(Some(task));
            }
        }
        Ok(None)
    }

    async fn started(&mut self, task: &Task) -> anyhow::Result<bool> {
        let held = self.held.as_ref().context("nothing has started")?;
        let host = match &self.place {
            Place::Here(live, _) => {
                live.started(task.piece.seq, HERE, held.attempt);
                return Ok(true);
            }
            Place::Host(host) => host.to_string(),
        };
        let report = Report::Started { seq: task.piece.seq, host };
        let wanted = self.board.mention(&held.order.results, report.to_payload()).await?;
        if !wanted && let Some(held) = self.held.take() {
            self.board.drop(held.id).await?;
        }
        Ok(wanted)
    }

    async fn hand_on(
        &mut self,
        task: &Task,
        is_stderr: bool,
        bytes: Vec<u8>,
        stop: &Stop,
    ) -> anyhow::Result<bool> {
        let held = self.held.as_ref().context("nothing runs")?;
        let (seq, lease) = (task.piece.seq, held.attempt);
        if let Place::Here(_, Some(books)) = &self.place {
            books.part(seq, lease, is_stderr, &bytes);
        }
        let report = Report::Part { seq, lease, is_stderr, bytes };
        self.board.tell(&held.order.results, report.to_payload(), stop).await
    }

    async fn is_wanted(&mut self, _task: &Task) -> bool {
        match &self.held {
            Some(held) => self.board.is_wanted(&held.order.results).await,
            None => false,
        }
    }

    async fn settle(&mut self, task: Task, outcome: Outcome, ran: Ran) -> anyhow::Result<()> {
        let mut held = self.held.take().context("nothing to settle")?;
        let result = match outcome {
            Outcome::Ended(output) => Ok(output),
            Outcome::Failed(why) => Err(why),
            Outcome::Stopped => return self.board.release(held.id).await,
        };
        let failed = !result.as_ref().is_ok_and(went_well);
        if failed && held.order.tries < task.recipe.tries_max {
            let mut again = held.order.clone();
            again.tries += 1;
            again.piece = task.piece.clone();
            // A run that ends takes no more: then this try was the last.
            if self.board.again(held.id, again.to_payload()).await? {
                if let Place::Here(live, _) = &self.place {
                    live.gave_up(task.piece.seq, held.attempt);
                }
                return Ok(());
            }
        }
        if let Place::Here(live, _) = &self.place {
            live.settled(!failed, result.as_ref().ok().map(|output| output.end));
        }
        held.order.piece = Piece::default();
        self.report_last(&held, task.piece, result, ran).await
    }

    async fn close(self) {}
}
