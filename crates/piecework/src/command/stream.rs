//! One output pipe of a child command, read into memory: all of it up to a limit, only its end, or
//! part by part.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::io::{Errno, ioctl_fionbio, ioctl_fionread, read, retry_on_intr};
use tokio::io::{Interest, unix::AsyncFd};

/// The most that is read at a time: what a pipe of default size holds.
const READ_BYTES: usize = 64 << 10;

/// A pipe that has no end of its own, and what was read of it and not handed out.
#[derive(Debug)]
pub(super) struct Stream {
    pipe: AsyncFd<OwnedFd>,
    bytes: Vec<u8>,
    keep: Keep,
}

/// What becomes of more bytes than the limit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// Nothing may be missing: more is an error.
    Whole(usize),
    /// The last bytes matter: older ones are forgotten.
    Tail(usize),
    /// They are handed out.
    Parts(Parts),
}

/// How the output of a running command is cut into [`Part`](super::Part)s.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::{Command, Part, Parts};
///
/// let mut running = Command::new("sh").arg("-c").arg("echo a; sleep 60").spawn()?;
/// let lines = Parts { lines: true, bytes_max: 64 << 10 };
/// assert_eq!(running.part(lines).await?, Some(Part::Stdout(b"a\n".to_vec())));
/// drop(running); // which kills it
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Whether a part is due as soon as a line is whole. It is then whole lines, unless one is too
    /// long.
    pub lines: bool,
    /// A part is due when there are more bytes than this.
    pub bytes_max: usize,
}

/// Why a pipe could not be read to its end.
#[derive(Debug)]
pub(super) enum StreamError {
    /// It brought more bytes than may be kept.
    Overfull,
    /// The system refused.
    System(io::Error),
}

impl Stream {
    /// Prepares to read a pipe.
    #[expect(deprecated, reason = "its successor is unsafe, for types whose descriptor may change")]
    pub(super) fn new(pipe: impl Into<OwnedFd>, keep: Keep) -> io::Result<Self> {
        let pipe = pipe.into();
        ioctl_fionbio(&pipe, true)?;
        let pipe = AsyncFd::with_interest(pipe, Interest::READABLE)?;
        Ok(Self { pipe, bytes: Vec::new(), keep })
    }

    /// Hands out what is read in parts from now on.
    pub(super) fn in_parts(&mut self, parts: Parts) {
        self.keep = Keep::Parts(parts);
    }

    /// Hands out no more parts: what is read after the last is kept whole.
    pub(super) fn in_one(&mut self, bytes_max: usize) {
        if let Keep::Parts(_) = self.keep {
            self.keep = Keep::Whole(bytes_max);
        }
    }

    /// Reads until a part is due, and hands it out. Where no more parts come, this never returns:
    /// only the end of the process tells that its output is complete. May be dropped at any time:
    /// what was read stays.
    pub(super) async fn part(&mut self) -> Result<Vec<u8>, StreamError> {
        loop {
            let before = self.bytes.len();
            let reading = self.pipe.async_io(Interest::READABLE, |pipe| {
                read_once(pipe, &mut self.bytes).map_err(Into::into)
            });
            reading.await.map_err(StreamError::System)?;
            if let Keep::Parts(parts) = self.keep {
                if let Some(end) = parts.due(&self.bytes, before) {
                    let rest = self.bytes.split_off(end);
                    return Ok(std::mem::replace(&mut self.bytes, rest));
                }
            } else {
                self.trim()?;
            }
        }
    }

    /// Reads what is in the pipe now that its writer has ended, without waiting for those who
    /// inherited it.
    pub(super) fn drain(&mut self) -> Result<(), StreamError> {
        let left = ioctl_fionread(&self.pipe).map_err(|errno| StreamError::System(errno.into()))?;
        let mut left = usize::try_from(left).unwrap_or(usize::MAX);
        while left > 0 {
            let count = match read_once(self.pipe.get_ref(), &mut self.bytes) {
                Ok(0) | Err(Errno::AGAIN) => break,
                count => count.map_err(|errno| StreamError::System(errno.into()))?,
            };
            left = left.saturating_sub(count);
            self.trim()?;
        }
        Ok(())
    }

    /// Holds the limit. A tail is cut at twice its size, so that each byte is moved once at most.
    fn trim(&mut self) -> Result<(), StreamError> {
        match self.keep {
            Keep::Whole(max) if self.bytes.len() > max => Err(StreamError::Overfull),
            Keep::Tail(max) if self.bytes.len() > max.saturating_mul(2) => {
                self.bytes.drain(..self.bytes.len() - max);
                Ok(())
            }
            Keep::Whole(_) | Keep::Tail(_) | Keep::Parts(_) => Ok(()),
        }
    }

    /// Hands out what was read, in no more memory than it needs, as it may be held for long.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        if let Keep::Tail(max) = self.keep {
            bytes.drain(..bytes.len().saturating_sub(max));
        }
        bytes.shrink_to_fit();
        bytes
    }
}

/// Appends what is there to be read. It comes by way of the stack, as most commands write nothing:
/// their streams need no memory.
fn read_once(pipe: &OwnedFd, bytes: &mut Vec<u8>) -> Result<usize, Errno> {
    let mut chunk = [MaybeUninit::uninit(); READ_BYTES];
    retry_on_intr(|| {
        let (new, _) = read(pipe, &mut chunk)?;
        bytes.extend_from_slice(new);
        Ok(new.len())
    })
}

impl Parts {
    /// The end of the part that is due, if any. All before `searched` was found to hold no line.
    fn due(self, bytes: &[u8], searched: usize) -> Option<usize> {
        let new = bytes.get(searched..).unwrap_or_default();
        let line = self.lines.then(|| new.iter().rposition(|byte| *byte == b'\n')).flatten();
        let whole = line.map(|at| searched + at + 1);
        whole.or_else(|| (bytes.len() > self.bytes_max).then_some(bytes.len()))
    }
}
