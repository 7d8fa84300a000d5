//! Objects that are no queues: what each kind exposes, how it is made, and which method becomes
//! which call, with CPython's arguments.

use super::arguments::{Arguments, Patience, Signature};
use super::asked::{Asked, Reader, now, signature};
use super::containers;
use super::error::PyError;
use super::sets;
use piecework_state::{Kind, Make, ObjectCall};
use piecework_wire::{Request, Value};

const RELEASE: Reader = (signature("release", &[], 0), |_| now(ObjectCall::Release(1)));
const LOCKED: Reader = (signature("locked", &[], 0), |_| now(ObjectCall::IsLocked));
const FENCE: Reader = (signature("fence", &[], 0), |_| now(ObjectCall::Fence));
const WAIT: Reader = (signature("wait", &["timeout"], 0), |args| {
    Ok(Asked::Wait(Some(Patience::optional(args, 0)?)))
});
const ACQUIRE: Reader = (signature("acquire", &["blocking", "timeout"], 0), |args| {
    Ok(Asked::Acquire(Patience::of_lock(args)?))
});

static LOCK: [Reader; 4] = [ACQUIRE, RELEASE, LOCKED, FENCE];

static SEMAPHORE: [Reader; 3] = [
    (signature("acquire", &["blocking", "timeout"], 0), |args| {
        Ok(Asked::Acquire(Patience::of_semaphore(args)?))
    }),
    (signature("release", &["n"], 0), |args| match args.int(0, 1)? {
        permits @ 1.. => now(ObjectCall::Release(permits.unsigned_abs())),
        _ => Err(PyError::value_error("n must be one or more")),
    }),
    LOCKED,
];

static EVENT: [Reader; 4] = [
    (signature("is_set", &[], 0), |_| now(ObjectCall::IsSet)),
    (signature("set", &[], 0), |_| now(ObjectCall::Set)),
    (signature("clear", &[], 0), |_| now(ObjectCall::Clear)),
    WAIT,
];

static CONDITION: [Reader; 7] = [
    ACQUIRE,
    RELEASE,
    LOCKED,
    FENCE,
    WAIT,
    (signature("notify", &["n"], 0), |args| {
        let count = usize::try_from(args.int(0, 1)?).unwrap_or(0);
        now(ObjectCall::Notify(count))
    }),
    (signature("notify_all", &[], 0), |_| now(ObjectCall::Notify(usize::MAX))),
];

static BARRIER: [Reader; 4] = [
    (signature("__getattribute__", &["name"], 1), |args| match args.text(0)?.as_str() {
        "parties" => now(ObjectCall::Parties),
        "n_waiting" => now(ObjectCall::Waiting),
        "broken" => now(ObjectCall::IsBroken),
        other => Err(PyError::attribute_error(format!(
            "'Barrier' object has no attribute '{other}'; hint: parties, n_waiting, broken"
        ))),
    }),
    (signature("abort", &[], 0), |_| now(ObjectCall::Abort)),
    (signature("reset", &[], 0), |_| now(ObjectCall::Reset)),
    (signature("wait", &["timeout"], 0), |args| {
        let patience = Patience::optional(args, 0)?;
        Ok(Asked::Wait((patience != Patience::Endless).then_some(patience)))
    }),
];

fn methods(kind: Kind) -> &'static [Reader] {
    match kind {
        Kind::Lock | Kind::RLock => &LOCK,
        Kind::Semaphore | Kind::BoundedSemaphore => &SEMAPHORE,
        Kind::Event => &EVENT,
        Kind::Condition => &CONDITION,
        Kind::Barrier => &BARRIER,
        Kind::Value => &containers::VALUE,
        Kind::Array => &containers::ARRAY,
        Kind::Namespace => &containers::NAMESPACE,
        Kind::List => &containers::LIST,
        Kind::Dict => &containers::DICT,
        Kind::Set => &sets::SET,
        Kind::Iterator => &containers::ITERATOR,
        _ => &[],
    }
}

/// The methods that a kind of object exposes.
pub(crate) fn exposed(kind: Kind) -> Vec<&'static str> {
    let names = methods(kind).iter().map(|(signature, _)| signature.method);
    names.filter(|name| !name.starts_with('#')).collect()
}

