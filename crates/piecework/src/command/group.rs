//! The process group of a command, by which the command is stopped with all that it started.

use rustix::process::{Pid, kill_process_group, test_kill_process_group};

use super::Signal;

/// The process group of a command: its first process and all that it started, unless they left on
/// purpose.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), piecework::command::CommandError> {
/// use piecework::command::{Command, End};
///
/// let running = Command::new("sh").arg("-c").arg("sleep 60 & wait").spawn()?;
/// let group = running.group(); // the shell and its `sleep`
/// group.kill();
/// assert_eq!(running.finish().await?.end, End::Signal(9));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(pub(super) Pid);

impl Group {
    /// Returns the number of the group, which is the process id of its first process.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let running = Command::new("sh").arg("-c").arg("echo $$").spawn()?;
    /// let id = running.group().id();
    /// assert_eq!(running.finish().await?.stdout, format!("{id}\n").as_bytes());
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Names a group by its number; `None` for numbers that no group has.
    ///
    /// ```
    /// use piecework::command::Group;
    ///
    /// assert_eq!(Group::from_id(4711).map(Group::id), Some(4711));
    /// assert_eq!(Group::from_id(-1), None); // as a group to be signalled that is every process
    /// ```
    pub fn from_id(id: i32) -> Option<Self> {
        // 1 is init, and a group that is signalled as -1 would be every process there is.
        if id > 1 { Pid::from_raw(id).map(Self) } else { None }
    }

    /// Sends a signal to every process of the group.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// use piecework::command::{Command, End, Signal};
    ///
    /// let running = Command::new("sleep").arg("60").spawn()?;
    /// let usr1: Signal = "USR1".parse().expect("that is one");
    /// running.group().signal(usr1);
    /// assert_eq!(running.finish().await?.end, End::Signal(usr1.number()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn signal(self, signal: Signal) {
        // The only expected failure is that nobody is left to signal.
        let _ = kill_process_group(self.0, signal.0);
    }

    /// Asks every process of the group to end (SIGTERM).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::{Command, End};
    /// let running = Command::new("sleep").arg("60").spawn()?;
    /// running.group().terminate();
    /// assert_eq!(running.finish().await?.end, End::Signal(15));
    /// # Ok(())
    /// # }
    /// ```
    pub fn terminate(self) {
        self.signal(Signal::TERM);
    }

    /// Ends every process of the group at once (SIGKILL).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::{Command, End};
    /// let running = Command::new("sleep").arg("60").spawn()?;
    /// running.group().kill();
    /// assert_eq!(running.finish().await?.end, End::Signal(9));
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Tells whether a process of the group is left, be it one that has ended and that nobody has
    /// waited for.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), piecework::command::CommandError> {
    /// # use piecework::command::Command;
    /// let running = Command::new("sleep").arg("60").spawn()?;
    /// let group = running.group();
    /// assert!(group.is_alive());
    /// group.kill();
    /// running.finish().await?;
    /// assert!(!group.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_alive(self) -> bool {
        // A group of somebody else's processes, as after sudo, is there though it cannot be
        // signalled.
        !matches!(test_kill_process_group(self.0), Err(rustix::io::Errno::SRCH))
    }
}
