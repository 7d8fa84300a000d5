//! The link of a slot to a run, whichever board the run's orders are on.

use std::sync::Arc;

use anyhow::Context;

use super::board::{Board, Leased};
use super::here::HERE;
use super::link::{Link, Outcome, Ran, Task};
use super::live::Live;
use super::order::{Order, Report};
use super::piece::{Finished, Piece};
use super::recipe::Recipes;
use super::stop::{Stage, Stop};

/// How often a task may lose its worker before nobody tries it any more: it may be what takes the
/// workers down.
const LOST_MAX: u32 = 5;

/// Who does the work.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The master itself, which counts what runs.
    Here(Arc<Live>),
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
    order: Order,
}

impl<B: Board> OrderLink<B> {
    /// Links a slot to a board.
    pub(crate) fn new(board: B, place: Place, recipes: Arc<Recipes>) -> Self {
        Self { board, place, recipes, held: None }
    }

    /// Makes a task of an order; `None` if it is beyond help.
    async fn accept(&mut self, leased: Leased) -> anyhow::Result<Option<Task>> {
        let Leased { id, attempt, payload } = leased;
        let mut order = Order::from_payload(&payload)?;
        order.lost += attempt - 1;
        if attempt > LOST_MAX {
            let why = format!("its worker was lost {} times", attempt - 1);
            if let Place::Here(live) = &self.place {
                live.settled(false, None);
            }
            let ran = Ran::begin(0);
            let piece = std::mem::take(&mut order.piece);
            let report = self.last_report(id, &order, piece, Err(why), ran);
            self.board.answer(id, &order.results, report.to_payload()).await?;
            return Ok(None);
        }
        let recipe = self.recipes.read(&order.recipe)?;
        let piece = std::mem::take(&mut order.piece);
        // Kept with the order as well: it may have to be put once more.
        let files = matches!(self.place, Place::Host(_)).then(|| order.files.clone());
        let attempt = order.lost + order.tries;
        self.held = Some(Held { id, order });
        Ok(Some(Task { id, attempt, piece, recipe, files }))
    }

    fn host(&self) -> String {
        match &self.place {
            Place::Here(_) => HERE.to_owned(),
            Place::Host(host) => host.to_string(),
        }
    }

    fn last_report(
        &self,
        lease: u64,
        order: &Order,
        piece: Piece,
        result: Result<piecework::command::Output, String>,
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
        loop {
            let leased = tokio::select! {
                biased;
                () = stop.reached(Stage::Draining) => return Ok(None),
                leased = self.board.take() => leased?,
            };
            let Some(leased) = leased else { return Ok(None) };
            if let Some(task) = self.accept(leased).await? {
                return Ok(Some(task));
            }
        }
    }

    async fn started(&mut self, task: &Task) -> anyhow::Result<bool> {
        let held = self.held.as_ref().context("nothing has started")?;
        let host = match &self.place {
            Place::Here(live) => {
                live.started(task.piece.seq, HERE);
                return Ok(true);
            }
            Place::Host(host) => host.to_string(),
        };
        let report = Report::Started { seq: task.piece.seq, host };
        let wanted = self.board.tell(&held.order.results, report.to_payload()).await?;
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
    ) -> anyhow::Result<()> {
        let held = self.held.as_ref().context("nothing runs")?;
        let report = Report::Part { seq: task.piece.seq, lease: held.id, is_stderr, bytes };
        self.board.tell(&held.order.results, report.to_payload()).await.map(drop)
    }

    async fn is_wanted(&mut self, _task: &Task) -> bool {
        match &self.held {
            Some(held) => self.board.is_wanted(&held.order.results).await,
            None => false,
        }
    }

    async fn settle(&mut self, task: Task, outcome: Outcome, ran: Ran) -> anyhow::Result<()> {
        let Held { id, mut order } = self.held.take().context("nothing to settle")?;
        let result = match outcome {
            Outcome::Ended(output) => Ok(output),
            Outcome::Failed(why) => Err(why),
            Outcome::Stopped => return self.board.release(id).await,
        };
        let failed =
            !result.as_ref().is_ok_and(|output| output.end.is_success() && !output.timed_out);
        if failed && order.tries < task.recipe.tries_max {
            if let Place::Here(live) = &self.place {
                live.gave_up(task.piece.seq);
            }
            order.tries += 1;
            order.piece = task.piece;
            return self.board.again(id, order.to_payload()).await;
        }
        if let Place::Here(live) = &self.place {
            live.settled(!failed, result.as_ref().ok().map(|output| output.end));
        }
        let report = self.last_report(id, &order, task.piece, result, ran);
        if !self.board.answer(id, &order.results, report.to_payload()).await? {
            self.board.drop(id).await?;
        }
        Ok(())
    }

    async fn close(self) {}
}
