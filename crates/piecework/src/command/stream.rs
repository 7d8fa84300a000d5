//! One output pipe of a child command, read into memory: all of it up to a limit, or only its end.

use std::os::fd::AsFd;

use rustix::io::{Errno, ioctl_fionread};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The least room for one read: most commands write less than a page.
const READ_BYTES_MIN: usize = 4 << 10;

/// The most that is drained at a time: what a pipe of default size holds.
const DRAIN_BYTES: usize = 64 << 10;

/// A pipe that is read until its end, and what was read.
#[derive(Debug)]
pub(crate) struct Stream<P> {
    pipe: P,
    bytes: Vec<u8>,
    keep: Keep,
    ended: bool,
}

/// What becomes of more bytes than the limit.
#[derive(Clone, Copy, Debug)]
enum Keep {
    /// Nothing may be missing: more is an error.
    Whole(usize),
    /// The last bytes matter: older ones are forgotten.
    Tail(usize),
}

/// Why a pipe could not be read to its end.
#[derive(Debug)]
pub(crate) enum StreamError {
    /// It brought more bytes than may be kept.
    Overfull,
    /// The system refused.
    System(std::io::Error),
}

impl<P: AsyncRead + AsFd + Unpin> Stream<P> {
    /// Keeps everything, and is overfull beyond `bytes_max`.
    pub(crate) fn whole(pipe: P, bytes_max: usize) -> Self {
        Self { pipe, bytes: Vec::new(), keep: Keep::Whole(bytes_max), ended: false }
    }

    /// Keeps the last `bytes_max` bytes.
    pub(crate) fn tail(pipe: P, bytes_max: usize) -> Self {
        Self { pipe, bytes: Vec::new(), keep: Keep::Tail(bytes_max), ended: false }
    }

    /// Reads until the end of the pipe. May be dropped at any time: what was read stays.
    pub(crate) async fn fill(&mut self) -> Result<(), StreamError> {
        while !self.ended {
            self.bytes.reserve(READ_BYTES_MIN);
            // An error of a pipe that is read says nothing that its end would not say.
            let count = self.pipe.read_buf(&mut self.bytes).await.unwrap_or(0);
            self.ended = count == 0;
            self.trim()?;
        }
        Ok(())
    }

    /// Reads what is in the pipe now that its writer has ended, without waiting for those who
    /// inherited it.
    pub(crate) fn drain(&mut self) -> Result<(), StreamError> {
        if self.ended {
            return Ok(());
        }
        let mut left = usize::try_from(
            ioctl_fionread(&self.pipe).map_err(|errno| StreamError::System(errno.into()))?,
        )
        .unwrap_or(usize::MAX);
        let mut chunk = vec![0; left.min(DRAIN_BYTES)];
        while left > 0 {
            let wanted = left.min(chunk.len());
            let count =
                match rustix::io::read(&self.pipe, chunk.get_mut(..wanted).unwrap_or_default()) {
                    Ok(0) | Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => continue,
                    count => count.map_err(|errno| StreamError::System(errno.into()))?,
                };
            self.bytes.extend(chunk.iter().take(count));
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
            Keep::Whole(_) | Keep::Tail(_) => Ok(()),
        }
    }

    /// Hands out what was read, in no more memory than it needs, as it may be held for long.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        if let Keep::Tail(max) = self.keep {
            bytes.drain(..bytes.len().saturating_sub(max));
        }
        bytes.shrink_to_fit();
        bytes
    }
}
