//! A terminal without a window: a command runs on it, and what it would show can be looked at.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::num::NonZeroU16;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A command on a pseudo-terminal of its own. It is killed with this value, and so is what it has
/// started.
pub struct Terminal {
    child: Child,
    /// Where comes what the command writes.
    written: File,
    parser: vt100::Parser,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("child", &self.child).finish_non_exhaustive()
    }
}

impl Terminal {
    /// Runs a command on a terminal of that size, on which a line stands already.
    ///
    /// # Errors
    ///
    /// When the system has no pseudo-terminals, or the command does not start.
    pub fn run(
        mut command: Command,
        rows: NonZeroU16,
        columns: NonZeroU16,
        line: &str,
    ) -> io::Result<Self> {
        // Not for the command: it would keep its own terminal open.
        let written = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&written)?;
        unlockpt(&written)?;
        let (ws_row, ws_col) = (rows.get(), columns.get());
        tcsetwinsize(&written, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 })?;
        let name = ptsname(&written, Vec::new())?;
        let name = OsStr::from_bytes(name.as_bytes());
        let own = OpenOptions::new().read(true).write(true).open(name)?;
        command.stdin(own.try_clone()?).stdout(own.try_clone()?).stderr(own);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        // A group of its own, so that what it starts can be killed with it.
        let child = command.process_group(0).spawn()?;
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(line.as_bytes());
        parser.process(b"\r\n");
        // `command` goes here, and with it our own hold on the side that the child writes to.
        Ok(Self { child, written: written.into(), parser })
    }

    /// What is on it now.
    #[must_use]
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Waits until this text is on it.
    ///
    /// # Errors
    ///
    /// When the command ends before; the message holds what is on the terminal instead.
    pub fn until(&mut self, text: &str) -> io::Result<()> {
        while !self.screen().contents().contains(text) {
            if !self.read()? {
                let shown = self.screen().contents();
                return Err(io::Error::other(format!("it ended without `{text}`:\n{shown}")));
            }
        }
        Ok(())
    }

    /// Waits until the command has ended, and tells how.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn end(&mut self) -> io::Result<ExitStatus> {
        while self.read()? {}
        self.child.wait()
    }

    /// Takes in what was written meanwhile, or waits for it; false once nobody writes any more.
    fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 4096];
        match self.written.read(&mut bytes) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.parser.process(bytes.get(..count).unwrap_or_default());
                Ok(true)
            }
            // What Linux says once the other side is closed.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when the command has ended and been waited for, which is what is wanted.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Terminal {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        let size = |number| NonZeroU16::new(number).unwrap();
        Terminal::run(shell, size(5), size(20), "$ it").unwrap()
    }

    #[test]
    fn a_command_finds_a_terminal_and_its_size() {
        let mut terminal = run("test -t 2 && stty size; exit 3");
        assert_eq!(terminal.end().unwrap().code(), Some(3));
        assert_eq!(terminal.screen().contents(), "$ it\n5 20");
    }

    #[test]
    fn what_was_overwritten_is_not_seen() {
        let mut terminal = run(r"printf '\033[31mred\033[0m\r\n50%%'; printf '\r\033[2K70%%'; cat");
        terminal.until("70%").unwrap();
        assert_eq!(terminal.screen().contents(), "$ it\nred\n70%");
        assert_eq!(terminal.screen().cell(1, 0).unwrap().fgcolor(), vt100::Color::Idx(1));
    }

    #[test]
    fn a_text_that_never_comes_is_an_error_with_what_came() {
        let error = run("echo no").until("yes").unwrap_err().to_string();
        assert!(error.contains("yes") && error.contains("$ it\nno"), "{error}");
    }
}
