//! Where a manager is, and how a stream to it is had.
use std::fmt;
use std::io;
use std::sync::Arc;

use piecework_net::{Address, AddressError, Connector, Stream};
use piecework_wire::auth::Key;

use crate::error::{CallError, ProtocolError};

/// Where a manager is, and the key to it; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    at: Arc<At>,
    pub(crate) key: Key,
}

#[derive(Debug)]
enum At {
    /// One of these, the first that answers.
    Addresses(Vec<Address>),
    /// In this process, and at these for others.
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only a server makes one"))]
    Within(Connector, Vec<Address>),
}

impl Place {
    /// Reads addresses with commas between them.
    pub(crate) fn parse(addresses: &str, key: Key) -> Result<Self, AddressError> {
        let addresses = addresses.split(',').map(|address| address.trim().parse());
        let at = At::Addresses(addresses.collect::<Result<_, _>>()?);
        Ok(Self { at: Arc::new(at), key })
    }

    #[cfg(feature = "server")]
    pub(crate) fn within(connector: Connector, addresses: Vec<Address>, key: Key) -> Self {
        Self { at: Arc::new(At::Within(connector, addresses)), key }
    }

    /// Whether it is surely the same manager.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_addresses = match (&*self.at, &*other.at) {
            (At::Addresses(ours), At::Addresses(theirs)) => ours == theirs,
            _ => false,
        };
        same_addresses || Arc::ptr_eq(&self.at, &other.at)
    }

    /// Opens a stream; tells what the last address said if none can be reached.
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        let addresses = match &*self.at {
            At::Within(connector, _) => return connector.connect().await,
            At::Addresses(addresses) => addresses,
        };
        let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match Stream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The error of a manager that nobody answers for.
    pub(crate) fn unreachable(&self, source: io::Error) -> CallError {
        CallError::Unreachable { address: self.to_string(), source }
    }

    /// The error of a connection that has ended.
    pub(crate) fn closed(&self, why: &str) -> CallError {
        CallError::Closed { address: self.to_string(), why: why.to_owned() }
    }

    /// The error of a manager whose bytes make no sense.
    pub(crate) fn protocol(&self, source: impl Into<ProtocolError>) -> CallError {
        CallError::Protocol { address: self.to_string(), source: source.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (At::Within(_, addresses) | At::Addresses(addresses)) = &*self.at;
        if addresses.is_empty() {
            return f.write_str("(this process)");
        }
        let all: Vec<_> = addresses.iter().map(Address::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_are_one_place() {
        let place = Place::parse("a:1, unix:/b", Key::new("abc")).unwrap();
        assert_eq!(place.to_string(), "a:1, unix:/b");
        assert!(Place::parse("a:1,,b:2", Key::new("abc")).is_err());
    }
}
