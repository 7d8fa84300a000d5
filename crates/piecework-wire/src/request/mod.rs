//! A request: `(ident, method, args, kwargs)`, read and written.
use bytes::{Bytes, BytesMut};

use crate::{Payload, Value, WireError};

/// A request that came in.
#[derive(Debug)]
pub struct Request;

/// One argument of a request.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'a>(&'a Request);

impl Request {
    /// Reads the body of a frame.
    ///
    /// # Errors
    /// It is no request.
    pub fn parse(frame: Bytes) -> Result<Self, WireError> { todo!() }
    /// The object called; None in a one-shot request.
    pub fn ident(&self) -> Option<&str> { todo!() }
    /// The method called.
    pub fn method(&self) -> &str { todo!() }
    /// How many positional arguments there are.
    pub fn len_args(&self) -> usize { todo!() }
    /// One positional argument.
    pub fn arg(&self, at: usize) -> Option<Arg<'_>> { todo!() }
    /// All positional arguments.
    pub fn args(&self) -> impl ExactSizeIterator<Item = Arg<'_>> { (0..1).map(|_| todo!()) }
    /// One argument given by name.
    pub fn kwarg(&self, name: &str) -> Option<Arg<'_>> { todo!() }
    /// The names of the arguments given by name.
    pub fn kwarg_names(&self) -> impl Iterator<Item = &str> { (0..1).map(|_| todo!()) }
}

impl Arg<'_> {
    /// Decodes plain data.
    ///
    /// # Errors
    /// It is not plain data.
    pub fn value(&self) -> Result<Value, WireError> { todo!() }
    /// Lifts the argument out of the request.
    ///
    /// # Errors
    /// It cannot stand alone.
    pub fn payload(&self) -> Result<Payload, WireError> { todo!() }
    /// Lifts each element of a list or tuple argument.
    ///
    /// # Errors
    /// It is no list or tuple, or longer than `max`, or an element cannot stand alone.
    pub fn elements(&self, max: usize) -> Result<Vec<Payload>, WireError> { todo!() }
}

/// An argument to send.
#[derive(Clone, Copy, Debug)]
pub enum ArgOut<'a> {
    /// Plain data.
    Value(&'a Value),
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(&'a str),
    /// A `bytes`.
    Bytes(&'a [u8]),
    /// Any object.
    Payload(&'a Payload),
    /// A list of objects.
    Payloads(&'a [Payload]),
}

/// Appends the frame of a request.
pub fn request(out: &mut BytesMut, ident: Option<&str>, method: &str, args: &[ArgOut<'_>], kwargs: &[(&str, ArgOut<'_>)]) { todo!() }
