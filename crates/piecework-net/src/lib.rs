//! Where a manager is, and the streams that lead there: TCP, and Unix sockets on one machine.
//!
//! The server and the clients share this: how an address is written, which socket options a
//! connection gets, who is at its other end.
//!
//! ```
//! use piecework_net::Address;
//!
//! assert_eq!("10.0.0.5:5000".parse(), Ok(Address::Tcp("10.0.0.5:5000".into())));
//! assert_eq!("unix:/run/piecework".parse(), Ok(Address::Unix("/run/piecework".into())));
//! assert_eq!("/run/piecework".parse::<Address>().unwrap().to_string(), "unix:/run/piecework");
//! ```

mod address;
mod listener;
mod peer;
mod stream;
mod within;

pub use address::{Address, AddressError, PORT};
pub use listener::Listener;
pub use peer::{Origin, Peer};
pub use stream::Stream;
pub use within::{Accepted, Connector, within};
