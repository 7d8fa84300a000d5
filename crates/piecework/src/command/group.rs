//! The process group of a command, by which the command is stopped with all that it started.

use rustix::process::{Pid, kill_process_group, test_kill_process_group};

use super::Signal;

/// The process group of a command: its first process and all that it started, unless they left on
/// purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(pub(super) Pid);

impl Group {
    /// Returns the number of the group, which is the process id of its first process.
    pub fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Names a group by its number; `None` for numbers that no group has.
    pub fn from_id(id: i32) -> Option<Self> {
        // 1 is init, and a group that is signalled as -1 would be every process there is.
        if id > 1 { Pid::from_raw(id).map(Self) } else { None }
    }

    /// Sends a signal to every process of the group.
    pub fn signal(self, signal: Signal) {
        // The only expected failure is that nobody is left to signal.
        let _ = kill_process_group(self.0, signal.0);
    }

    /// Asks every process of the group to end (SIGTERM).
    pub fn terminate(self) {
        self.signal(Signal::TERM);
    }

    /// Ends every process of the group at once (SIGKILL).
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Tells whether a process of the group is left, be it one that has ended and that nobody has
    /// waited for.
    pub fn is_alive(self) -> bool {
        // A group of somebody else's processes, as after sudo, is there though it cannot be
        // signalled.
        !matches!(test_kill_process_group(self.0), Err(rustix::io::Errno::SRCH))
    }
}
