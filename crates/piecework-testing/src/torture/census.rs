//! Looks at the processes of this machine, by `/proc`: whose child is who, and who is left over.

use std::fs;

use rustix::process::Pid;

/// The variable that all processes of a bout have in their environment, and pass on.
pub(crate) const MARK_VARIABLE: &str = "PIECEWORK_TORTURE";

/// The children of a process, in the order of their ids.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let is_child = |pid: &Pid| parent_of(*pid) == Some(parent);
    let mut children: Vec<_> = processes().filter(is_child).collect();
    children.sort_by_key(|pid| pid.as_raw_nonzero());
    children
}

/// The processes with this mark, each with its command line.
pub(crate) fn marked(mark: &str) -> Vec<(Pid, String)> {
    let mark = format!("{MARK_VARIABLE}={mark}");
    let carries = |pid: &Pid| {
        let environment = fs::read(file(*pid, "environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes().filter(carries).map(|pid| (pid, command_line(pid))).collect()
}

fn processes() -> impl Iterator<Item = Pid> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders.filter_map(|folder| Pid::from_raw(folder.file_name().to_str()?.parse().ok()?))
}

/// The parent's id stands behind the name in parentheses, which may itself hold some, and the state.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(file(pid, "stat")).ok()?;
    let (_, behind) = stat.rsplit_once(") ")?;
    Pid::from_raw(behind.split(' ').nth(1)?.parse().ok()?)
}

fn command_line(pid: Pid) -> String {
    let words = fs::read(file(pid, "cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ").trim_end().to_owned()
}

fn file(pid: Pid, name: &str) -> String {
    format!("/proc/{}/{name}", pid.as_raw_nonzero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_is_found_by_its_parent_and_by_its_mark() {
        let mut command = Command::new("cat");
        command.env(MARK_VARIABLE, "of this test").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(children(rustix::process::getpid()).contains(&pid));
        let found = marked("of this test");
        assert_eq!(found, [(pid, "cat".to_owned())]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(marked("of this test").is_empty());
    }
}
