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
        let named = resolve(&offer.address).await?;
        let listen = allowed(named, key.len(), allow_weak_authkey);
        let server = Server::bind(config(offer, key, listen)).await?;
        let bound = *server.local_addrs().first().context("the server listens nowhere")?;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Ok(Self { address: Address(bound.ip().to_string(), bound.port()), stop, server })
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
async fn resolve(Address(host, port): &Address) -> anyhow::Result<SocketAddr> {
    if host.is_empty() {
        return Ok((Ipv4Addr::UNSPECIFIED, *port).into());
    }
    let mut found = tokio::net::lookup_host((host.as_str(), *port)).await.with_context(|| {
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

fn config(offer: Offer, key: Vec<u8>, listen: SocketAddr) -> Config {
    let names = offer.names();
    let queues = names.iter().zip(offer.queues).map(|(name, queue)| QueueSpec {
        typeids: queue.typeids,
        maxsize: queue.maxsize,
        ..QueueSpec::untyped(name)
    });
    Config {
        listen: vec![listen.to_string()],
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
        let of = |host: &str| Address(host.to_owned(), 7);
        assert_eq!(resolve(&of("")).await.unwrap(), address("0.0.0.0:7"));
        assert_eq!(resolve(&of("localhost")).await.unwrap(), address("127.0.0.1:7"));
        assert!(resolve(&of("::1")).await.is_err());
    }
}