/// The kind of object that an ident says it leads to; `None` if that is a queue.
pub(crate) fn kind_of(ident: &str) -> Option<Kind> {
    let (stem, _) = ident.rsplit_once('.')?;
    Kind::of(stem.rsplit_once(':')?.1)
}

/// Reads the method of an object that a request names, and its arguments.
pub(crate) fn read(kind: Kind, request: &Request<'_>) -> Result<Asked, PyError> {
    let (class, name) = (kind.name(), request.method());
    match (kind, name) {
        (_, "__repr__" | "__str__") => return now(ObjectCall::Show),
        (Kind::Dict, "update") => return containers::update(request),
        (Kind::Set, _) => {
            if let Some(asked) = sets::of_many(request) {
                return asked;
            }
        }
        _ => {}
    }
    let found = methods(kind).iter().find(|(signature, _)| signature.method == name);
    let Some((signature, read)) = found else {
        return Err(PyError::attribute_error(format!(
            "'{class}' object has no attribute '{name}'; hint: it has {}",
            exposed(kind).join(", ")
        )));
    };
    read(&Arguments::bind(class, request, signature)?)
}

/// What `create` is to make of this kind, by the arguments behind the typeid.
pub(crate) fn make(kind: Kind, request: &Request<'_>) -> Result<Make, PyError> {
    const NONE: Signature = signature("create", &["typeid"], 1);
    const SEMAPHORE: Signature = signature("create", &["typeid", "value"], 1);
    const CONDITION: Signature = signature("create", &["typeid", "lock"], 1);
    const BARRIER: Signature = signature("create", &["typeid", "parties", "action", "timeout"], 2);
    const LIST: Signature = signature("create", &["typeid", "iterable"], 1);
    const VALUE: Signature = signature("create", &["typeid", "typecode", "value", "lock"], 3);
    const ARRAY: Signature = signature("create", &["typeid", "typecode", "sequence", "lock"], 3);
    let bind = |signature| Arguments::bind(kind.name(), request, signature);
    Ok(match kind {
        Kind::Lock | Kind::RLock => {
            bind(&NONE)?;
            Make::Lock { reentrant: kind == Kind::RLock }
        }
        Kind::Semaphore | Kind::BoundedSemaphore => {
            let permits = u64::try_from(bind(&SEMAPHORE)?.int(1, 1)?)
                .map_err(|_| PyError::value_error("semaphore initial value must be >= 0"))?;
            Make::Semaphore { permits, bounded: kind == Kind::BoundedSemaphore }
        }
        Kind::Event => {
            bind(&NONE)?;
            Make::Event
        }
        Kind::Condition => {
            let args = bind(&CONDITION)?;
            if !is_absent(&args, 1)? {
                return Err(args.wrong(1, &"a manager's condition has a lock of its own"));
            }
            Make::Condition
        }
        Kind::Barrier => {
            let args = bind(&BARRIER)?;
            if !is_absent(&args, 2)? {
                let why = "it would be run in the manager, which runs nothing; \
                           hint: let whoever gets 0 from wait() do it";
                return Err(args.wrong(2, &why));
            }
            let parties = u64::try_from(args.int(1, 0)?).ok().filter(|parties| *parties > 0);
            let parties = parties.ok_or_else(|| PyError::value_error("parties must be > 0"))?;
            Make::Barrier { parties, patience: Patience::optional(&args, 3)?.duration() }
        }
        Kind::Value => containers::make_value(&bind(&VALUE)?)?,
        Kind::Array => containers::make_array(&bind(&ARRAY)?)?,
        Kind::Namespace => containers::make_namespace(request)?,
        Kind::List => containers::make_list(&bind(&LIST)?)?,
        Kind::Dict => containers::make_dict(request)?,
        Kind::Set => sets::make(&bind(&LIST)?)?,
        other => {
            return Err(PyError::type_error(format!("'{}' cannot be created", other.name())));
        }
    })
}

/// Whether an argument is not given, or None.
fn is_absent(args: &Arguments<'_>, at: usize) -> Result<bool, PyError> {
    // A lock or a function is no plain data, so it is there.
    Ok(args.get(at).is_none() || matches!(args.value(at), Ok(Some(Value::None))))
}
