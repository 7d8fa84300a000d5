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
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::process::{ChildStderr, Command};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::tasks::serve::{CHILD, is_astray};
use crate::tasks::{Packed, TaskError, luggage, message};

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
    /// It goes before the process does: from its end the process knows that it is to end.
    stream: UnixStream,
    process: Ending,
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
        let process = Ending(Some(process));
        Ok(Self { stream, process, received, tail, passing })
    }

    /// Its number, while it lives.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.0.as_ref()?.id()
    }

    /// Has it run a task once for each tuple of arguments.
    pub(crate) async fn call(
        &mut self,
        task: &str,
        arguments: &Packed,
    ) -> Result<Packed, TaskError> {
        self.call_with(task, arguments, Vec::new()).await
    }

    /// The same, with these open files.
    pub(crate) async fn call_with(
        &mut self,
        task: &str,
        arguments: &Packed,
        files: Vec<OwnedFd>,
    ) -> Result<Packed, TaskError> {
        match self.exchange(&message::message(task, arguments), files).await {
            Ok(reply) => read(reply, arguments.len()),
            Err(error) if is_end(&error) => Err(self.died().await),
            // It lives, and nothing that it says could be understood any more.
            Err(error) => {
                self.kill();
                Err(TaskError::Failed(format!("what its process answers is no answer: {error}")))
            }
        }
    }

    fn kill(&mut self) {
        if let Some(process) = &mut self.process.0
            && let Err(error) = process.start_kill()
        {
            tracing::debug!(%error, "a child process has ended already");
        }
    }

    async fn exchange(&mut self, mut out: &[u8], files: Vec<OwnedFd>) -> io::Result<Bytes> {
        if !files.is_empty() {
            let send = || luggage::send(&self.stream, out, &files);
            let sent = self.stream.async_io(Interest::WRITABLE, send).await?;
            out = out.get(sent..).unwrap_or_default();
        }
        // From here on they are the child's: an end of a pipe is closed when the child closes it.
        drop(files);
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
        let process = self.process.0.as_mut().expect("only its drop takes it");
        let status = match process.wait().await {
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
        self.process.0.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Has it end in good order, or kills it if it does not.
    pub(crate) async fn end(self) {
        let Self { mut process, stream, .. } = self;
        drop(stream);
        if let Some(process) = process.0.take() {
            end(process).await;
        }
    }
}

/// A process that ends when its parent's socket does; what it still does nobody wants.
#[derive(Debug)]
struct Ending(Option<tokio::process::Child>);

impl Drop for Ending {
    fn drop(&mut self) {
        // It may have commands to kill before it ends.
        if let Some(process) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(end(process));
        }
    }
}

/// Waits for its end. If it does not come in time, it is killed.
async fn end(mut process: tokio::process::Child) {
    let _ = timeout(ENDING_MAX, process.wait()).await;
}

/// Whether an error is the end of the other side.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

fn read(reply: Bytes, wanted: usize) -> Result<Packed, TaskError> {
    let failed = |why: String| Err(TaskError::NoChild(io::Error::other(why)));
    match message::read(reply) {
        Ok((why, _)) if !why.is_empty() => failed(why),
        Ok((_, results)) if results.len() != wanted => {
            failed(format!("{} results where {wanted} are due", results.len()))
        }
        Ok((_, results)) => Ok(results),
        Err(error) => failed(error.to_string()),
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

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    /// A reply that is longer than one may be, of a process that goes on.
    #[tokio::test]
    async fn a_child_that_makes_no_sense_is_killed() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut process = tokio::process::Command::new("sleep");
        let process = process.arg("1000").kill_on_drop(true).spawn().unwrap();
        let mut child = Child {
            stream: ours,
            process: Ending(Some(process)),
            received: BytesMut::new(),
            tail: Arc::default(),
            passing: tokio::spawn(async {}),
        };
        theirs.write_all(&[0x7f, 0xff, 0xff, 0xff]).await.unwrap();
        let arguments = crate::tasks::packed([()]).unwrap();
        let error = child.call("it", &arguments).await.unwrap_err();
        assert!(matches!(&error, TaskError::Failed(why) if why.contains("2147483647")), "{error}");
        assert!(!child.process.0.as_mut().unwrap().wait().await.unwrap().success());
    }

    /// The test is its own child, in a `main` that calls no `init`.
    #[tokio::test]
    async fn a_child_without_init_starts_no_children() {
        let name = "tasks::child::tests::a_child_without_init_starts_no_children";
        if std::env::args_os().next().is_some_and(|it| it == CHILD) {
            let error = Child::start().unwrap_err().to_string();
            assert!(error.contains("does `main` begin with `piecework::init()`?"), "{error}");
            return;
        }
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.arg0(CHILD).args(["--exact", name]).output().unwrap();
        assert!(child.status.success(), "{child:?}");
        assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"), "{child:?}");
    }
}
