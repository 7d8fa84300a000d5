//! Bytes and messages of the protocol of `multiprocessing.managers`: no socket, nothing executed.
//!
//! What comes in is cut into frames ([`frame`]), proves that it knows the key ([`auth`]), and is
//! read as a [`Request`] or a [`Reply`]. The objects within stay what they are, pickles: a
//! [`Payload`] is lifted out of one message and laid into another without being understood. Only
//! plain data is ever decoded, as a [`Value`], and only where somebody asks for it.

pub mod auth;
mod error;
pub mod frame;
pub mod pickle;
pub mod reply;
pub mod request;

pub use error::WireError;
pub use pickle::{Payload, Value};
pub use reply::Reply;
pub use request::Request;
