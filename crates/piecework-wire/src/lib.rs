//! Bytes and messages of the protocol of `multiprocessing.managers`: no socket, nothing executed.
//!
//! What comes in is cut into frames ([`frame`]), proves that it knows the key ([`auth`]), and is
//! read as a [`Request`] or a [`Reply`]. The objects within stay what they are, pickles: a
//! [`Payload`] is lifted out of one message and laid into another without being understood. Only
//! plain data is ever decoded, as a [`Value`], and only where somebody asks for it.
//!
//! A handshake and a call, between two buffers in place of a socket:
//!
//! ```
//! use bytes::BytesMut;
//! use piecework_wire::auth::{self, Challenge, Key};
//! use piecework_wire::{Reply, Request, Value, frame, reply, request};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (key, mut wire) = (Key::new("abc"), BytesMut::new());
//! let challenge = Challenge::new([7; 40]); // from a random source, outside of this crate
//! frame::put(&mut wire, &challenge.message());
//! let message = frame::cut(&mut wire, auth::AUTH_FRAME_BYTES_MAX)?.expect("it is whole");
//! challenge.verify(&key, &auth::answer(&key, &message)?)?;
//!
//! request::request(&mut wire, Some("task.1"), "put", &[request::ArgOut::Int(3411)], &[]);
//! let frame = frame::cut(&mut wire, frame::FRAME_BYTES_MAX)?.expect("whole");
//! let request = Request::parse(&frame)?;
//! let task = request.arg(0).expect("put has an item").payload()?;
//! reply::returned_payload(&mut wire, &task);
//! let reply = Reply::parse(frame::cut(&mut wire, frame::FRAME_BYTES_MAX)?.expect("whole"))?;
//! let Reply::Return(returned) = reply else { panic!("{reply:?}") };
//! assert_eq!(returned.value()?, Value::Int(3411));
//! # Ok(())
//! # }
//! ```

pub mod auth;
mod error;
pub mod frame;
pub mod pickle;
pub mod reply;
pub mod request;

pub use error::WireError;
pub use pickle::{Payload, Policy, Refused, Value, may_hold_proxies};
pub use reply::Reply;
pub use request::Request;
