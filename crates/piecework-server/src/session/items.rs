//! Calls on the manager that are about single items of a queue, or its dead ones.

use super::arguments::{Arguments, Signature};
use super::error::PyError;
use super::item_value::{self, explained, gone};
use crate::hub::{Called, Hub};
use bytes::BytesMut;
use piecework_state::{Call, ItemId, QueueId, SessionId, State, Which};
use piecework_wire::{Request, Value, reply};

/// A call about items of the queue of this name.
#[derive(Debug)]
pub(crate) struct ItemsCall {
    queue: String,
    ask: Ask,
}

#[derive(Debug)]
enum Ask {
    /// Which items are dead: those behind this one, so many at most.
    Dead { after: Option<ItemId>, max: usize },
    /// All that is known of an item.
    Explain(ItemId),
    /// What was put, of a dead item.
    Payload(ItemId),
    /// Makes dead items ready again.
    Revive(Which),
    /// Drops dead items.
    Drop(Which),
}

impl ItemsCall {
    /// The methods, for people.
    pub(crate) const METHODS: &str = "dead, explain, payload, revive, drop";

    /// Reads the call that a request names; `None` if that is none of these.
    pub(crate) fn read(request: &Request<'_>) -> Option<Result<Self, PyError>> {
        const DEAD: Signature =
            Signature { method: "dead", names: &["queue", "after", "max"], required: 3 };
        const EXPLAIN: Signature =
            Signature { method: "explain", names: &["queue", "item"], required: 2 };
        const PAYLOAD: Signature = Signature { method: "payload", ..EXPLAIN };
        const REVIVE: Signature =
            Signature { method: "revive", names: &["queue", "which"], required: 2 };
        const DROP: Signature = Signature { method: "drop", ..REVIVE };
        type Reader = fn(&Arguments<'_>) -> Result<Ask, PyError>;
        let (signature, ask): (_, Reader) = match request.method() {
            "dead" => (&DEAD, |args| {
                let from_the_first = matches!(args.value(1)?, Some(Value::None));
                let after = if from_the_first { None } else { Some(item(args)?) };
                Ok(Ask::Dead { after, max: args.count(2)? })
            }),
            "explain" => (&EXPLAIN, |args| item(args).map(Ask::Explain)),
            "payload" => (&PAYLOAD, |args| item(args).map(Ask::Payload)),
            "revive" => (&REVIVE, |args| which(args).map(Ask::Revive)),
            "drop" => (&DROP, |args| which(args).map(Ask::Drop)),
            _ => return None,
        };
        let read = |args: Arguments<'_>| Ok(Self { queue: args.text(0)?, ask: ask(&args)? });
        Some(Arguments::bind("Queue", request, signature).and_then(read))
    }

    /// Does it, and appends the reply; or gives back what becomes the reply, where a queue is
    /// changed, or a payload may have to be fetched.
    pub(crate) fn run(
        &self,
        hub: &Hub,
        session: SessionId,
        out: &mut BytesMut,
    ) -> Result<Option<Called>, PyError> {
        match self.ask {
            Ask::Dead { after, max } => {
                let list = |state: &State, queue| item_value::dead(state, queue, after, max);
                let list = hub.look(|state, _| self.find(state).map(|queue| list(state, queue)))?;
                reply::returned(out, &list);
            }
            Ask::Explain(item) => {
                let told = hub.look(|state, now| explained(state, now, self.find(state)?, item));
                reply::returned(out, &told?);
            }
            Ask::Payload(item) => {
                let found = hub.look(|state, _| {
                    let queue = self.find(state)?;
                    state.item(queue, item).map(|_| queue).ok_or_else(|| gone(state, queue, item))
                });
                return Ok(Some(hub.call_queue(session, Call::Show(found?, item))));
            }
            Ask::Revive(which) => {
                let queue = hub.look(|state, _| self.find(state))?;
                return Ok(Some(hub.call_queue(session, Call::Revive { queue, which })));
            }
            Ask::Drop(which) => {
                let queue = hub.look(|state, _| self.find(state))?;
                return Ok(Some(hub.call_queue(session, Call::Drop { queue, which })));
            }
        }
        Ok(None)
    }

    fn find(&self, state: &State) -> Result<QueueId, PyError> {
        state.queue(&self.queue).ok_or_else(|| {
            let (name, names) = (&self.queue, state.names().join(", "));
            PyError::key_error(format!("no queue '{name}'; hint: there are {names}"))
        })
    }
}

fn item(args: &Arguments<'_>) -> Result<ItemId, PyError> {
    args.id(1).map(ItemId)
}

fn which(args: &Arguments<'_>) -> Result<Which, PyError> {
    let named = args.value(1)?.unwrap_or(Value::None);
    item_value::which(&named).map_err(|why| args.wrong(1, &why))
}
