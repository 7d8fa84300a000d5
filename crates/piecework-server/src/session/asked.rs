//! A call on an object that is no queue, from its arguments to the moment it is made.

use super::arguments::{Arguments, Patience, Signature};
use super::error::PyError;
use bytes::Bytes;
use piecework_state::{ObjectCall, Time};
use piecework_wire::Payload;

/// A call on an object, not yet at a moment.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// `acquire(...)`.
    Acquire(Patience),
    /// `wait(...)`; `None` where the object knows how long.
    Wait(Option<Patience>),
    /// One that does not wait.
    Now(ObjectCall),
}

pub(super) type Reader = (Signature, fn(&Arguments<'_>) -> Result<Asked, PyError>);

pub(super) const fn signature(
    method: &'static str,
    names: &'static [&'static str],
    required: usize,
) -> Signature {
    Signature { method, names, required }
}

#[expect(clippy::unnecessary_wraps, reason = "what readers return")]
pub(super) fn now(call: ObjectCall) -> Result<Asked, PyError> {
    Ok(Asked::Now(call))
}

impl Asked {
    /// What it puts into the object.
    pub(crate) fn payloads(&self) -> Vec<Payload> {
        let Self::Now(call) = self else { return Vec::new() };
        payloads(&call.values())
    }

    /// The call that this is now.
    pub(crate) fn at(self, now: Time) -> ObjectCall {
        match self {
            Self::Acquire(patience) => ObjectCall::Acquire(patience.until(now)),
            Self::Wait(patience) => ObjectCall::Wait(patience.map(|patience| patience.until(now))),
            Self::Now(call) => call,
        }
    }
}

/// Values as payloads, which they are.
pub(super) fn payloads(values: &[&Bytes]) -> Vec<Payload> {
    values.iter().filter_map(|bytes| Payload::from_bytes((*bytes).clone()).ok()).collect()
}
