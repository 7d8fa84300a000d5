//! The parent's side: a child process, and calls to it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use piecework_wire::frame::{self, FRAME_BYTES_MAX};
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::tasks::TaskError;
use crate::tasks::serve::{BATCH_MAX, CHILD, is_astray};

/// How much of what a child wrote to standard error an error shows.
const STDERR_BYTES_MAX: usize = 4 << 10;

/// How long a child may take to end.
const ENDING_MAX: Duration = Duration::from_secs(2);

/// How long the rest of what a dead child wrote may be in coming: another process may have its end
/// of the pipe.
const STDERR_MAX: Duration = Duration::from_millis(100);

/// A child process that waits for calls. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: tokio::process::Child,
    stream: UnixStream,
    received: BytesMut,
    tail: Arc<Mutex<VecDeque<u8>>>,
    /// Passes on what it writes to standard error.
    passing: JoinHandle<()>,
}

impl Child {
    /// Starts this program once more.
    pub(crate) fn start() -> Result<Self, TaskError> {
        Self::try_start().map_err(TaskError::NoChild)
    }

    fn try_start() -> io::Result<Self> {
        if is_astray() {
            return Err(io::Error::other("this is a child process itself, and does not serve"));
        }
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg0(CHILD)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            // A Ctrl-C is for the parent, which may want to have things ended in good order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stderr = process.stderr.take().expect("it was asked for");
        let tail = Arc::<Mutex<VecDeque<u8>>>::default();
        let passing = tokio::spawn(pass_on(stderr, Arc::clone(&tail)));
        let (stream, received) = (UnixStream::from_std(ours)?, BytesMut::new());
        Ok(Self { process, stream, received, tail, passing })
    }

    /// Its number, while it lives.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Has it run a task once for each tuple of arguments.
    pub(crate) async fn call(
        &mut self,
        task: &str,
        arguments: &[Payload],
    ) -> Result<Vec<Payload>, TaskError> {
        let mut out = BytesMut::new();
        request(&mut out, None, task, &[ArgOut::Payloads(arguments)], &[]);
        match self.exchange(&out).await {
            Ok(reply) => read(reply),
            Err(_) => Err(self.died().await),
        }
    }

    async fn exchange(&mut self, out: &[u8]) -> io::Result<Bytes> {
        self.stream.write_all(out).await?;
        loop {
            let cut = frame::cut(&mut self.received, FRAME_BYTES_MAX);
            if let Some(frame) = cut.map_err(io::Error::other)? {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// How it died, which is known by now.
    async fn died(&mut self) -> TaskError {
        let status = match self.process.wait().await {
            Ok(status) => status,
            Err(error) => return TaskError::NoChild(error),
        };
        let _ = timeout(STDERR_MAX, &mut self.passing).await;
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let stderr: Vec<u8> = tail.iter().copied().collect();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        TaskError::Died { status, stderr }
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Has it end in good order, or kills it if it does not.
    pub(crate) async fn end(self) {
        let Self { mut process, stream, .. } = self;
        drop(stream);
        // It ends when its parent's socket does; what it still does nobody wants.
        let _ = timeout(ENDING_MAX, process.wait()).await;
    }
}

fn read(reply: Bytes) -> Result<Vec<Payload>, TaskError> {
    match Reply::parse(reply) {
        Ok(Reply::Return(returned)) => returned
            .elements(BATCH_MAX)
            .map_err(|error| TaskError::NoChild(io::Error::other(error))),
        Ok(Reply::Error { class, message, .. }) => {
            let message = message.unwrap_or_default();
            Err(TaskError::NoChild(io::Error::other(format!("{class}: {message}"))))
        }
        Ok(other) => Err(TaskError::NoChild(io::Error::other(format!("{other:?}")))),
        Err(error) => Err(TaskError::NoChild(io::Error::other(error))),
    }
}

/// Passes standard error on, and remembers its end.
async fn pass_on(mut stderr: ChildStderr, tail: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = vec![0; 4 << 10];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let said = chunk.get(..count).unwrap_or_default();
        // Nobody may be listening.
        let _ = tokio::io::stderr().write_all(said).await;
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(said);
        let beyond = tail.len().saturating_sub(STDERR_BYTES_MAX);
        tail.drain(..beyond);
    }
}
