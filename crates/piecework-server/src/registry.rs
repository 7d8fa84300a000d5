//! Which typeid leads to what.

use crate::config::ServerError;
use crate::limits::STOP_BYTES_MAX;
use crate::object_spec::ObjectSpec;
use crate::queue_spec::{AckSpec, Payloads, QueueSpec, checked_name};
use piecework_state::{AckMode, Kind, ObjectId, Order, Outcome, QueueId, QueueOptions, State};
use piecework_wire::{Payload, Value};
use std::collections::{BTreeMap, HashMap};

/// SyncManager's typeids that make an anonymous queue.
const ANONYMOUS: [&str; 2] = ["Queue", "JoinableQueue"];

/// The one typeid of SyncManager's that is not served.
const POOL: &str = "Pool";

/// What a typeid leads to.
#[derive(Clone, Debug)]
pub(crate) enum Registered {
    /// A named queue.
    Named(QueueId),
    /// A queue of its own for every `create`.
    Anonymous,
    /// An object of this kind, a new one for every `create`, made of such payloads.
    Object(Kind, Payloads),
    /// An object with a name, of this kind.
    Shared(ObjectId, Kind),
    /// Nothing, for this reason.
    Refused(String),
    /// Nothing; the registered typeids are these.
    Unknown(Vec<String>),
}

/// All typeids, and what only the server knows of the queues behind them.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    typeids: BTreeMap<String, Registered>,
    /// The stop marks that are not None.
    stops: HashMap<QueueId, Value>,
    /// Which payloads are let in where a queue does not say, and where one does.
    payloads: Payloads,
    payloads_of: HashMap<QueueId, Payloads>,
    /// Whether any queue goes by the values of what is put.
    sorts: bool,
    /// How many typeids there may be before clients can add no more; 0 where they can add none.
    typeids_max: usize,
}

impl Registry {
    /// Registers queues and typeids.
    pub(crate) fn new(
        state: &mut State,
        queues: &[QueueSpec],
        payloads: Payloads,
        anonymous: Vec<String>,
        refused: Vec<(String, String)>,
        typeids_max: usize,
        out: &mut Outcome,
    ) -> Result<Self, ServerError> {
        let mut registry = Self { typeids_max, payloads, ..Self::default() };
        // Names first: an answer queue may stand behind the queue that names it.
        for spec in queues {
            match state.queue(&spec.name) {
                None => drop(state.register(&spec.name, QueueOptions::default(), out)),
                Some(kept) if spec.fresh => state.empty(kept, out),
                Some(_) => {}
            }
        }
        for spec in queues {
            registry.add(state, spec, out)?;
        }
        for typeid in anonymous {
            registry.typeids.insert(typeid, Registered::Anonymous);
        }
        for (typeid, why) in refused {
            registry.typeids.insert(typeid, Registered::Refused(why));
        }
        Ok(registry)
    }

    fn add(
        &mut self,
        state: &mut State,
        spec: &QueueSpec,
        out: &mut Outcome,
    ) -> Result<(), ServerError> {
        let ack = match &spec.ack {
            AckSpec::Auto => AckMode::Auto,
            AckSpec::Explicit => AckMode::Explicit,
            AckSpec::None => AckMode::None,
            AckSpec::Answered(name) => AckMode::Answered { answers: answers(state, spec, name)? },
        };
        let QueueSpec { maxsize, maxbytes, attempts, lease, once, expire, order, .. } = *spec;
        let more = spec.more();
        let options =
            QueueOptions { ack, maxsize, maxbytes, attempts, lease, once, expire, order, more };
        let (queue, served) = match state.queue(&spec.name) {
            Some(kept) if spec.as_kept => (kept, &as_kept(state, kept, spec)?),
            _ => (state.register(&spec.name, options, out), spec),
        };
        self.sorts |= state.order(queue).0 == Order::Priority;
        for typeid in &spec.typeids {
            self.typeids.insert(typeid.clone(), Registered::Named(queue));
        }
        if let Some(payloads) = served.payloads {
            self.payloads_of.insert(queue, payloads);
        }
        if served.stop != Value::None {
            self.stops.insert(queue, served.stop.clone());
        }
        Ok(())
    }

