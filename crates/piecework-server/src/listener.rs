//! Listening: addresses are found by name, and accepting goes on whatever becomes of a connection.

use crate::complaints::Complaints;
use crate::config::ServerError;
use crate::netstat;
use piecework_net::{Accepted, Address, Listener, Stream};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::lookup_host;

/// How long accepting pauses when the process has no descriptors left; connections that end
/// meanwhile give theirs back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens at an address.
pub(crate) async fn bind(address: &Address, backlog: i32) -> Result<Listener, ServerError> {
    let (bound, shown) = match address {
        Address::Tcp(name) => {
            let address = resolve(name).await?;
            (Listener::tcp(address, backlog), address.into())
        }
        Address::Unix(path) => (Listener::unix(path, backlog).await, address.clone()),
    };
    match bound {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let holder = holder(&shown).await;
            Err(ServerError::InUse { address: shown.to_string(), holder })
        }
        Err(error) => Err(ServerError::Bind { address: shown.to_string(), error }),
    }
}

/// The process that listens at an address, named for people.
async fn holder(address: &Address) -> Option<String> {
    match address.socket_addr() {
        Some(address) => netstat::listener_at(address),
        // The kernel tells a client of a Unix socket who listens.
        None => Some(Stream::connect(address).await.ok()?.peer().ok()?.to_string()),
    }
}

async fn resolve(name: &str) -> Result<SocketAddr, ServerError> {
    let unknown = |error| ServerError::Address { address: name.to_owned(), error };
    let found: Vec<SocketAddr> = lookup_host(name).await.map_err(unknown)?.collect();
    // Stock clients know no other: to them `localhost` is 127.0.0.1, whatever comes first here.
    let first = found.iter().find(|found| found.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))
}

/// Where connections come from.
pub(crate) enum Source {
    /// An address.
    Socket(Listener),
    /// This process.
    Within(Accepted),
}

impl Source {
    /// Accepts the next connection, whatever becomes of others.
    pub(crate) async fn accept(&mut self, complaints: &Complaints) -> Stream {
        let listener = match self {
            Self::Socket(listener) => listener,
            Self::Within(accepted) => match accepted.next().await {
                Some(stream) => return stream,
                None => return pending().await,
            },
        };
        loop {
            match listener.accept().await {
                Ok(accepted) => return accepted,
                // The peer has gone between its connect and our accept, or the process has no
                // descriptor left: neither is a reason to stop listening.
                Err(error) => {
                    let error = format!("cannot accept a connection: {error}");
                    complaints.say(listener.address(), error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
