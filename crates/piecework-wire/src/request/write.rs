//! Writes the request of a client.
use bytes::{BufMut, BytesMut};

use crate::pickle::{Layer, writer};
use crate::{Payload, Value, frame};

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
    /// A `list` of any objects.
    Payloads(&'a [Payload]),
    /// A `dict` of any objects.
    Pairs(&'a [[Payload; 2]]),
}

impl ArgOut<'_> {
    fn write(&self, out: &mut BytesMut, layer: &mut Layer) {
        match self {
            Self::Value(value) => writer::value(out, value),
            Self::None => writer::none(out),
            Self::Bool(value) => writer::bool(out, *value),
            Self::Int(value) => writer::int(out, *value),
            Self::Float(value) => writer::float(out, *value),
            Self::Str(value) => writer::str(out, value),
            Self::Bytes(value) => writer::bytes(out, value),
            Self::Payload(payload) => layer.lay(out, payload),
            Self::Payloads(payloads) => {
                writer::list(out, payloads, |out, payload| layer.lay(out, payload));
            }
            Self::Pairs(pairs) => writer::dict(out, pairs, |out, [key, value]| {
                layer.lay(out, key);
                layer.lay(out, value);
            }),
        }
    }
}

/// Appends the frame of a request; `ident` is `None` in a request to the manager itself.
pub fn request(
    out: &mut BytesMut,
    ident: Option<&str>,
    method: &str,
    args: &[ArgOut<'_>],
    kwargs: &[(&str, ArgOut<'_>)],
) {
    frame::put_with(out, |out| {
        let mut layer = Layer::new(writer::PROTO);
        writer::open(out, writer::PROTO);
        writer::mark(out);
        match ident {
            Some(ident) => writer::str(out, ident),
            None => writer::none(out),
        }
        writer::str(out, method);
        writer::tuple(out, args, |out, arg| arg.write(out, &mut layer));
        writer::dict(out, kwargs, |out, (name, arg)| {
            writer::str(out, name);
            arg.write(out, &mut layer);
        });
        writer::end_tuple(out);
        out.put_slice(writer::STOP);
    });
}
