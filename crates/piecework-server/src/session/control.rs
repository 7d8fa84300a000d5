//! The first request of a connection: one call about handles or the manager, after which the
//! connection ends; or `accept_connection`, which makes it a main connection.

use super::arguments::{Arguments, Signature};
use super::asked;
use super::error::PyError;
use super::fault::Fault;
use super::methods::EXPOSED;
use super::proxied;
use super::shared;
use crate::hub::Hub;
use crate::limits::NAME_BYTES_MAX;
use crate::queue_spec::Payloads;
use crate::registry::Registered;
use bytes::{Bytes, BytesMut};
use piecework_state::{Group, Kind, Make, Peer, QueueOptions};
use piecework_wire::{Policy, Request, Value, may_hold_proxies, reply};

/// How native clients begin the name that they give in `accept_connection`.
const NATIVE_PREFIX: &str = "piecework/";

/// What the first request of a connection is.
#[derive(Debug)]
pub(crate) enum First {
    /// This becomes a main connection, with a session of this peer; the reply is in `out`.
    Open(Peer),
    /// One call; the connection ends with its reply.
    Control(Control),
    /// A call that needs nobody's decision; the reply is in `out`.
    Answered,
}

/// A call about handles or the manager.
#[derive(Debug)]
pub(crate) enum Control {
    Create { typeid: String, args: Box<CreateArgs> },
    Incref(String),
    Decref(String),
    NumberOfObjects,
    DebugInfo,
    ShutDown,
}

/// What `create` is given beside the typeid, which is judged by what that is.
#[derive(Debug)]
pub(crate) struct CreateArgs {
    /// Whether there is anything.
    some: bool,
    /// The options of an anonymous queue.
    anonymous: Result<QueueOptions, PyError>,
    /// What is to be made, where the typeid is that of an object.
    object: Option<Result<Make, PyError>>,
    /// The request, if that failed and there are proxies in it, of which the hub may know more.
    proxied: Option<Bytes>,
}

/// Reads the first request.
pub(crate) fn read(frame: &[u8], host: &str, out: &mut BytesMut) -> Result<First, Fault> {
    let request = Request::parse(frame)?;
    let first = read_first(frame, &request, host, out);
    Ok(first.unwrap_or_else(|error| {
        error.write(out);
        First::Answered
    }))
}

fn read_first(
    frame: &[u8],
    request: &Request<'_>,
    host: &str,
    out: &mut BytesMut,
) -> Result<First, PyError> {
    let control = match request.method() {
        "accept_connection" => {
            let name = text(request, "accept_connection", "name")?;
            reply::returned_none(out);
            return Ok(First::Open(peer(&name, host)));
        }
        "dummy" => {
            reply::returned_none(out);
            return Ok(First::Answered);
        }
        "get_methods" => {
            let ident = text(request, "get_methods", "ident")?;
            let exposed = shared::kind_of(&ident).map_or(EXPOSED.to_vec(), shared::exposed);
            let exposed = exposed.into_iter().map(|name| Value::Str(name.to_owned())).collect();
            reply::returned(out, &Value::Tuple(exposed));
            return Ok(First::Answered);
        }
        "create" => {
            let typeid = request.arg(0).map(|typeid| typeid.value()).transpose()?;
            let Some(Value::Str(typeid)) = typeid else {
                return Err(PyError::type_error("create: expected a typeid, a str"));
            };
            check_length("create", "typeid", &typeid)?;
            let some = request.len_args() > 1 || request.kwarg_names().len() > 0;
            let anonymous = anonymous_options(&typeid, request);
            let object = Kind::of(&typeid).map(|kind| shared::make(kind, request));
            let failed = matches!(object, Some(Err(_))) && may_hold_proxies(frame);
            let proxied = failed.then(|| Bytes::copy_from_slice(frame));
            let args = CreateArgs { some, anonymous, object, proxied };
            Control::Create { typeid, args: Box::new(args) }
        }
        "incref" => Control::Incref(text(request, "incref", "ident")?),
        "decref" => Control::Decref(text(request, "decref", "ident")?),
        "number_of_objects" => Control::NumberOfObjects,
        "debug_info" => Control::DebugInfo,
        "shutdown" => Control::ShutDown,
        other => {
            return Err(PyError::attribute_error(format!(
                "'{other}' is no request to a manager; hint: its ident and method are an object's"
            )));
        }
    };
    Ok(First::Control(control))
}

/// Who a client says it is in `accept_connection`.
fn peer(name: &str, host: &str) -> Peer {
    match name.starts_with(NATIVE_PREFIX) {
        true => Peer::native(name).at(host),
        false => Peer::stock(name, host),
    }
}

/// The one str argument of a request.
fn text(
    request: &Request<'_>,
    method: &'static str,
    name: &'static str,
) -> Result<String, PyError> {
    let given = request.arg(0).or_else(|| request.kwarg(name));
    match given.map(|arg| arg.value()).transpose()? {
        Some(Value::Str(text)) => check_length(method, name, &text).map(|()| text),
        _ => Err(PyError::type_error(format!("{method}: expected {name}, a str"))),
    }
}

