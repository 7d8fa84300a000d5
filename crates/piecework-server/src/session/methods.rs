//! For a queue, which method becomes which call: CPython's own methods with CPython's arguments,
//! and the ones that piecework adds.

use super::arguments::{Arguments, Signature, WaitArgs, number};
use super::asked::Asked;
use super::error::PyError;
use super::order::{self, Sorter};
use super::shared;
use crate::hub::Desk;
use crate::limits::{KEY_BYTES_MAX, MANY_MAX, NOTE_BYTES_MAX};
use crate::queue_spec::Payloads;
use piecework_state::{self as state, Call, ItemId, QueueId, Settle, Take, Target};
use piecework_wire::{Payload, Policy, Refused, Request, Value};
use smallvec::{SmallVec, smallvec};
use std::time::Duration;

/// What `create` lists as exposed: the public methods of CPython's `queue.Queue` (`shutdown`
/// since 3.13), then our own. Proxies are generated from this list.
pub(crate) const EXPOSED: [&str; 25] = [
    "empty",
    "full",
    "get",
    "get_nowait",
    "join",
    "put",
    "put_nowait",
    "qsize",
    "shutdown",
    "task_done",
    "ack",
    "answer",
    "extend",
    "get_many",
    "lease",
    "nack",
    "progress",
    "put_for",
    "put_later",
    "put_many",
    "put_once",
    "renew",
    "settle",
    "stats",
    "withdraw",
];

/// A method with its arguments read, not yet a call: what some of them mean depends on the queue
/// and on the moment.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    Put {
        payloads: SmallVec<[Payload; 1]>,
        wait: WaitArgs,
    },
    PutOnce {
        key: String,
        payload: Payload,
        wait: WaitArgs,
    },
    PutLater {
        payload: Payload,
        delay: Duration,
    },
    PutFor {
        payload: Payload,
        results: String,
    },
    Withdraw {
        results: String,
    },
    Take {
        max: usize,
        wait: WaitArgs,
        style: Take,
    },
    Answer {
        id: u64,
        to: String,
        payload: Payload,
    },
    Settle {
        id: u64,
        how: Settle,
    },
    Renew {
        id: u64,
    },
    Nack(Duration),
    Extend(Duration),
    Progress {
        fraction: f64,
        note: String,
    },
    ShutDown {
        immediate: bool,
    },
    /// A call on an object that is no queue.
    Shared(Asked),
    /// A method without arguments.
    Plain(fn(QueueId) -> Call),
}