    /// Registers these objects, and those that earlier runs have kept and that nobody has named.
    pub(crate) fn add_objects(
        &mut self,
        state: &mut State,
        specs: &[ObjectSpec],
        keeps: bool,
        out: &mut Outcome,
    ) -> Result<(), ServerError> {
        for spec in specs {
            if spec.keep && !keeps {
                return Err(ServerError::Queues(format!(
                    "object '{}': this manager keeps nothing; hint: without keep, or --engine disk",
                    spec.name()
                )));
            }
            self.add_object(state, spec, out)?;
        }
        for (name, object, kind) in state.kept_objects() {
            if !specs.iter().any(|spec| spec.name() == name) {
                self.check_free(name)?;
                self.lead_to_object(name, object, kind);
            }
        }
        Ok(())
    }

    /// Registers an object with a name; one that is kept since an earlier run is that one.
    fn add_object(
        &mut self,
        state: &mut State,
        spec: &ObjectSpec,
        out: &mut Outcome,
    ) -> Result<(), ServerError> {
        self.check_free(spec.name())?;
        let wrong = |why: &str| {
            Err(ServerError::Queues(format!("object '{}': {why}; hint: another name", spec.name())))
        };
        let kept = state.kept_objects().into_iter().find(|(name, ..)| *name == spec.name());
        let (object, kind) = match kept.map(|(_, object, kind)| (object, kind)) {
            Some((_, kind)) if kind.name() != spec.kind() => {
                return wrong(&format!("it is a {} that an earlier run has kept", kind.name()));
            }
            Some(_) if !spec.keep => {
                return wrong(&format!(
                    "an earlier run has kept it, so say {}:{},keep",
                    spec.name(),
                    spec.kind()
                ));
            }
            Some(kept) => kept,
            None => {
                let make = spec.make.clone();
                let made = match spec.keep {
                    true => state.keep_object(spec.name(), make, out),
                    false => state.register_object(spec.name(), make),
                };
                match made {
                    Ok(object) => (object, spec.make.kind()),
                    Err(error) => return wrong(&error.to_string()),
                }
            }
        };
        self.lead_to_object(spec.name(), object, kind);
        Ok(())
    }

    fn check_free(&self, name: &str) -> Result<(), ServerError> {
        let typeids = ObjectSpec::typeids_of(name);
        match typeids.iter().find(|typeid| self.typeids.contains_key(*typeid)) {
            None => Ok(()),
            Some(taken) => Err(ServerError::Queues(format!(
                "object '{name}': the typeid '{taken}' leads to something else already; hint: \
                 another name"
            ))),
        }
    }

    fn lead_to_object(&mut self, name: &str, object: ObjectId, kind: Kind) {
        for typeid in ObjectSpec::typeids_of(name) {
            self.typeids.insert(typeid, Registered::Shared(object, kind));
        }
    }

    /// What `typeid` leads to; in an open registry an unknown one leads to a new queue.
    pub(crate) fn look_up(
        &mut self,
        state: &mut State,
        typeid: &str,
        out: &mut Outcome,
    ) -> Registered {
        if let Some(known) = self.typeids.get(typeid) {
            return known.clone();
        }
        if ANONYMOUS.contains(&typeid) {
            return Registered::Anonymous;
        }
        if let Some(kind) = Kind::of(typeid).filter(|kind| *kind != Kind::Iterator) {
            return Registered::Object(kind, self.payloads);
        }
        if typeid == POOL {
            return Registered::Refused(
                "its functions would be run in the manager, which runs nothing; hint: \
                 multiprocessing.Pool runs them in the client's own children"
                    .to_owned(),
            );
        }
        if let Ok(spec) = typeid.parse::<ObjectSpec>() {
            return self.open_object(state, &spec, out);
        }
        if self.typeids_max > 0
            && let Some(queue) = self.open_queue(state, typeid, out)
        {
            self.typeids.insert(typeid.to_owned(), Registered::Named(queue));
            return Registered::Named(queue);
        }
        Registered::Unknown(self.typeids.keys().cloned().collect())
    }

    /// The object that `NAME:TYPE` means: of a client that knows what it wants, and in an open
    /// registry has it made.
    fn open_object(
        &mut self,
        state: &mut State,
        spec: &ObjectSpec,
        out: &mut Outcome,
    ) -> Registered {
        if spec.keep {
            return Registered::Refused(format!(
                "a client does not say what is kept; hint: '{}:{}', and `piecework serve --object \
                 {}:{},keep` where the manager runs",
                spec.name(),
                spec.kind(),
                spec.name(),
                spec.kind()
            ));
        }
        let is_open = self.typeids.len() < self.typeids_max;
        if is_open && !self.typeids.contains_key(spec.name()) {
            // Whatever is wrong shows when it is not there.
            let _ = self.add_object(state, spec, out);
        }
        match self.typeids.get(spec.name()) {
            Some(Registered::Shared(object, kind)) if kind.name() == spec.kind() => {
                Registered::Shared(*object, *kind)
            }
            Some(Registered::Shared(_, kind)) => Registered::Refused(format!(
                "'{}' is a {}, and no {}",
                spec.name(),
                kind.name(),
                spec.kind()
            )),
            Some(_) => Registered::Refused(format!("'{}' is a queue", spec.name())),
            None => Registered::Unknown(self.typeids.keys().cloned().collect()),
        }
    }

