//! What part of pickle is understood, and the promise that nothing is ever executed.
//!
//! A pickle is a program for a small stack machine, and some of its opcodes import modules and
//! call functions. Here they are only *measured*: how long each one is, and how many objects it
//! takes off the stack and puts on it. That is enough to find where one argument of a call begins
//! and ends, and to move it elsewhere byte by byte. The sole values that are ever built are those
//! of [`Value`], and they are built by us.
mod call;
mod decode;
mod document;
mod links;
mod opcode;
mod parts;
mod payload;
mod plain;
mod policy;
mod reader;
mod repr;
mod splice;
mod value;
pub(crate) mod writer;

pub use call::may_hold_proxies;
pub(crate) use decode::decode;
pub(crate) use document::{Document, Text};
pub(crate) use opcode::{NONE, is_framing, is_plain_push};
pub use parts::{BATCH, Part, PartReader, PartWriter};
pub(crate) use payload::Layer;
pub use payload::Payload;
pub use policy::{Import, PatternError, Policy, Refused};
pub(crate) use reader::{Children, Ops, Span};
pub use value::Value;
