//! A main connection: one call after the other, on queues or on the manager itself.

use super::error::PyError;
use super::familiars::Familiars;
use super::look::look;
use super::manager::{self, ManagerCall};
use super::methods::Method;
use super::proxied;
use super::shared;
use super::value::{int, queue_value};

use bytes::{Bytes, BytesMut};
use piecework_state::{Delivery, Reply, Shown, StateError};
use piecework_wire::reply::{self, PayloadFrame};
use piecework_wire::{Payload, Request, Value, WireError};
use std::borrow::Cow;

/// What a request over a main connection is.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    /// A call on an object.
    Object(ObjectCall<'a>),
    /// A call on the manager itself.
    Manager(ManagerCall),
    /// A call that needs nobody's decision; the reply is in `out`.
    Answered,
}

/// A call on an object.
#[derive(Debug)]
pub(crate) struct ObjectCall<'a> {
    pub(crate) ident: Cow<'a, str>,
    pub(crate) method: Method,
}

/// Reads the request in a frame. What cannot be read is answered, not dropped: a stock client
/// whose main connection ends can never call again.
pub(crate) fn read<'a>(
    frame: &[u8],
    familiars: &'a mut Familiars,
    contents: impl Fn(&str) -> Option<Shown>,
    out: &mut BytesMut,
) -> Next<'a> {
    if let Some(found) = familiars.find(frame) {
        let (ident, method) = familiars.read(found, frame).expect("it was just found");
        return Next::Object(ObjectCall { ident: Cow::Borrowed(ident), method });
    }
    let next = Request::parse(frame).map_err(PyError::from).and_then(|request| {
        if request.ident() == Some(manager::IDENT) {
            return ManagerCall::read(&request).map(Next::Manager);
        }
        if let Some(answered) = about_the_proxy(&request, out) {
            return Ok(answered);
        }
        let method = match Method::read(&request) {
            Ok(method) => {
                familiars.remember(frame, &request, &method);
                method
            }
            // What a proxy leads to may be another thing next time, so this is nothing familiar.
            Err(error) => proxied::method(&request, contents).unwrap_or(Err(error))?,
        };
        let ident = request.ident().unwrap_or_default().to_owned();
        Ok(Next::Object(ObjectCall { ident: Cow::Owned(ident), method }))
    });
    next.unwrap_or_else(|error| {
        error.write(out);
        Next::Answered
    })
}

