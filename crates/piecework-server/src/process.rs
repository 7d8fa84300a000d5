//! Whether the process at the other end of a Unix socket still lives.
//!
//! Its connection alone does not tell: children that it has forked keep the descriptor, and with it
//! the connection, after it has died.

use piecework_net::Peer;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

#[cfg(target_os = "linux")]
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A process, as far as it can be watched.
#[derive(Debug)]
pub(crate) struct Process {
    /// A descriptor that becomes readable when the process ends.
    watched: Option<AsyncFd<std::os::fd::OwnedFd>>,
}

impl Process {
    /// The process behind a peer, where the system tells which that is.
    pub(crate) fn of(peer: &Peer) -> Self {
        Self { watched: peer.pid().and_then(watch) }
    }

    /// Returns when it has ended; never, if that cannot be known.
    pub(crate) async fn ended(&self) {
        match &self.watched {
            Some(watched) => drop(watched.ready(Interest::READABLE).await),
            None => std::future::pending().await,
        }
    }

    /// The same, for one who polls.
    pub(crate) fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        match &self.watched {
            Some(watched) => watched.poll_read_ready(context).map(drop),
            None => Poll::Pending,
        }
    }

    /// Whether its end will be known.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.is_some()
    }

    /// Watches it no longer.
    pub(crate) fn forget(&mut self) {
        self.watched = None;
    }
}

/// Opens what tells of the end of a process; `None` if it has ended already, or the system is too
/// old for that.
#[cfg(target_os = "linux")]
#[expect(deprecated, reason = "its successor is unsafe, for types whose descriptor may change")]
fn watch(pid: u32) -> Option<AsyncFd<std::os::fd::OwnedFd>> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    AsyncFd::with_interest(descriptor, Interest::READABLE).ok()
}

#[cfg(not(target_os = "linux"))]
fn watch(_pid: u32) -> Option<AsyncFd<std::os::fd::OwnedFd>> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn the_end_of_a_process_is_seen_before_its_parent_waits_for_it() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = Process::of(&Peer::Process { pid: Some(child.id()), user: 0 });
        assert!(process.is_watched());
        tokio::select! {
            biased;
            () = process.ended() => panic!("it lives"),
            () = tokio::task::yield_now() => {}
        }
        child.kill().unwrap();
        process.ended().await;
        child.wait().unwrap();
    }

    #[test]
    fn what_is_not_there_is_not_watched() {
        for peer in [
            Peer::Process { pid: None, user: 0 },
            Peer::Process { pid: Some(u32::MAX), user: 0 },
            Peer::Host("127.0.0.1:1".parse().unwrap()),
        ] {
            assert!(!Process::of(&peer).is_watched(), "{peer}");
        }
    }
}
