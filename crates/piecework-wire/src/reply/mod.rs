//! A reply: `(kind, value)`, read and written.
use bytes::{Bytes, BytesMut};

use crate::{Payload, Value, WireError};

/// A reply that came in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// `#RETURN`: the call's result.
    Return(Returned),
    /// `#ERROR`: the exception that the method raised.
    Error {
        /// Where its class lives, e.g. `queue`.
        module: String,
        /// Its class, e.g. `Empty`.
        class: String,
        /// Its arguments as text, where they are plain data.
        message: Option<String>,
    },
    /// `#TRACEBACK`: the call itself went wrong; the text is for people.
    Traceback(String),
    /// `#UNSERIALIZABLE`: the result could not be pickled.
    Unserializable(String),
}

/// The value of a `#RETURN`.
#[derive(Debug)]
pub struct Returned;

/// An item handed out under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// By which the lease is settled.
    pub id: u64,
    /// How often the item was handed out before and failed.
    pub attempt: u32,
    /// What was put.
    pub payload: Payload,
}

impl Reply {
    /// Reads the body of a frame.
    ///
    /// # Errors
    /// It is no reply.
    pub fn parse(frame: Bytes) -> Result<Self, WireError> { todo!() }
}

impl Returned {
    /// Lifts the value out of the reply.
    ///
    /// # Errors
    /// It cannot stand alone.
    pub fn payload(&self) -> Result<Payload, WireError> { todo!() }
    /// Lifts each element of a list or tuple.
    ///
    /// # Errors
    /// It is no list or tuple, or longer than `max`.
    pub fn elements(&self, max: usize) -> Result<Vec<Payload>, WireError> { todo!() }
    /// Decodes plain data.
    ///
    /// # Errors
    /// It is not plain data.
    pub fn value(&self) -> Result<Value, WireError> { todo!() }
    /// Reads the value of `create`: ident, and the exposed methods.
    ///
    /// # Errors
    /// It is something else.
    pub fn created(&self) -> Result<(String, Vec<String>), WireError> { todo!() }
    /// Reads the value of `lease`.
    ///
    /// # Errors
    /// It is something else, or longer than `max`.
    pub fn leases(&self, max: usize) -> Result<Vec<Leased>, WireError> { todo!() }
}

/// Appends `('#RETURN', None)`.
pub fn returned_none(out: &mut BytesMut) { todo!() }
/// Appends a result of plain data.
pub fn returned(out: &mut BytesMut, value: &Value) { todo!() }
/// Appends a result that is a payload.
pub fn returned_payload(out: &mut BytesMut, payload: &Payload) { todo!() }
/// Appends a result that is a list of payloads.
pub fn returned_payloads(out: &mut BytesMut, payloads: &[Payload]) { todo!() }
/// Appends a result that is a list of `(id, attempt, payload)`.
pub fn returned_leases(out: &mut BytesMut, leases: &[(u64, u32, Payload)]) { todo!() }
/// Appends the answer to `create`.
pub fn created(out: &mut BytesMut, ident: &str, exposed: &[&str]) { todo!() }
/// Appends an exception: `class(message)`, or `class()`.
pub fn error(out: &mut BytesMut, module: &str, class: &str, message: Option<&str>) { todo!() }
/// Appends a `#TRACEBACK`; a missing line end is added.
pub fn traceback(out: &mut BytesMut, text: &str) { todo!() }

/// The frame of a payload in three parts, so that a large one is written without being copied.
#[derive(Debug)]
pub struct PayloadFrame {
    /// Header and everything before the payload.
    pub head: smallvec::SmallVec<[u8; 24]>,
    /// The payload, shared.
    pub body: Bytes,
    /// Everything after it.
    pub tail: &'static [u8],
}

/// Frames a payload as `('#RETURN', payload)` without copying it.
pub fn payload_frame(payload: &Payload) -> PayloadFrame { todo!() }