/// What CPython's server answers for every queue, exposed or not.
fn about_the_proxy(request: &Request<'_>, out: &mut BytesMut) -> Option<Next<'static>> {
    if request.ident().and_then(shared::kind_of).is_some() {
        return None;
    }
    match request.method() {
        "__repr__" | "__str__" => {
            let ident = request.ident().unwrap_or_default();
            let number = ident.rsplit('.').next().and_then(|number| number.parse().ok());
            let text = format!("<queue.Queue object at {:#014x}>", number.unwrap_or(0_u64));
            reply::returned(out, &Value::Str(text));
        }
        "#GETVALUE" => reply::traceback(
            out,
            "TypeError: a queue cannot be copied out of its manager; hint: get its items",
        ),
        _ => return None,
    }
    Some(Next::Answered)
}

/// A large payload, to be written from where it is.
pub(crate) type Large = PayloadFrame;

/// Appends the reply to a call; gives back a payload that is better not copied.
pub(crate) fn write(reply: &Reply, copy_bytes_max: usize, out: &mut BytesMut) -> Option<Large> {
    match reply {
        Reply::None => reply::returned_none(out),
        Reply::Granted(_) | Reply::Notified(_) => reply::returned(out, &Value::Bool(true)),
        Reply::Bool(truth) => reply::returned(out, &Value::Bool(*truth)),
        Reply::Count(count) => reply::returned(out, &int(*count)),
        Reply::Stats(stats) => reply::returned(out, &queue_value(stats)),
        Reply::Error(error) => write_error(error, out),
        Reply::Item(delivery) => match payload(delivery) {
            Ok(payload) if payload.len() > copy_bytes_max => {
                return Some(reply::payload_frame(&payload));
            }
            Ok(payload) => reply::returned_payload(out, &payload),
            Err(error) => PyError::from(error).write(out),
        },
        Reply::Items(deliveries) => {
            match deliveries.iter().map(payload).collect::<Result<Vec<_>, _>>() {
                Ok(payloads) => reply::returned_payloads(out, &payloads),
                Err(error) => PyError::from(error).write(out),
            }
        }
        Reply::Value(bytes) => match Payload::from_bytes(bytes.clone()) {
            Ok(payload) if payload.len() > copy_bytes_max => {
                return Some(reply::payload_frame(&payload));
            }
            Ok(payload) => reply::returned_payload(out, &payload),
            Err(error) => PyError::from(error).write(out),
        },
        Reply::Values(_)
        | Reply::Pair(_)
        | Reply::Pairs(_)
        | Reply::Dict(_)
        | Reply::Set(_)
        | Reply::Array(..)
        | Reply::Instance(..)
        | Reply::Iterator(_)
        | Reply::Reversed(_) => {
            if let Err(error) = write_values(reply, out) {
                PyError::from(error).write(out);
            }
        }
        Reply::Proxy(kind, ident) => {
            reply::proxy(out, kind.name(), ident, &shared::exposed(*kind));
        }
        Reply::Shown(shown) => reply::returned(out, &Value::Str(look(shown))),
        Reply::Leases(deliveries) => {
            let lease = |d: &Delivery| Ok((d.id.0, d.attempt, payload(d)?));
            match deliveries.iter().map(lease).collect::<Result<Vec<_>, WireError>>() {
                Ok(leases) => reply::returned_leases(out, &leases),
                Err(error) => PyError::from(error).write(out),
            }
        }
    }
    None
}

/// Appends values that were put, in the shape that the reply gives them.
fn write_values(reply: &Reply, out: &mut BytesMut) -> Result<(), WireError> {
    let payload = |bytes: &Bytes| Payload::from_bytes(bytes.clone());
    let pair = |[a, b]: &[Bytes; 2]| Ok([payload(a)?, payload(b)?]);
    let payloads = |values: &[Bytes]| values.iter().map(payload).collect::<Result<Vec<_>, _>>();
    let pairs =
        |pairs: &[[Bytes; 2]]| pairs.iter().map(pair).collect::<Result<Vec<_>, WireError>>();
    match reply {
        Reply::Values(values) => reply::returned_payloads(out, &payloads(values)?),
        Reply::Pair(values) => reply::returned_pair(out, &pair(values)?),
        Reply::Pairs(values) => reply::returned_pairs(out, &pairs(values)?),
        Reply::Dict(values) => reply::returned_dict(out, &pairs(values)?),
        Reply::Set(values) => reply::returned_set(out, &payloads(values)?),
        Reply::Iterator(values) => reply::returned_iterator(out, &payloads(values)?),
        Reply::Instance(kind, attributes) => {
            let attribute = |(name, value): &(String, Bytes)| Ok((name.clone(), payload(value)?));
            let attributes: Result<Vec<_>, WireError> = attributes.iter().map(attribute).collect();
            let class = ["multiprocessing.managers", kind.name()];
            reply::returned_instance(out, class, &attributes?);
        }
        Reply::Array(typecode, values) => {
            reply::returned_array(out, *typecode, &payloads(values)?);
        }
        Reply::Reversed(values) => reply::returned_reversed(out, &payloads(values)?),
        _ => {}
    }
    Ok(())
}

/// Appends an exception; some are made of a value.
fn write_error(error: &StateError, out: &mut BytesMut) {
    match error {
        StateError::KeyMissing { key } => match Payload::from_bytes(key.clone()) {
            Ok(key) => reply::error_of(out, "builtins", "KeyError", &key),
            Err(error) => PyError::from(error).write(out),
        },
        StateError::NotInList { value } => {
            let value = Payload::from_bytes(value.clone()).and_then(|payload| payload.value());
            let value = value.map_or_else(|_| "value".to_owned(), |value| value.to_string());
            PyError::value_error(format!("{value} is not in list")).write(out);
        }
        error => PyError::from(error.clone()).write(out),
    }
}

/// What was put. Whoever put it from within this process may have put what is no payload.
fn payload(delivery: &Delivery) -> Result<Payload, WireError> {
    Payload::from_bytes(delivery.payload.clone())
}
