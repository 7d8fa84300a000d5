//! Pipes between a program and its child processes.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream as StdStream;

use bytes::BytesMut;
use piecework_wire::Payload;
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::error::{Mismatch, Unsayable};
use crate::item::{from_payload, to_payload};
use crate::tasks::luggage;

/// Makes a pipe with two ends. What one sends, the other receives: `A` in one direction, `B` in the
/// other.
///
/// An end can be an argument of a task that is run by [`Process`](crate::Process), and belongs to
/// the child then. It is what `multiprocessing.Pipe` is in Python; what is to have several readers
/// or writers is a [`Queue`](crate::Queue).
///
/// ```
/// use piecework::{PipeEnd, Process, pipe};
///
/// #[piecework::task]
/// async fn square(mut numbers: PipeEnd<u64, u64>) {
///     while let Ok(number) = numbers.recv().await {
///         numbers.send(&(number * number)).await.expect("the parent waits for it");
///     }
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     piecework::init(); // first: the child is this program, too
///     let (mut ours, theirs) = pipe()?;
///     let mut process = Process::spawn(square, (theirs,))?;
///     ours.send(&12).await?;
///     assert_eq!(ours.recv().await?, 144);
///     drop(ours); // the child's `recv` fails, and it ends
///     process.join().await?;
///     Ok(())
/// }
/// ```
///
/// # Errors
/// The process has no room for more open files.
#[expect(clippy::type_complexity, reason = "it is what a pipe is")]
pub fn pipe<A, B>() -> Result<(PipeEnd<A, B>, PipeEnd<B, A>), PipeError> {
    let (one, other) = StdStream::pair()?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((PipeEnd::new(one), PipeEnd::new(other)))
}

/// One end of a [`pipe`]: sends items of the type `S`, and receives items of the type `R`. Dropped,
/// it is closed.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use piecework::PipeEnd;
///
/// let (mut asking, mut answering): (PipeEnd<String, usize>, PipeEnd<usize, String>) =
///     piecework::pipe()?;
/// asking.send(&"five!".to_owned()).await?;
/// let asked = answering.recv().await?;
/// answering.send(&asked.len()).await?;
/// assert_eq!(asking.recv().await?, 5);
/// # Ok(())
/// # }
/// ```
pub struct PipeEnd<S, R> {
    stream: Stream,
    received: BytesMut,
    /// What is left of an item whose `send` was dropped.
    unsent: BytesMut,
    items: PhantomData<fn(S) -> R>,
}

/// Its socket, which is of no runtime before it is used.
#[derive(Debug)]
enum Stream {
    Fresh(StdStream),
    Used(UnixStream),
}

impl Stream {
    /// Has this task's runtime look after it, if none does yet.
    fn used(&mut self) -> io::Result<&mut UnixStream> {
        if let Self::Fresh(stream) = self {
            *self = Self::Used(UnixStream::from_std(stream.try_clone()?)?);
        }
        match self {
            Self::Used(stream) => Ok(stream),
            Self::Fresh(_) => Err(io::Error::other("it was made a used one")),
        }
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Fresh(stream) => stream.as_fd(),
            Self::Used(stream) => stream.as_fd(),
        }
    }
}

/// Why nothing was sent or received.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use piecework::{PipeError, pipe};
///
/// let (mut one, other) = pipe::<u64, u64>()?;
/// drop(other);
/// assert!(matches!(one.recv().await, Err(PipeError::Closed)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PipeError {
    /// The other end was dropped, or its process has ended.
    #[error("the other end of the pipe is closed")]
    Closed,
    /// The item cannot be said.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// The item is not of the type that is received.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The item is longer than an item may be.
    #[error("an item of {len} bytes is too long for a pipe: {FRAME_BYTES_MAX} are allowed")]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// The system refused something.
    #[error("the pipe cannot be used: {0}")]
    System(io::Error),
}

impl From<io::Error> for PipeError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        match error.kind() {
            BrokenPipe | ConnectionReset | UnexpectedEof => Self::Closed,
            _ => Self::System(error),
        }
    }
}

impl<S, R> PipeEnd<S, R> {
    fn new(stream: StdStream) -> Self {
        let (received, unsent) = (BytesMut::new(), BytesMut::new());
        Self { stream: Stream::Fresh(stream), received, unsent, items: PhantomData }
    }

    /// Sends an item. Where the other end does not receive, and items of some 100 KiB are on their
    /// way, it waits: two ends that only send wait for each other. A future that is dropped may
    /// have begun to send the item, which is then sent by the next call.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut one, mut other) = piecework::pipe::<(u32, String), ()>()?;
    /// one.send(&(1, "a".to_owned())).await?;
    /// one.send(&(2, "b".to_owned())).await?; // does not wait for the first to be received
    /// assert_eq!(other.recv().await?, (1, "a".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The other end is closed; or the item is longer than 1 GiB, or cannot be said.
    pub async fn send(&mut self, item: &S) -> Result<(), PipeError>
    where
        S: Serialize,
    {
        let item = to_payload(item)?;
        if item.len() > FRAME_BYTES_MAX {
            return Err(PipeError::TooLong { len: item.len() });
        }
        self.flush().await?;
        frame::put(&mut self.unsent, item.as_bytes());
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), PipeError> {
        while !self.unsent.is_empty() {
            self.stream.used()?.write_buf(&mut self.unsent).await?;
        }
        Ok(())
    }

    /// Waits for an item. A future that is dropped takes none.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut one, mut other) = piecework::pipe::<u64, ()>()?;
    /// one.send(&7).await?;
    /// drop(one);
    /// assert_eq!(other.recv().await?, 7); // sent before the end was closed
    /// assert!(other.recv().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The other end is closed and all that it had sent was received; or the item is of another
    /// type.
    pub async fn recv(&mut self) -> Result<R, PipeError>
    where
        R: DeserializeOwned,
    {
        loop {
            let cut = frame::cut(&mut self.received, FRAME_BYTES_MAX).map_err(io::Error::other)?;
            if let Some(item) = cut {
                let item = Payload::from_bytes(item).map_err(io::Error::other)?;
                return Ok(from_payload(&item)?);
            }
            let (mut reader, mut writer) = self.stream.used()?.split();
            let has_unsent = !self.unsent.is_empty();
            tokio::select! {
                read = reader.read_buf(&mut self.received) => if read? == 0 {
                    return Err(PipeError::Closed);
                },
                // The other end may answer only when it has all of what was begun.
                written = writer.write_buf(&mut self.unsent), if has_unsent => drop(written?),
            }
        }
    }
}

impl<S, R> fmt::Debug for PipeEnd<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeEnd").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Only as an argument of a [`Process`](crate::Process), and only while nothing is half read or
/// half written.
impl<S, R> Serialize for PipeEnd<S, R> {
    fn serialize<Ser: Serializer>(&self, serializer: Ser) -> Result<Ser::Ok, Ser::Error> {
        if !self.received.is_empty() || !self.unsent.is_empty() {
            return Err(Ser::Error::custom("an end of a pipe that holds part of an item stays"));
        }
        let number = luggage::add(self.stream.as_fd());
        number
            .map_err(|why| Ser::Error::custom(format!("an end of a pipe: {why}")))?
            .serialize(serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for PipeEnd<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = luggage::file(u32::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Ok(Self::new(StdStream::from(file)))
    }
}
