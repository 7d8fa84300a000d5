//! One manager of a program: its offer becomes a server of ours, at the address that it names.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use piecework_server::{Config, Key, QueueSpec, Server, ServerError};
use rustix::io::Errno;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::authkey::STRONG_BYTES_MIN;
use crate::exec::request::{Address, Offer};
use crate::output;

/// A server that runs for a program.
#[derive(Debug)]
pub(crate) struct Running {
    address: Address,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServerError>>,
}

impl Running {
    /// Serves what the program offers.
    pub(crate) async fn start(offer: Offer, allow_weak_authkey: bool) -> anyhow::Result<Self> {
        let key = offer.key()?;
        let listen = match &offer.address {
            Address::Tcp(host, port) => {
                allowed(resolve(host, *port).await?, key.len(), allow_weak_authkey).into()
            }
            Address::Unix(path) => piecework_server::Address::unix(path)?,
        };
        let unbound = offer.address.clone();
        let server = Server::bind(config(offer, key, listen)).await?;
        let bound = server.addresses().first().and_then(piecework_server::Address::socket_addr);
        let address = match bound {
            Some(bound) => Address::Tcp(bound.ip().to_string(), bound.port()),
            None => unbound,
        };
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Ok(Self { address, stop, server })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Waits until a client shuts it down, or it fails.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        Ok((&mut self.server).await??)
    }

    /// Stops it, and returns when its address is free.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let _ = self.stop.send(()); // an error means that it has ended already
        Ok((&mut self.server).await??)
    }
}

/// The error number that Python's own server would meet, where there is one.
pub(crate) fn errno(error: &anyhow::Error) -> Option<i32> {
    match error.downcast_ref::<ServerError>()? {
        ServerError::InUse { .. } => Some(Errno::ADDRINUSE.raw_os_error()),
        ServerError::Bind { error, .. } => error.raw_os_error(),
        _ => None,
    }
}

/// Looks up the host as Python does: version 4 only, and no host at all means every interface.
async fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    if host.is_empty() {
        return Ok((Ipv4Addr::UNSPECIFIED, port).into());
    }
    let mut found = tokio::net::lookup_host((host, port)).await.with_context(|| {
        format!("cannot find the host '{host}' that the manager is to listen on")
    })?;
    found.find(SocketAddr::is_ipv4).with_context(|| format!("'{host}' has no IPv4 address"))
}

/// Where it may listen with a key of that length. A weak one can be guessed by whoever reaches the
/// port, so it stays on this machine, and a line says so.
fn allowed(named: SocketAddr, key_bytes: usize, allow_weak_authkey: bool) -> SocketAddr {
    if named.ip().is_loopback() || key_bytes >= STRONG_BYTES_MIN || allow_weak_authkey {
        return named;
    }
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, named.port()));
    output::talk(format_args!(
        "the authkey has only {key_bytes} bytes, so {here} is served in place of {named}; \
         hint: take {STRONG_BYTES_MIN} bytes or more, or --allow-weak-authkey"
    ));
    here
}

fn config(offer: Offer, key: Vec<u8>, listen: piecework_server::Address) -> Config {
    let names = offer.names();
    let queues = names.iter().zip(offer.queues).map(|(name, queue)| QueueSpec {
        typeids: queue.typeids,
        maxsize: queue.maxsize,
        ..QueueSpec::untyped(name)
    });
    Config {
        listen: vec![listen],
        queues: queues.collect(),
        anonymous: offer.each,
        refused: offer
            .refused
            .into_iter()
            .map(|refused| (refused.typeid, refused.reason))
            .collect(),
        ..Config::new(Key::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn weak_keys_stay_on_this_machine() {
        let everywhere = address("0.0.0.0:5000");
        assert_eq!(allowed(everywhere, 15, false), address("127.0.0.1:5000"));
        assert_eq!(allowed(everywhere, 16, false), everywhere);
        assert_eq!(allowed(everywhere, 0, true), everywhere);
        assert_eq!(allowed(address("127.0.0.2:5000"), 0, false), address("127.0.0.2:5000"));
    }

    #[tokio::test]
    async fn hosts_are_those_of_python() {
        assert_eq!(resolve("", 7).await.unwrap(), address("0.0.0.0:7"));
        assert_eq!(resolve("localhost", 7).await.unwrap(), address("127.0.0.1:7"));
        assert!(resolve("::1", 7).await.is_err());
    }
}
