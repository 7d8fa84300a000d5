//! One socket: frames in, bytes out, for as long as the manager runs.

use crate::limits::{
    LINGER, PASSED_OVER_BYTES_MAX, PASSED_OVER_READ_BYTES, READ_BYTES, RESERVE_BYTES_MAX,
};
use crate::process::Process;
use bytes::{Buf, Bytes, BytesMut};
use piecework_net::{Peer, Stream};
use piecework_wire::{WireError, frame};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

/// How far a server has stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    /// It has not.
    Serving,
    /// Nobody else comes in, and nobody waits any more; calls that need no wait are answered.
    LastCalls,
    /// Every connection ends.
    Over,
}

/// Why no more frames come.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The peer is gone, or the manager stops.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer sends what is no frame, or too much.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The process that connected has ended, and yet the connection has not: somebody inherited it.
    #[error("its process has ended")]
    Orphaned,
}

/// A connected socket, and what has come in over it and is not read yet.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    process: Process,
    input: BytesMut,
    stage: watch::Receiver<Stage>,
}

impl Socket {
    pub(crate) fn new(
        stream: Stream,
        peer: &Peer,
        silence_max: Duration,
        stage: watch::Receiver<Stage>,
    ) -> io::Result<Self> {
        stream.set_up(silence_max)?;
        Ok(Self { stream, process: Process::of(peer), input: BytesMut::new(), stage })
    }

    /// The process at the other end, where it is known.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// How many bytes have come in that are not read yet.
    pub(crate) fn unread(&self) -> usize {
        self.input.len()
    }

    /// The next whole frame; `None` when the peer has closed the connection between two frames,
    /// or the manager stops. With `expects_more`, what is read is acknowledged at once: the peer
    /// writes in pieces and waits for that.
    pub(crate) async fn next_frame(
        &mut self,
        bytes_max: usize,
        expects_more: bool,
    ) -> Result<Option<Bytes>, Broken> {
        let mut acknowledge = expects_more;
        loop {
            let whole = frame::cut(&mut self.input, bytes_max)?;
            if whole.is_some() {
                return Ok(whole);
            }
            if acknowledge {
                self.stream.acknowledge_now();
            }
            acknowledge = true;
            let missing = frame::missing(&self.input).unwrap_or(0);
            match (self.read(missing.clamp(READ_BYTES, RESERVE_BYTES_MAX)).await?, self.unread()) {
                (0, 0) => return Ok(None),
                (0, _) => return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
                _ => {}
            }
        }
    }

    /// Reads the frame at the front of the input, which is too long, to its end, and keeps nothing
    /// of it.
    pub(crate) async fn pass_over(&mut self, error: WireError) -> Result<(), Broken> {
        let mut left = frame::announced(&self.input).unwrap_or(u64::MAX);
        if left > PASSED_OVER_BYTES_MAX {
            return Err(error.into());
        }
        loop {
            let here = self.input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.input.advance(here);
            left -= here as u64;
            if left == 0 {
                return Ok(());
            }
            match self.read(PASSED_OVER_READ_BYTES).await {
                Ok(0) => return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
                // Whoever has it now goes on with the message.
                Err(Broken::Orphaned) => self.process.forget(),
                read => drop(read?),
            }
        }
    }

    /// Waits for more bytes, for one who waits for something else at the same time: an error when
    /// the peer is gone or nobody waits any more.
    pub(crate) async fn more(&mut self) -> Result<(), Broken> {
        let Self { stream, process, input, stage } = self;
        let read = async {
            loop {
                stream.readable().await?;
                input.reserve(READ_BYTES);
                match stream.try_read_buf(input) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read.map(drop),
                }
            }
        };
        tokio::select! {
            read = read => Ok(read?),
            _ = stage.wait_for(|stage| *stage > Stage::Serving) => Err(stops().into()),
            () = process.ended() => match last_words(stream, input)? {
                0 => Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
                _ => Ok(()),
            },
        }
    }

    /// The same for one who only waits for the manager to stop.
    pub(crate) async fn stopping(&mut self) -> io::Error {
        let _ = self.stage.wait_for(|stage| *stage > Stage::Serving).await;
        stops()
    }

    /// Reads what there is already, without waiting; an error if the connection has ended.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        self.input.reserve(READ_BYTES);
        match self.stream.try_read_buf(&mut self.input) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes everything, for as long as the manager runs and the peer's process lives: one that
    /// does not read must not keep the manager from stopping, and one that was killed amid a long
    /// reply never reads the rest, though a child of it may keep the connection.
    pub(crate) async fn write(&mut self, bytes: &mut impl Buf) -> io::Result<()> {
        tokio::select! {
            biased;
            written = self.stream.write_all_buf(bytes) => written,
            _ = self.stage.wait_for(|stage| *stage == Stage::Over) => Err(stops()),
            () = self.process.ended() => {
                Err(io::Error::new(io::ErrorKind::BrokenPipe, "its process has ended"))
            }
        }
    }

    /// Says that nothing more will be written.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Closes so that the peer can read the last word: input that nobody reads would make the
    /// kernel reset the connection, and the reset might overtake it.
    pub(crate) async fn linger(&mut self) {
        let drain = async {
            self.stream.shutdown().await?;
            let mut rest = [0; 256];
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(LINGER, drain).await;
    }

    /// Whether the server has begun to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stage.borrow() > Stage::Serving
    }

    /// Reads once; 0 at the end of the stream, or when the manager stops.
    async fn read(&mut self, room: usize) -> Result<usize, Broken> {
        let Self { stream, process, input, stage } = self;
        let between_frames = input.is_empty();
        input.reserve(room);
        tokio::select! {
            biased;
            read = stream.read_buf(input) => Ok(read?),
            _ = stage.wait_for(|stage| *stage == Stage::Over) => {
                input.clear();
                Ok(0)
            }
            () = process.ended(), if between_frames => last_words(stream, input),
        }
    }
}

/// Reads what a process has said before it ended: that counts, its good-bye above all, and the
/// runtime may have heard of the end first. 0 at the end of the stream; `Orphaned` if there is
/// nothing and the stream goes on.
fn last_words(stream: &Stream, input: &mut BytesMut) -> Result<usize, Broken> {
    let mut words = [0; READ_BYTES];
    match stream.read_now(&mut words) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Broken::Orphaned),
        read => {
            let read = read?;
            input.extend_from_slice(words.get(..read).unwrap_or_default());
            Ok(read)
        }
    }
}

fn stops() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "the manager stops")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[tokio::test]
    async fn what_the_runtime_has_not_heard_of_yet_is_read_all_the_same() {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stream = Stream::Unix(tokio::net::UnixStream::from_std(ours).unwrap());
        let mut input = BytesMut::new();
        // Nothing here lets the runtime ask for events.
        theirs.write_all(b"bye").unwrap();
        assert_eq!(last_words(&stream, &mut input).unwrap(), 3);
        assert_eq!(&input[..], b"bye");
        assert!(matches!(last_words(&stream, &mut input), Err(Broken::Orphaned)));
        drop(theirs);
        assert_eq!(last_words(&stream, &mut input).unwrap(), 0, "nobody inherited it");
    }
}