    /// The queue that an unknown typeid means, made if there is none. A client names it, and no
    /// more: options are for whoever runs the manager.
    fn open_queue(
        &mut self,
        state: &mut State,
        typeid: &str,
        out: &mut Outcome,
    ) -> Option<QueueId> {
        let name = typeid.strip_prefix("get_").unwrap_or(typeid);
        let name = checked_name(name.strip_suffix("_queue").unwrap_or(name)).ok()?;
        if let Some(queue) = state.queue(name) {
            return Some(queue);
        }
        if self.typeids.len() >= self.typeids_max {
            return None;
        }
        self.add(state, &QueueSpec::named(name), out).ok()?;
        state.queue(name)
    }

    /// Which payloads a queue lets in.
    pub(crate) fn payloads(&self, queue: QueueId) -> Payloads {
        self.payloads_of.get(&queue).copied().unwrap_or(self.payloads)
    }

    /// Which payloads everything else lets in.
    pub(crate) fn payloads_elsewhere(&self) -> Payloads {
        self.payloads
    }

    /// Whether any queue looks at its payloads.
    pub(crate) fn is_policed(&self) -> bool {
        self.payloads == Payloads::Data
            || self.payloads_of.values().any(|payloads| *payloads == Payloads::Data)
    }

    /// Whether any queue goes by the values of what is put.
    pub(crate) fn sorts(&self) -> bool {
        self.sorts
    }

    /// Whether a payload is the stop mark of its queue.
    pub(crate) fn is_stop(&self, queue: QueueId, payload: &Payload) -> bool {
        match self.stops.get(&queue) {
            None => payload.is_none(),
            // Looked at under the hub's lock, so not at length.
            Some(_) if payload.len() > STOP_BYTES_MAX => false,
            Some(stop) => payload.value().is_ok_and(|value| value == *stop),
        }
    }
}

/// How a queue of earlier runs was served.
fn as_kept(state: &State, queue: QueueId, spec: &QueueSpec) -> Result<QueueSpec, ServerError> {
    let more = state.options(queue).map_or("", |options| &options.more);
    QueueSpec::untyped(&spec.name).with(more).map_err(|why| {
        ServerError::Queues(format!(
            "queue '{}': its options of an earlier run cannot be read: {why}; hint: say all of \
             them with --queue {}:...",
            spec.name, spec.name
        ))
    })
}

fn answers(state: &State, spec: &QueueSpec, name: &str) -> Result<QueueId, ServerError> {
    let wrong = |what: &str| {
        ServerError::Queues(format!(
            "queue '{}': answers={name}: {what}; hint: add --queue {name}",
            spec.name
        ))
    };
    if name == spec.name {
        return Err(wrong("a queue cannot be its own answer queue"));
    }
    state.queue(name).ok_or_else(|| wrong("there is no such queue"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework_state::Limits;

    fn registry(state: &mut State, specs: &[QueueSpec]) -> Registry {
        let (anonymous, refused, mut out) = (vec![], vec![], Outcome::default());
        Registry::new(state, specs, Payloads::Any, anonymous, refused, 0, &mut out).unwrap()
    }

    #[test]
    fn a_queue_is_served_as_before_unless_told_otherwise() {
        let mut state = State::new(1, Limits::default());
        for stop in ["end", "'7'", "7", "2.5", "True"] {
            let spec: QueueSpec = format!("task:stop={stop},payloads=data").parse().unwrap();
            let mark = Payload::from_value(&spec.stop);
            registry(&mut state, &[spec]);
            let task = state.queue("task").unwrap();
            let again = registry(&mut state, &[QueueSpec::kept("task")]);
            assert!(again.is_stop(task, &mark) && again.is_policed(), "{stop}");
            assert!(!again.is_stop(task, &Payload::from_value(&Value::None)), "{stop}");
            let other = registry(&mut state, &[QueueSpec::named("task")]);
            assert!(!other.is_stop(task, &mark) && !other.is_policed(), "{stop}");
        }
    }
}
