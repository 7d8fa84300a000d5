//! Process groups of this machine: which one a client is of, and whether anybody of it is left.

use crate::hub::Hub;
use crate::limits::GROUPS_LOOK;
use piecework_net::Peer;
use piecework_state::Group;
use rustix::io::Errno;
use rustix::process::{Pid, getpgid, test_kill_process_group};

/// The process group of whoever is at the other end of a Unix socket; `None` of all others, and of
/// one who is gone already.
pub(crate) fn of(peer: &Peer) -> Option<Group> {
    let group = getpgid(Some(pid(peer.pid()?)?)).ok()?;
    u32::try_from(group.as_raw_nonzero().get()).ok().map(Group)
}

/// Has what only dead groups could know forgotten, for as long as the manager runs.
pub(crate) async fn watch(hub: &Hub) {
    loop {
        tokio::time::sleep(GROUPS_LOOK).await;
        let gone = hub.look(|state, _| state.groups()).into_iter().filter(is_gone).collect();
        hub.groups_gone(&gone);
    }
}

/// Whether nobody of it is left. Its number is nobody else's by then, or the object of those who
/// had it stays for a little longer.
fn is_gone(group: &Group) -> bool {
    pid(group.0).is_some_and(|group| test_kill_process_group(group) == Err(Errno::SRCH))
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn a_group_is_gone_with_its_last_process() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).process_group(0).spawn().unwrap();
        let peer = Peer::Process { pid: Some(child.id()), user: 0 };
        let group = of(&peer).unwrap();
        assert_eq!(group, Group(child.id()));
        assert!(!is_gone(&group));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_gone(&group));
        assert_eq!(of(&peer), None);
        assert_eq!(of(&Peer::Host("127.0.0.1:1".parse().unwrap())), None);
    }
}
