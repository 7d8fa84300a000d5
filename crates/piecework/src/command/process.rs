//! A child process: its end is seen without a thread that waits, and told with what it used.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};
use wait4::Wait4;

#[cfg(target_os = "linux")]
use tokio::io::{Interest, unix::AsyncFd};

/// What a command used, with the children that it waited for.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// let usage = piecework::command::Command::new("true").run().await?.usage;
/// println!("{:?} of processor time", usage.user + usage.system);
/// assert!(usage.max_rss_bytes > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Usage {
    /// The processor time spent in its own code.
    pub user: Duration,
    /// The processor time that the system spent for it.
    pub system: Duration,
    /// The most memory that one of its processes had at a time. Linux counts in what the process
    /// that spawned the command had at that moment, so a small command never shows less than that.
    pub max_rss_bytes: u64,
}

/// A child whose end somebody has to wait for. One that is dropped before is waited for all the
/// same, so that it does not stay as a zombie: drop it only when it is about to end.
#[derive(Debug)]
pub(super) struct Process(Option<Watched>);

#[derive(Debug)]
struct Watched {
    child: Child,
    watch: Watch,
}

/// What tells that the child may have ended.
#[derive(Debug)]
enum Watch {
    /// A descriptor that becomes readable at its end.
    #[cfg(target_os = "linux")]
    Descriptor(AsyncFd<std::os::fd::OwnedFd>),
    /// The signal for the end of any child: on systems, and under supervisors of system calls, that
    /// have no such descriptors.
    Signals(Signal),
}

impl Process {
    /// Watches a child that was just started.
    pub(super) fn new(child: Child) -> io::Result<Self> {
        // Listening begins before the first look at the child, so that no end is missed.
        let watch = match Watch::descriptor(&child) {
            Some(watch) => watch,
            None => Watch::Signals(signal(SignalKind::child())?),
        };
        Ok(Self(Some(Watched { child, watch })))
    }

    /// Returns once it has ended. May be dropped and called again at any time.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Some(watched) => watched.ended().await,
            None => Ok(()),
        }
    }

    /// Tells how it ended and what it used; waits for the end if it has not ended.
    pub(super) fn reap(mut self) -> io::Result<(ExitStatus, Usage)> {
        let mut watched = self.0.take().expect("only this and drop take it, both at the end");
        let told = watched.child.wait4()?;
        let used = told.rusage;
        let usage = Usage { user: used.utime, system: used.stime, max_rss_bytes: used.maxrss };
        Ok((told.status, usage))
    }
}

impl Watched {
    async fn ended(&mut self) -> io::Result<()> {
        match &mut self.watch {
            #[cfg(target_os = "linux")]
            Watch::Descriptor(descriptor) => descriptor.readable().await.map(drop),
            Watch::Signals(signals) => {
                let pid = pid_of(&self.child);
                let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                while waitid(WaitId::Pid(pid), look)?.is_none() {
                    signals.recv().await;
                }
                Ok(())
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let (Some(mut watched), Ok(runtime)) =
            (self.0.take(), tokio::runtime::Handle::try_current())
        else {
            return; // without a runtime this process is about to end itself
        };
        if !matches!(watched.child.try_wait(), Ok(Some(_))) {
            runtime.spawn(async move {
                let ended = watched.ended().await;
                ended.and_then(|()| watched.child.wait())
            });
        }
    }
}

impl Watch {
    /// Opens what tells of the end of this child alone.
    #[cfg(target_os = "linux")]
    #[expect(deprecated, reason = "its successor is unsafe, for types whose descriptor may change")]
    fn descriptor(child: &Child) -> Option<Self> {
        use rustix::process::{PidfdFlags, pidfd_open};
        let descriptor = pidfd_open(pid_of(child), PidfdFlags::empty()).ok()?;
        AsyncFd::with_interest(descriptor, Interest::READABLE).ok().map(Self::Descriptor)
    }

    #[cfg(not(target_os = "linux"))]
    fn descriptor(_child: &Child) -> Option<Self> {
        None
    }
}

/// The id of a child that was not waited for: nobody else has it.
pub(super) fn pid_of(child: &Child) -> Pid {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    id.expect("a child has a positive process id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn cat() -> Child {
        Command::new("cat").stdin(Stdio::piped()).spawn().unwrap()
    }

    /// Lets a `cat` end while its end is awaited, and tells how.
    async fn end(mut process: Process) -> ExitStatus {
        tokio::select! {
            biased;
            _ = process.ended() => panic!("it lives"),
            () = tokio::task::yield_now() => {}
        }
        drop(process.0.as_mut().unwrap().child.stdin.take());
        process.ended().await.unwrap();
        process.reap().unwrap().0
    }

    #[tokio::test]
    async fn the_end_is_seen_by_descriptor_and_by_signal() {
        assert!(end(Process::new(cat()).unwrap()).await.success());
        let watch = Watch::Signals(signal(SignalKind::child()).unwrap());
        assert!(end(Process(Some(Watched { child: cat(), watch }))).await.success());
    }

    #[tokio::test]
    async fn a_child_that_is_let_go_of_leaves_no_zombie() {
        let mut process = Process::new(cat()).unwrap();
        let child = &mut process.0.as_mut().unwrap().child;
        let pid = pid_of(child);
        child.kill().unwrap();
        drop(process);
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), look).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
