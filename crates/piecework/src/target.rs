//! A process that is sent signals, and never another one that has its number by then.
use std::os::fd::OwnedFd;

use rustix::io::Result;
use rustix::process::{Pid, kill_process};

pub(crate) use rustix::process::Signal;

/// A process, from its start on.
#[derive(Debug)]
pub(crate) struct Target {
    pid: Option<Pid>,
    /// Stays its own when it has been waited for, which its number does not; where the system has
    /// no such thing, there is a moment in which the number is all there is.
    descriptor: Option<OwnedFd>,
}

impl Target {
    /// Call this while nobody has waited for the process.
    pub(crate) fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        Self { pid, descriptor: pid.and_then(descriptor) }
    }

    /// # Errors
    /// It has ended.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        match (&self.descriptor, self.pid) {
            #[cfg(target_os = "linux")]
            (Some(descriptor), _) => rustix::process::pidfd_send_signal(descriptor, signal),
            (_, Some(pid)) => kill_process(pid, signal),
            (_, None) => Ok(()),
        }
    }
}

#[cfg(target_os = "linux")]
fn descriptor(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn descriptor(_: Pid) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_was_waited_for_gets_no_signal() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let target = Target::of(child.id());
        target.signal(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert_eq!(target.signal(Signal::KILL), Err(rustix::io::Errno::SRCH));
        #[cfg(target_os = "linux")]
        assert!(target.descriptor.is_some(), "or it was luck");
    }
}
