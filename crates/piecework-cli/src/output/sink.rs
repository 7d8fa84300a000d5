//! Standard output for raw bytes, and the talk that has its place between them.

use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::progress::Progress;
use super::tagged::Tagged;
use super::talk::talk;
use crate::run::held::Held;

/// How many parts wait to be written: when the reader of our output is slow, whoever prints is
/// slowed down with it.
const PARTS_MAX: usize = 8;

/// Prints in the order it is told.
///
/// A write blocks when its reader is slow, so a thread of its own does it. Nobody joins that
/// thread: a stop must not wait for a reader that has gone to sleep.
#[derive(Debug)]
pub(crate) struct Sink {
    parts: mpsc::Sender<Part>,
    ended: oneshot::Receiver<io::Result<()>>,
}

#[derive(Debug)]
enum Part {
    /// Raw bytes, with a tag in front of each line if there is one.
    Held { held: Held, is_stderr: bool, tag: Option<Vec<u8>> },
    /// A line of our own for standard error.
    Talk(String),
}

impl Sink {
    /// Opens standard output; the progress bar steps aside for what is printed.
    pub(crate) fn open(progress: Progress) -> Self {
        let (parts, queue) = mpsc::channel(PARTS_MAX);
        let (end, ended) = oneshot::channel();
        thread::spawn(move || {
            let _ = end.send(print(queue, &progress));
        });
        Self { parts, ended }
    }

    /// Prints what a command wrote, after all that came before.
    ///
    /// # Errors
    /// If standard output takes no more; that may show only with a later part.
    pub(crate) async fn held(
        &mut self,
        held: Held,
        is_stderr: bool,
        tag: Option<Vec<u8>>,
    ) -> io::Result<()> {
        self.put(Part::Held { held, is_stderr, tag }).await
    }

    /// Prints a line of talk, after all that came before.
    ///
    /// # Errors
    /// As [`held`](Self::held).
    pub(crate) async fn talk(&mut self, message: String) -> io::Result<()> {
        self.put(Part::Talk(message)).await
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// If standard output did not take it all.
    pub(crate) async fn close(self) -> io::Result<()> {
        drop(self.parts);
        self.ended.await.unwrap_or_else(|_| Err(io::Error::other("the printing thread is gone")))
    }

    async fn put(&mut self, part: Part) -> io::Result<()> {
        if self.parts.send(part).await.is_ok() {
            return Ok(());
        }
        match (&mut self.ended).await {
            Ok(Err(error)) => Err(error),
            _ => Err(io::Error::other("the printing thread is gone")),
        }
    }
}

/// Writes part after part. What is in the buffer is written out before a wait.
fn print(mut queue: mpsc::Receiver<Part>, progress: &Progress) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout());
    // Only what goes to the terminal needs the bar out of its way. A reader of anything else may
    // take its time, and nothing may hold up the bar for so long.
    let shared = io::stdout().is_terminal();
    let aside = |print: &mut dyn FnMut() -> io::Result<()>| match shared {
        true => progress.aside(print),
        false => print(),
    };
    loop {
        let part = match queue.try_recv() {
            Ok(part) => part,
            Err(_) => {
                aside(&mut || stdout.flush())?;
                let Some(part) = queue.blocking_recv() else { return Ok(()) };
                part
            }
        };
        match part {
            Part::Held { mut held, is_stderr: false, tag } => {
                aside(&mut || copy(&mut held, &mut stdout, tag.as_deref()))?;
            }
            Part::Held { mut held, is_stderr: true, tag } => {
                aside(&mut || stdout.flush())?;
                // A reader of our errors that has gone is no reason to stop.
                let _ = progress.aside(|| copy(&mut held, &mut io::stderr(), tag.as_deref()));
            }
            Part::Talk(message) => {
                aside(&mut || stdout.flush())?;
                progress.aside(|| talk(message));
            }
        }
    }
}

fn copy(from: &mut Held, to: &mut impl Write, tag: Option<&[u8]>) -> io::Result<()> {
    from.rewind()?; // somebody may have recorded it before
    match tag {
        Some(tag) => io::copy(from, &mut Tagged::new(to, tag)).map(drop),
        None => io::copy(from, to).map(drop),
    }
}
