//! Sockets that listen: bound by name, accepting whatever becomes of one connection.

use crate::config::ServerError;
use crate::limits::LISTEN_BACKLOG;
use crate::netstat;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, lookup_host};

/// How long accepting pauses when the process has no descriptors left; connections that end
/// meanwhile give theirs back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Listens on `HOST:PORT`.
pub(crate) async fn bind(address: &str) -> Result<Listener, ServerError> {
    let unknown = |error| ServerError::Address { address: address.to_owned(), error };
    let found: Vec<SocketAddr> = lookup_host(address).await.map_err(unknown)?.collect();
    // Stock clients know no other: to them `localhost` is 127.0.0.1, whatever comes first here.
    let first = found.iter().find(|found| found.is_ipv4()).or(found.first());
    let resolved = *first.ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))?;
    open(resolved).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ServerError::InUse {
            address: resolved.to_string(),
            holder: netstat::listener_at(resolved),
        },
        _ => ServerError::Bind { address: resolved.to_string(), error },
    })
}

fn open(address: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of an earlier run that linger must not keep this one from starting.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    let socket = TcpListener::from_std(socket.into())?;
    let address = socket.local_addr()?;
    Ok(Listener { socket, address })
}

impl Listener {
    /// Accepts the next connection, whatever becomes of others.
    pub(crate) async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                // The peer has gone between its connect and our accept, or the process has no
                // descriptor left: neither is a reason to stop listening.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
