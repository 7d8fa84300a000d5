//! One socket: frames in, bytes out, for as long as the manager runs.

use crate::input::Input;
use crate::limits::{
    LAST_WORDS_BYTES, LINGER, PASSED_OVER_BYTES_MAX, PASSED_OVER_READ_BYTES, READ_BYTES,
    RESERVE_BYTES_MAX,
};
use crate::process::Process;
use crate::stage::{Stage, StageWatch, Stages};
use bytes::Buf;
use piecework_net::{Peer, Stream};
use piecework_wire::{WireError, frame};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

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

/// A connected socket, and what has come in over it.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    process: Process,
    input: Input,
    stage: StageWatch,
}

impl Socket {
    pub(crate) fn new(
        stream: Stream,
        peer: &Peer,
        silence_max: Duration,
        stages: Arc<Stages>,
    ) -> io::Result<Self> {
        stream.set_up(silence_max)?;
        let (process, stage) = (Process::of(peer), StageWatch::new(stages));
        Ok(Self { stream, process, input: Input::default(), stage })
    }

    /// The process at the other end, where it is known.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// How many bytes have come in behind the frame that is being served.
    pub(crate) fn unread(&self) -> usize {
        self.input.unread()
    }

    /// The frame that is being served.
    pub(crate) fn frame(&self) -> &[u8] {
        self.input.frame()
    }

    /// The frame has been served: nobody looks at it again.
    pub(crate) fn forget_frame(&mut self) {
        self.input.forget_frame();
    }

    /// Goes on to the next frame, if it is there as a whole.
    pub(crate) fn next_frame(&mut self, bytes_max: usize) -> Result<bool, WireError> {
        self.input.next(bytes_max)
    }

    /// Reads on until the next frame is whole; false when the peer has closed the connection
    /// between two frames, or the manager stops. With `expects_more`, what is read is acknowledged
    /// at once: the peer writes in pieces and waits for that.
    pub(crate) async fn read_frame(
        &mut self,
        bytes_max: usize,
        expects_more: bool,
    ) -> Result<bool, Broken> {
        let mut acknowledge = expects_more;
        while !self.input.next(bytes_max)? {
            if acknowledge {
                self.stream.acknowledge_now();
            }
            acknowledge = true;
            let missing = frame::missing(self.input.rest()).unwrap_or(0);
            match (self.read(missing.clamp(READ_BYTES, RESERVE_BYTES_MAX)).await?, self.unread()) {
                (0, 0) => return Ok(false),
                (0, _) => return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Reads the frame at the front of the input, which is too long, to its end, and keeps nothing
    /// of it.
    pub(crate) async fn pass_over(&mut self, error: WireError) -> Result<(), Broken> {
        let mut left = frame::announced(self.input.rest()).unwrap_or(u64::MAX);
        if left > PASSED_OVER_BYTES_MAX {
            return Err(error.into());
        }
        loop {
            let here = self.unread().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.input.pass_over(here);
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
        let read = self.read_until(READ_BYTES, Stage::LastCalls, true).await?;
        match read {
            Some(0) => Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
            Some(_) => Ok(()),
            None => Err(stops().into()),
        }
    }

    /// The same for one who only waits for the manager to stop.
    pub(crate) async fn stopping(&mut self) -> io::Error {
        self.stage.reached(Stage::LastCalls).await;
        stops()
    }

    /// Reads what there is already, without waiting; an error if the connection has ended.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        let read = self.stream.try_read_buf(self.input.room(READ_BYTES));
        self.input.settle();
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// The same, asking the system rather than the runtime, which may not have heard of an end yet:
    /// for what nobody would take back from whoever is gone.
    pub(crate) fn look_closely(&mut self) -> io::Result<()> {
        self.look()?;
        match last_words(&self.stream, &mut self.input) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(Broken::Io(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes everything, for as long as the manager runs and the peer's process lives: one that
    /// does not read must not keep the manager from stopping, and one that was killed amid a long
    /// reply never reads the rest, though a child of it may keep the connection. What was not
    /// written remains.
    pub(crate) async fn write(&mut self, bytes: &mut (impl Buf + Send)) -> io::Result<()> {
        let Self { stream, process, stage, .. } = self;
        poll_fn(|context| {
            if let Poll::Ready(written) = stream.poll_write_all(context, bytes) {
                return Poll::Ready(written);
            }
            if stage.poll_reached(context, Stage::Over).is_ready() {
                return Poll::Ready(Err(stops()));
            }
            process
                .poll_ended(context)
                .map(|()| Err(io::Error::new(io::ErrorKind::BrokenPipe, "its process has ended")))
        })
        .await
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
        self.stage.now() > Stage::Serving
    }

    /// Reads once; 0 at the end of the stream, or when the manager stops.
    async fn read(&mut self, room: usize) -> Result<usize, Broken> {
        // Amid a frame, the rest of it may come from whoever has inherited the connection.
        let between_frames = self.unread() == 0;
        let read = self.read_until(room, Stage::Over, between_frames).await?;
        if read.is_none() {
            self.input.clear();
        }
        Ok(read.unwrap_or(0))
    }

    /// Reads once; 0 at the end of the stream, `None` once the manager has stopped this far. The
    /// end of the peer's process ends it too, if that is to be `minded`.
    async fn read_until(
        &mut self,
        room: usize,
        stop: Stage,
        minded: bool,
    ) -> Result<Option<usize>, Broken> {
        let Self { stream, process, input, stage } = self;
        poll_fn(|context| {
            if let Poll::Ready(read) = pin!(stream.read_buf(input.room(room))).poll(context) {
                return Poll::Ready(Ok(Some(read?)));
            }
            input.settle();
            if stage.poll_reached(context, stop).is_ready() {
                return Poll::Ready(Ok(None));
            }
            if minded && process.poll_ended(context).is_ready() {
                return Poll::Ready(last_words(stream, input).map(Some));
            }
            Poll::Pending
        })
        .await
    }
}

/// Reads what a process has said before it ended: that counts, its good-bye above all, and the
/// runtime may have heard of the end first. 0 at the end of the stream; `Orphaned` if there is
/// nothing and the stream goes on.
fn last_words(stream: &Stream, input: &mut Input) -> Result<usize, Broken> {
    let mut words = [0; LAST_WORDS_BYTES];
    match stream.read_now(&mut words) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Broken::Orphaned),
        read => {
            let read = read?;
            input.extend(words.get(..read).unwrap_or_default());
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
        let mut input = Input::default();
        // Nothing here lets the runtime ask for events.
        theirs.write_all(b"bye").unwrap();
        assert_eq!(last_words(&stream, &mut input).unwrap(), 3);
        assert_eq!(input.rest(), b"bye");
        assert!(matches!(last_words(&stream, &mut input), Err(Broken::Orphaned)));
        drop(theirs);
        assert_eq!(last_words(&stream, &mut input).unwrap(), 0, "nobody inherited it");
    }
}