/// Refuses what is too long for a name, without repeating it.
fn check_length(method: &str, what: &str, given: &str) -> Result<(), PyError> {
    match given.len() {
        len if len > NAME_BYTES_MAX => Err(PyError::value_error(format!(
            "{method}: a {what} of {len} bytes; at most {NAME_BYTES_MAX}"
        ))),
        _ => Ok(()),
    }
}

impl Control {
    /// Does it, and appends the reply; `group` tells the client's process group, if that is known.
    pub(crate) fn run(
        self,
        hub: &Hub,
        policy: Option<&Policy>,
        group: impl Fn() -> Option<Group>,
        may_shut_down: impl Fn() -> bool,
        out: &mut BytesMut,
    ) {
        let done = match self {
            Self::Create { typeid, args } => create(hub, policy, &typeid, *args, out)
                .map(|anonymous| anonymous.iter().for_each(|ident| hub.knows(ident, group()))),
            Self::Incref(ident) => hub.incref(&ident, group()).map_err(PyError::from).map(|()| {
                reply::returned_none(out);
            }),
            Self::Decref(ident) => hub.decref(&ident).map_err(PyError::from).map(|()| {
                reply::returned_none(out);
            }),
            Self::NumberOfObjects => {
                let count = hub.look(|state, _| state.handles());
                reply::returned(out, &Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
                Ok(())
            }
            Self::DebugInfo => {
                let handles = hub.look(|state, _| state.handle_list());
                let line = |(ident, refs)| {
                    format!("  {ident}:       refcount={refs}\n    an object of piecework")
                };
                let lines: Vec<String> = handles.into_iter().map(line).collect();
                reply::returned(out, &Value::Str(lines.join("\n")));
                Ok(())
            }
            Self::ShutDown => shut_down(hub, may_shut_down, out),
        };
        if let Err(error) = done {
            error.write(out);
        }
    }
}

/// Stops the manager, for whoever may do so.
pub(crate) fn shut_down(
    hub: &Hub,
    may_shut_down: impl Fn() -> bool,
    out: &mut BytesMut,
) -> Result<(), PyError> {
    if !may_shut_down() {
        return Err(PyError::permission_error(
            "shutdown: only a client of the manager's own machine and user may stop it; \
             hint: piecework serve --allow-shutdown lets every client",
        ));
    }
    reply::returned_none(out);
    hub.ask_to_stop();
    Ok(())
}

/// Gives out an ident; gives it back if it is of something anonymous.
fn create(
    hub: &Hub,
    policy: Option<&Policy>,
    typeid: &str,
    args: CreateArgs,
    out: &mut BytesMut,
) -> Result<Option<String>, PyError> {
    let ident = match hub.look_up(typeid) {
        Registered::Object(kind, payloads) => {
            let made = args.object.expect("its typeid is that of an object");
            let made = made.or_else(|error| {
                let again = |frame: Bytes| proxied::make(kind, &frame, |ident| hub.contents(ident));
                args.proxied.and_then(again).unwrap_or(Err(error))
            });
            let make = made?;
            let policy = policy.filter(|_| payloads == Payloads::Data);
            for payload in asked::payloads(&make.values()) {
                if let Some(Err(refused)) = policy.map(|policy| policy.check(&payload)) {
                    return Err(PyError::refused(&refused));
                }
                hub.pin(&payload.texts_beside_proxies());
            }
            let ident = hub.create_object(make)?;
            reply::created(out, &ident, &shared::exposed(kind));
            return Ok(Some(ident));
        }
        Registered::Shared(object, kind) => {
            if args.some {
                return Err(PyError::type_error(format!(
                    "create('{typeid}') takes no arguments: the {} exists already",
                    kind.name()
                )));
            }
            let ident = hub.create_on(object);
            reply::created(out, &ident, &shared::exposed(kind));
            return Ok(None);
        }
        Registered::Named(queue) => {
            if args.some {
                return Err(PyError::type_error(format!(
                    "create('{typeid}') takes no arguments: the queue exists already"
                )));
            }
            reply::created(out, &hub.create(queue), &EXPOSED);
            return Ok(None);
        }
        Registered::Anonymous => hub.create_anonymous(typeid, args.anonymous?)?,
        Registered::Refused(why) => {
            return Err(PyError::type_error(format!("typeid '{typeid}': {why}")));
        }
        Registered::Unknown(known) => {
            return Err(PyError::key_error(format!(
                "no typeid '{typeid}'; hint: registered are {}, Queue, JoinableQueue",
                known.join(", ")
            )));
        }
    };
    reply::created(out, &ident, &EXPOSED);
    Ok(Some(ident))
}

/// `Queue(maxsize=0)`.
fn anonymous_options(typeid: &str, request: &Request<'_>) -> Result<QueueOptions, PyError> {
    const CREATE: Signature =
        Signature { method: "create", names: &["typeid", "maxsize"], required: 1 };
    let maxsize = match Arguments::bind("Queue", request, &CREATE)?.value(1)? {
        None => 0,
        // To Python, a bound below 1 is none.
        Some(Value::Int(maxsize)) => usize::try_from(maxsize).unwrap_or(0),
        Some(other) => {
            return Err(PyError::type_error(format!("{typeid}(maxsize={other}): expected an int")));
        }
    };
    Ok(QueueOptions { maxsize, ..QueueOptions::default() })
}
