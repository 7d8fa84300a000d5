//! Standard output for raw bytes, and the talk that has its place between them.

use std::io::{self, BufWriter, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::progress::Progress;
use super::talk::{pass_on, talk};

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
    /// Raw bytes for standard output.
    Data(Vec<u8>),
    /// Raw bytes for standard error.
    PassedOn(Vec<u8>),
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

    /// Prints data.
    ///
    /// # Errors
    /// If standard output takes no more; that may show only with a later part.
    pub(crate) async fn data(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.put(Part::Data(bytes)).await
    }

    /// Prints on standard error what a command wrote there, after all data that came before.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub(crate) async fn passed_on(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.put(Part::PassedOn(bytes)).await
    }

    /// Prints a line of talk, after all data that came before.
    ///
    /// # Errors
    /// As [`data`](Self::data).
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
    loop {
        let part = match queue.try_recv() {
            Ok(part) => part,
            Err(_) => {
                progress.aside(|| stdout.flush())?;
                let Some(part) = queue.blocking_recv() else { return Ok(()) };
                part
            }
        };
        progress.aside(|| match part {
            Part::Data(bytes) => stdout.write_all(&bytes),
            Part::PassedOn(bytes) => {
                stdout.flush()?;
                pass_on(&bytes);
                Ok(())
            }
            Part::Talk(message) => {
                stdout.flush()?;
                talk(message);
                Ok(())
            }
        })?;
    }
}
