//! How a connection ended, and what the log says of it.

use crate::complaints::Complaints;
use crate::session::Fault;
use crate::socket::Broken;
use piecework_net::Peer;
use std::io;

/// Why a connection ended before its peer closed it.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its peer has not shown a key of ours.
    Refused(Fault),
    /// It sends what makes no sense.
    Fault(Fault),
    /// It made no request in time.
    TooSlow,
    /// It was the oldest of too many that made no request.
    Crowded,
    /// Only its process has ended; somebody else holds the connection.
    Orphaned,
    /// The peer is gone, or the manager stops.
    Gone(io::Error),
}

impl Ended {
    /// Says so in the log, where peers do not get more room than their complaints do.
    pub(crate) fn log(&self, peer: &Peer, complaints: &Complaints) {
        match self {
            Self::Refused(fault) => {
                complaints.say(peer, format_args!("refused a connection: {fault}"));
            }
            Self::Fault(fault) => {
                complaints.say(peer, format_args!("closed a connection: {fault}"));
            }
            Self::Crowded => complaints
                .say(peer, "closed the oldest of too many connections that made no request"),
            Self::TooSlow => complaints.say(peer, "closed a connection that made no request"),
            Self::Orphaned => tracing::debug!(%peer, "connection of an ended process"),
            Self::Gone(error) => tracing::debug!(%peer, %error, "connection lost"),
        }
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Io(error) => Self::Gone(error),
            Broken::Wire(error) => Self::Fault(error.into()),
            Broken::Orphaned => Self::Orphaned,
        }
    }
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_) => Self::Refused(fault),
            Fault::Wire(_) | Fault::Handshake { .. } => Self::Fault(fault),
        }
    }
}
