//! Who is at the other end of a connection: a host, or a process of this machine.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// Over TCP: its address.
    Host(SocketAddr),
    /// Over a Unix socket: the process that connected, as the kernel knows it, and its user.
    Process {
        /// `None` for a process that cannot be seen from here.
        pid: Option<u32>,
        /// The user's number.
        user: u32,
    },
}

/// What a peer shares with others of the same origin: a host's address, or a user.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Origin {
    /// All that connects from there.
    Host(IpAddr),
    /// All processes of this user on this machine.
    User(u32),
}

impl Peer {
    /// Where it comes from, to count by.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Host(address) => Origin::Host(address.ip().to_canonical()),
            Self::Process { user, .. } => Origin::User(*user),
        }
    }

    /// What lists show: the host without its port, or the process and its user.
    pub fn label(&self) -> String {
        match self {
            Self::Host(address) => address.ip().to_canonical().to_string(),
            Self::Process { .. } => self.to_string(),
        }
    }

    /// The process, where that is known.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Process { pid, .. } => *pid,
            Self::Host(_) => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(address) => write!(f, "{address}"),
            Self::Process { pid: Some(pid), user } => {
                write!(f, "pid {pid} of {}", user_name(*user))
            }
            Self::Process { pid: None, user } => {
                write!(f, "a process of {}", user_name(*user))
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(address) => write!(f, "{address}"),
            Self::User(user) => write!(f, "{}", user_name(*user)),
        }
    }
}

/// A user's name; the number of one that this machine's own list does not name.
fn user_name(user: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("user {user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_shown_as_people_know_them() {
        let host = Peer::Host("[::ffff:10.0.0.1]:4000".parse().unwrap());
        assert_eq!(host.label(), "10.0.0.1");
        assert_eq!(host.origin(), Origin::Host([10, 0, 0, 1].into()));
        let process = Peer::Process { pid: Some(7), user: 0 };
        assert_eq!(process.label(), "pid 7 of root");
        let unseen = Peer::Process { pid: None, user: 4_000_000_000 };
        assert_eq!(unseen.to_string(), "a process of user 4000000000");
        assert_eq!((process.pid(), unseen.pid(), host.pid()), (Some(7), None, None));
    }
}