/// The parameters of a method, and what reads them.
type Reader = (Signature, fn(&Arguments<'_>) -> Result<Method, PyError>);

const fn signature(
    method: &'static str,
    names: &'static [&'static str],
    required: usize,
) -> Signature {
    Signature { method, names, required }
}

/// Every method of a queue.
static METHODS: [Reader; 25] = [
    (signature("get", &["block", "timeout"], 0), |args| {
        Ok(Method::Take { max: 1, wait: WaitArgs::read(args, 0)?, style: Take::Item })
    }),
    (signature("put", &["item", "block", "timeout"], 1), |args| {
        let payloads = smallvec![args.required(0).payload()?];
        Ok(Method::Put { payloads, wait: WaitArgs::read(args, 1)? })
    }),
    (signature("get_nowait", &[], 0), |_| {
        Ok(Method::Take { max: 1, wait: WaitArgs::NO, style: Take::Item })
    }),
    (signature("put_nowait", &["item"], 1), |args| {
        Ok(Method::Put { payloads: smallvec![args.required(0).payload()?], wait: WaitArgs::NO })
    }),
    (signature("qsize", &[], 0), |_| Ok(Method::Plain(Call::Qsize))),
    (signature("empty", &[], 0), |_| Ok(Method::Plain(Call::IsEmpty))),
    (signature("full", &[], 0), |_| Ok(Method::Plain(Call::IsFull))),
    (signature("task_done", &[], 0), |_| Ok(Method::Plain(Call::TaskDone))),
    (signature("join", &[], 0), |_| Ok(Method::Plain(Call::Join))),
    (signature("shutdown", &["immediate"], 0), |args| {
        Ok(Method::ShutDown { immediate: args.truth(0, false)? })
    }),
    (signature("put_many", &["items", "block", "timeout"], 1), |args| {
        let payloads = args.required(0).elements(MANY_MAX)?;
        Ok(Method::Put { payloads: payloads.into(), wait: WaitArgs::read(args, 1)? })
    }),
    (signature("put_once", &["key", "item", "block", "timeout"], 2), |args| {
        let (key, payload) = (args.text(0)?, args.required(1).payload()?);
        if key.len() > KEY_BYTES_MAX {
            let len = key.len();
            return Err(args.wrong(0, &format!("a key of {len} bytes; at most {KEY_BYTES_MAX}")));
        }
        Ok(Method::PutOnce { key, payload, wait: WaitArgs::read(args, 2)? })
    }),
    (signature("get_many", &["max", "timeout"], 1), |args| take_many(args, Take::Many)),
    (signature("lease", &["max", "timeout"], 1), |args| take_many(args, Take::Leases)),
    (signature("answer", &["id", "queue", "item"], 3), |args| {
        let (id, to) = (args.id(0)?, args.text(1)?);
        Ok(Method::Answer { id, to, payload: args.required(2).payload()? })
    }),
    (signature("settle", &["id", "how"], 2), |args| {
        let how = match args.text(1)?.as_str() {
            "ack" => Settle::Ack,
            "nack" => Settle::Nack,
            "release" => Settle::Release,
            other => return Err(args.wrong(1, &format!("'{other}' is not ack, nack or release"))),
        };
        Ok(Method::Settle { id: args.id(0)?, how })
    }),
    (signature("renew", &["id"], 1), |args| Ok(Method::Renew { id: args.id(0)? })),
    (signature("put_later", &["item", "seconds"], 2), |args| {
        Ok(Method::PutLater { payload: args.required(0).payload()?, delay: args.seconds(1)? })
    }),
    (signature("put_for", &["item", "results"], 2), |args| {
        Ok(Method::PutFor { payload: args.required(0).payload()?, results: args.text(1)? })
    }),
    (signature("withdraw", &["results"], 1), |args| {
        Ok(Method::Withdraw { results: args.text(0)? })
    }),
    (signature("ack", &[], 0), |_| Ok(Method::Plain(Call::Ack))),
    (signature("nack", &["delay"], 0), |args| Ok(Method::Nack(args.seconds(0)?))),
    (signature("extend", &["seconds"], 1), |args| Ok(Method::Extend(args.seconds(0)?))),
    (signature("progress", &["fraction", "note"], 1), |args| {
        let fraction = args.value(0)?.as_ref().and_then(number);
        let fraction = fraction.ok_or_else(|| args.wrong(0, &"expected a number from 0 to 1"))?;
        let note = if args.get(1).is_some() { args.text(1)? } else { String::new() };
        if note.len() > NOTE_BYTES_MAX {
            return Err(args.wrong(1, &format!("{} bytes; at most {NOTE_BYTES_MAX}", note.len())));
        }
        Ok(Method::Progress { fraction, note })
    }),
    (signature("stats", &[], 0), |_| Ok(Method::Plain(Call::Stats))),
];

fn take_many(args: &Arguments<'_>, style: Take) -> Result<Method, PyError> {
    let timeout = args.value(1)?.filter(|timeout| !matches!(timeout, Value::None));
    let wait = WaitArgs { block: true, timeout };
    Ok(Method::Take { max: args.count(0)?, wait, style })
}

impl Method {
    /// Reads the method that a request names, and its arguments.
    pub(crate) fn read(request: &Request<'_>) -> Result<Self, PyError> {
        if let Some(kind) = request.ident().and_then(shared::kind_of) {
            return shared::read(kind, request).map(Self::Shared);
        }
        let name = request.method();
        let found = METHODS.iter().find(|(signature, _)| signature.method == name);
        let Some((signature, read)) = found else {
            return Err(PyError::attribute_error(format!(
                "a queue has no method '{name}'; hint: it has {}",
                EXPOSED.join(", ")
            )));
        };
        read(&Arguments::bind("Queue", request, signature)?)
    }

    /// Whether it takes items.
    pub(crate) fn takes(&self) -> bool {
        matches!(self, Self::Take { .. })
    }

    /// Whether it may bring payloads along that stay.
    pub(crate) fn puts(&self) -> bool {
        !matches!(self, Self::Take { .. } | Self::Settle { .. } | Self::Plain(_))
    }

    /// Looks at what this puts, which may be long, before the hub is asked: against the policy, if
    /// there is one; for what orders it, if any queue `sorts`; and at the proxies in it.
    pub(crate) fn look(&self, policy: Option<&Policy>, sorts: bool, has_proxies: bool) -> Seen {
        let of_object;
        let payloads = match self {
            Self::Put { payloads, .. } => payloads.as_slice(),
            Self::Shared(asked) if policy.is_some() || has_proxies => {
                of_object = asked.payloads();
                &of_object
            }
            Self::PutOnce { payload, .. }
            | Self::PutLater { payload, .. }
            | Self::PutFor { payload, .. }
            | Self::Answer { payload, .. } => std::slice::from_ref(payload),
            _ => &[],
        };
        let refused = policy
            .and_then(|policy| payloads.iter().find_map(|payload| policy.check(payload).err()));
        let is_put = !matches!(self, Self::Shared(_));
        let sorted = if sorts && is_put { payloads } else { &[] };
        let orders = sorted.iter().map(order::key).collect();
        let proxied = match has_proxies {
            true => payloads.iter().flat_map(Payload::texts_beside_proxies).collect(),
            false => Vec::new(),
        };
        Seen { refused, orders, proxied }
    }

    /// The call that this is on `queue`, now; what was seen of it counts if the queue that it is
    /// put to asks for that.
    pub(crate) fn on(self, desk: &Desk<'_>, at: Target, seen: Seen) -> Result<Call, PyError> {
        match (self, at) {
            (Self::Shared(asked), Target::Object(id)) => {
                match (&seen.refused, desk.registry.payloads_elsewhere()) {
                    (Some(refused), Payloads::Data) => Err(PyError::refused(refused)),
                    _ => Ok(Call::Object(id, asked.at(desk.now))),
                }
            }
            (method, Target::Queue(queue)) => method.on_queue(desk, queue, seen),
            _ => {
                Err(PyError::attribute_error("its ident says that this is another kind of object"))
            }
        }
    }

    #[inline]
    fn on_queue(self, desk: &Desk<'_>, queue: QueueId, seen: Seen) -> Result<Call, PyError> {
        let let_in = |to: QueueId| match (&seen.refused, desk.registry.payloads(to)) {
            (Some(refused), Payloads::Data) => Err(PyError::refused(refused)),
            _ => Ok(()),
        };
        let mut sorter = Sorter::new(seen.orders);
        let mut opaque = |to: QueueId, payload: Payload| -> Result<state::Payload, PyError> {
            let stop = desk.registry.is_stop(to, &payload);
            let order = sorter.order(desk, to, &payload)?;
            Ok(state::Payload { bytes: payload.into_bytes(), stop, reply_to: None, order })
        };
        let find = |name: &str| {
            let found = desk.state.find(name);
            found.ok_or_else(|| PyError::key_error(format!("no queue '{name}'")))
        };
        // As in CPython, nobody looks at the timeout of a put that never blocks.
        let waits = |wait: WaitArgs| match desk.state.is_bounded(queue) {
            true => wait.until(desk.now),
            false => Ok(state::Wait::Forever),
        };
        Ok(match self {
            Self::Put { payloads, wait } => {
                let_in(queue)?;
                let mut opaques = SmallVec::with_capacity(payloads.len());
                for payload in payloads {
                    opaques.push(opaque(queue, payload)?);
                }
                Call::Put { queue, payloads: opaques, delay: None, wait: waits(wait)? }
            }
            Self::PutOnce { key, payload, wait } => {
                let_in(queue)?;
                Call::PutOnce { queue, key, payload: opaque(queue, payload)?, wait: waits(wait)? }
            }
            Self::PutLater { payload, delay } => {
                let_in(queue)?;
                let wait = state::Wait::No;
                let payloads = smallvec![opaque(queue, payload)?];
                Call::Put { queue, payloads, delay: Some(delay), wait }
            }
            Self::PutFor { payload, results } => {
                let_in(queue)?;
                Call::put(queue, opaque(queue, payload)?.reply_to(find(&results)?))
            }
            Self::Withdraw { results } => Call::Withdraw(queue, find(&results)?),
            Self::Take { max, wait, style } => {
                Call::Take { queue, max, wait: wait.until(desk.now)?, style }
            }
            Self::Answer { id, to, payload } => {
                let to = find(&to)?;
                let_in(to)?;
                Call::Answer { queue, item: ItemId(id), to, payload: opaque(to, payload)? }
            }
            Self::Settle { id, how } => Call::Settle(queue, ItemId(id), how),
            Self::Renew { id } => Call::Renew(queue, ItemId(id)),
            Self::Nack(delay) => Call::Nack(queue, delay),
            Self::Extend(by) => Call::Extend(queue, by),
            Self::Progress { fraction, note } => Call::Progress(queue, fraction, note),
            Self::ShutDown { immediate } => Call::ShutDown(queue, immediate),
            Self::Plain(call) => call(queue),
            Self::Shared(_) => return Err(PyError::attribute_error("a queue has no such method")),
        })
    }
}

/// What was seen of what a method puts.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What the policy says to it.
    refused: Option<Refused>,
    /// What orders each of its items, or why nothing does.
    orders: Vec<Result<Box<[u8]>, String>>,
    /// Texts beside the proxies in them: idents of what these are proxies of, and others.
    proxied: Vec<String>,
}

impl Seen {
    pub(crate) fn proxied(&self) -> &[String] {
        &self.proxied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exposed_is_what_there_is() {
        let mut exposed = EXPOSED.to_vec();
        let mut methods: Vec<_> = METHODS.iter().map(|(signature, _)| signature.method).collect();
        exposed.sort_unstable();
        methods.sort_unstable();
        assert_eq!(exposed, methods);
    }
}
