//! One call on the pool: a task, and the arguments that it is to be run with.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::pool::result::{Results, Told};
use crate::tasks::{Packed, TaskError};

/// A batch is to keep a child busy for about so long: the way there and back is little of that, and
/// all children are done at about the same time.
const BATCH_TIME: Duration = Duration::from_millis(10);

/// The most tasks in a batch.
const BATCH_MAX: usize = 10_000;

/// What is still to be run of one call.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) task: &'static str,
    /// Those that nobody has run, from this one on.
    fresh: Packed,
    at: usize,
    /// Those whose child died: each is run alone, so that one of them is to blame.
    again: VecDeque<Piece>,
    /// How many took how long, of late.
    took: (f64, Duration),
    told: mpsc::Sender<Told>,
    /// Batches that children are at.
    under_way: usize,
}

/// Some runs of the task, from a number on.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) at: usize,
    pub(super) arguments: Packed,
    /// How many children have died of it, if it is one run.
    pub(super) deaths: u32,
}

impl Piece {
    /// Each run by itself.
    pub(super) fn singles(mut self) -> impl Iterator<Item = Self> {
        (self.at..self.at + self.arguments.len()).map(move |at| Self {
            at,
            arguments: self.arguments.split_to(1),
            deaths: self.deaths,
        })
    }
}

/// What a child is given at a time.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) task: &'static str,
    pub(super) piece: Piece,
    pub(super) told: mpsc::Sender<Told>,
}

impl Job {
    pub(super) fn new<R>(task: &'static str, fresh: Packed) -> (Self, Results<R>) {
        // A place for each: nobody who tells has to wait.
        let (told, results) = mpsc::channel(fresh.len().max(1));
        let results = Results::new(results, fresh.len());
        let (again, took) = (VecDeque::new(), (0.0, Duration::ZERO));
        (Self { task, fresh, at: 0, again, took, told, under_way: 0 }, results)
    }

    /// The next batch for one of so many children, of at most so many; `None` if all is handed out.
    pub(super) fn next(&mut self, children: usize, max: usize) -> Option<Batch> {
        let piece = match self.again.pop_front() {
            Some(piece) => piece,
            None => {
                let (at, count) = (self.at, self.batch_len(children).min(max));
                let arguments = self.fresh.split_to(count);
                self.at += arguments.len();
                Piece { at, arguments, deaths: 0 }
            }
        };
        if piece.arguments.len() == 0 {
            return None;
        }
        self.under_way += 1;
        Some(Batch { task: self.task, piece, told: self.told.clone() })
    }

    /// Nobody has measured the first ones. Later ones are as many as fit the time; towards the end
    /// they are fewer, so that no child has much to do when the others are done.
    fn batch_len(&self, children: usize) -> usize {
        let (count, time) = self.took;
        let fit = BATCH_TIME.as_secs_f64() * count / time.as_secs_f64().max(f64::MIN_POSITIVE);
        let share = self.fresh.len().div_ceil(2 * children);
        (fit as usize).min(share).clamp(1, BATCH_MAX)
    }

    /// A batch is over.
    pub(super) fn done(&mut self, took: Option<(usize, Duration)>, again: Vec<Piece>) {
        self.under_way -= 1;
        self.again.extend(again);
        if let Some((count, time)) = took {
            self.took(count, time);
        }
    }

    /// Whether all of it is run.
    pub(super) fn is_done(&self) -> bool {
        self.under_way == 0 && self.fresh.len() == 0 && self.again.is_empty()
    }

    /// So many were run in this time. What was before counts for less and less; and a batch counts
    /// as much as it had in it, or the way there of the first ones, alone in theirs, would tell for
    /// long.
    fn took(&mut self, count: usize, time: Duration) {
        let (counted, before) = self.took;
        self.took = (counted / 2.0 + count as f64, before / 2 + time);
    }

    pub(super) fn is_of(&self, told: &mpsc::Sender<Told>) -> bool {
        self.told.same_channel(told)
    }

    /// Nothing more of it is run.
    pub(super) fn give_up(self, why: &'static str) {
        let fresh = self.at..self.at + self.fresh.len();
        for at in fresh.chain(self.again.iter().map(|piece| piece.at)) {
            // Whoever waited may be gone.
            let _ = self.told.try_send((at, Err(TaskError::Over(why))));
        }
    }
}
