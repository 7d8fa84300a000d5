//! Reads the input and puts one order for each piece, no further ahead than the window allows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::board::Board;
use super::books::{Books, Kept, Known};
use super::files;
use super::order::Order;
use super::piece::Piece;
use super::pieces::Pieces;
use super::print::Look;
use super::stop::{Stage, Stop};
use super::turns::Turns;
use super::window::Window;
use crate::output::Progress;
use crate::template::{Filling, Pattern};

/// How the input ended.
#[derive(Debug)]
pub(crate) struct Fed {
    /// How many tasks were fed.
    pub(crate) tasks: u64,
    /// Whether all of the input was read.
    pub(crate) complete: anyhow::Result<()>,
}

/// What earlier turns of the run have left.
#[derive(Debug)]
pub(crate) struct Before {
    /// The books, which are told what begins.
    pub(crate) books: Arc<Books>,
    /// What they know.
    pub(crate) known: Known,
    /// Where that goes, instead of an order.
    pub(crate) kept: mpsc::Sender<Kept>,
}

/// Where the orders go, and how.
#[derive(Debug)]
pub(crate) struct Feed<B> {
    /// The board.
    pub(crate) board: B,
    /// What the queue of results is named by.
    pub(crate) results: String,
    /// What all orders have in common.
    pub(crate) recipe: Bytes,
    /// The tasks that need none.
    pub(crate) before: Option<Before>,
    /// How far ahead they may be.
    pub(crate) window: Arc<Window>,
    /// Whose turn it is to be printed, and with which tag if lines are printed as they come.
    pub(crate) turns: Arc<Turns>,
    /// The files that go along to other machines.
    pub(crate) transfers: Vec<Pattern>,
    /// How results are printed.
    pub(crate) look: Look,
    /// How many tasks were fed so far.
    pub(crate) count: Arc<AtomicU64>,
    /// Once a stop has begun, no more are put.
    pub(crate) stop: Stop,
}

/// Starts to feed, and tells with the receiver how the input ended.
///
/// Reading blocks, so it has a thread of its own. Nobody joins that thread: it may wait for a line
/// that never comes, and ends with the process. It stops by itself when the run takes no more.
pub(crate) fn start<B: Board>(
    input: Pieces,
    mut feed: Feed<B>,
    progress: Progress,
) -> oneshot::Receiver<Fed> {
    let (ended, wait) = oneshot::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        let complete = feed.run(input, &runtime);
        let tasks = feed.count.load(Ordering::Relaxed);
        progress.total(tasks);
        let _ = ended.send(Fed { tasks, complete });
    });
    wait
}

impl<B> Feed<B> {
    /// Remembers of a piece what its results need. What nobody asks for is not remembered, as it
    /// would never be forgotten.
    fn remember(&self, piece: &Piece) {
        if self.look.keep_order {
            self.turns.fed(piece.seq);
        }
        if self.look.lines
            && let Some(tag) = self.look.tag(piece.seq, &piece.args, 0)
        {
            self.turns.tagged(piece.seq, tag);
        }
    }

    /// Gives out what the books keep of a task. Tells whether the run goes on.
    fn give_out(&self, piece: &Piece, kept: Kept) -> bool {
        let Some(before) = &self.before else { return true };
        self.window.enter(0);
        if self.stop.stage() > Stage::Working {
            return false;
        }
        self.remember(piece);
        self.count.fetch_add(1, Ordering::Relaxed);
        before.kept.blocking_send(kept).is_ok()
    }
}

impl<B: Board> Feed<B> {
    fn run(&mut self, input: Pieces, runtime: &Handle) -> anyhow::Result<()> {
        for piece in input {
            let piece = piece?;
            let kept = match &mut self.before {
                Some(Before { books, known, .. }) => books.begin(&piece, known)?,
                None => None,
            };
            let goes_on = match kept {
                Some(kept) => self.give_out(&piece, kept),
                None => self.put(piece, runtime)?,
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Puts the order for a piece. Tells whether the run takes more.
    fn put(&mut self, piece: Piece, runtime: &Handle) -> anyhow::Result<bool> {
        let filling = Filling { args: &piece.args, seq: piece.seq, slot: 0 };
        let paths = files::paths(&self.transfers, &filling);
        let files = files::read_all(&paths, Path::new(""))
            .with_context(|| format!("task {} cannot be given to another machine", piece.seq))?;
        let order = Order {
            results: self.results.clone(),
            recipe: self.recipe.clone(),
            tries: 1,
            lost: 0,
            piece: Piece::default(),
            files,
        };
        self.window.enter(order.sent(&piece));
        if self.stop.stage() > Stage::Working {
            return Ok(false);
        }
        self.remember(&piece);
        let order = Order { piece, ..order };
        let taken = runtime.block_on(self.board.put(order.to_payload(), &self.results))?;
        self.count.fetch_add(u64::from(taken), Ordering::Relaxed);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::print::Tag;

    fn feed(keep_order: bool, lines: bool) -> Feed<()> {
        let tag = Some(Tag::Arguments);
        Feed {
            board: (),
            results: String::new(),
            recipe: Bytes::new(),
            before: None,
            window: Arc::new(Window::new(1)),
            turns: Arc::default(),
            transfers: Vec::new(),
            look: Look { keep_order, tag, lines, silent: false, quiet: true },
            count: Arc::default(),
            stop: Stop::on_signals(|_| ()).unwrap(),
        }
    }

    #[tokio::test]
    async fn no_more_is_remembered_than_is_asked_for() {
        let piece = Piece { seq: 3, args: vec![b"a".to_vec()], stdin: None };
        for keep_order in [false, true] {
            for lines in [false, true] {
                let feed = feed(keep_order, lines);
                feed.remember(&piece);
                assert_eq!(feed.turns.next(), keep_order.then_some(3));
                assert_eq!(feed.turns.tag(3), lines.then(|| b"a".to_vec()));
            }
        }
    }
}
