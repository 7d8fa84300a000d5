//! `list`, `dict`, `Value`, `Array`, `Namespace`: their methods, with CPython's arguments, as calls.

use super::arguments::Arguments;
use super::asked::{Asked, Reader, now, signature};
use super::error::PyError;
use super::iterables::{entries, entries_of, items, key, keys};
use super::numbers::{self, convert};
use super::same::{comparable, ordered, same};
use crate::limits::LIST_ITEMS_MAX;
use bytes::Bytes;
use piecework_state::{ArrayCall, DictCall, Key, ListCall, Make, NamespaceCall, ObjectCall, Slice};
use piecework_wire::request::Arg;
use piecework_wire::{Payload, Request, Value};

pub(super) static LIST: [Reader; 23] = [
    (signature("__getitem__", &["index"], 1), |args| match index(args, 0)? {
        At::Index(at) => list(ListCall::Get(at)),
        At::Slice(slice) => list(ListCall::GetSlice(slice)),
    }),
    (signature("__setitem__", &["index", "value"], 2), |args| match index(args, 0)? {
        At::Index(at) => list(ListCall::Set(at, bytes(args, 1)?)),
        At::Slice(slice) => list(ListCall::SetSlice(slice, items(args.required(1))?)),
    }),
    (signature("__delitem__", &["index"], 1), |args| match index(args, 0)? {
        At::Index(at) => list(ListCall::Delete(at)),
        At::Slice(slice) => list(ListCall::DeleteSlice(slice)),
    }),
    (signature("__len__", &[], 0), |_| list(ListCall::Len)),
    (signature("__contains__", &["value"], 1), |args| {
        list(ListCall::Contains(bytes(args, 0)?, same))
    }),
    (signature("__reversed__", &[], 0), |_| list(ListCall::Reversed)),
    (signature("__add__", &["other"], 1), |args| match args.required(0).value() {
        Ok(Value::List(_)) | Err(_) => list(ListCall::Plus(items(args.required(0))?)),
        Ok(other) => Err(PyError::type_error(format!(
            "can only concatenate list (not \"{}\") to list",
            super::arguments::type_name(&other)
        ))),
    }),
    (signature("__mul__", &["times"], 1), |args| list(ListCall::Times(args.int(0, 1)?))),
    (signature("__rmul__", &["times"], 1), |args| list(ListCall::Times(args.int(0, 1)?))),
    (signature("__imul__", &["times"], 1), |args| list(ListCall::TimesInPlace(args.int(0, 1)?))),
    (signature("append", &["object"], 1), |args| list(ListCall::Append(bytes(args, 0)?))),
    (signature("extend", &["iterable"], 1), |args| {
        list(ListCall::Extend(items(args.required(0))?))
    }),
    (signature("__iadd__", &["iterable"], 1), |args| {
        list(ListCall::Extend(items(args.required(0))?))
    }),
    (signature("insert", &["index", "object"], 2), |args| {
        list(ListCall::Insert(args.int(0, 0)?, bytes(args, 1)?))
    }),
    (signature("pop", &["index"], 0), |args| list(ListCall::Pop(args.int(0, -1)?))),
    (signature("clear", &[], 0), |_| list(ListCall::Clear)),
    (signature("copy", &[], 0), |_| list(ListCall::Copy)),
    (signature("reverse", &[], 0), |_| list(ListCall::Reverse)),
    (signature("count", &["value"], 1), |args| list(ListCall::Count(bytes(args, 0)?, same))),
    (signature("index", &["value", "start", "stop"], 1), |args| {
        let (start, stop) = (args.int(1, 0)?, args.int(2, i64::MAX)?);
        list(ListCall::Index(bytes(args, 0)?, start, stop, same))
    }),
    (signature("remove", &["value"], 1), |args| list(ListCall::Remove(bytes(args, 0)?, same))),
    (signature("sort", &["key", "reverse"], 0), |args| {
        if args.get(0).is_some_and(|key| !matches!(key.value(), Ok(Value::None))) {
            let why = "it would be run in the manager, which runs nothing; \
                       hint: l[:] = sorted(l[:], key=...)";
            return Err(args.wrong(0, &why));
        }
        list(ListCall::Sort { reverse: args.truth(1, false)?, key: ordered, comparable })
    }),
    (signature("#GETVALUE", &[], 0), |_| list(ListCall::Copy)),
];

pub(super) static DICT: [Reader; 22] = [
    (signature("__getitem__", &["key"], 1), |args| dict(DictCall::Item(key(args.required(0))?))),
    (signature("__setitem__", &["key", "value"], 2), |args| {
        dict(DictCall::Set(key(args.required(0))?, bytes(args, 1)?))
    }),
    (signature("__delitem__", &["key"], 1), |args| dict(DictCall::Delete(key(args.required(0))?))),
    (signature("__contains__", &["key"], 1), |args| {
        dict(DictCall::Contains(key(args.required(0))?))
    }),
    (signature("__iter__", &[], 0), |_| dict(DictCall::Iterate)),
    (signature("__len__", &[], 0), |_| dict(DictCall::Len)),
    (signature("clear", &[], 0), |_| dict(DictCall::Clear)),
    (signature("copy", &[], 0), |_| dict(DictCall::Copy)),
    (signature("get", &["key", "default"], 1), |args| {
        dict(DictCall::Get(key(args.required(0))?, optional(args, 1)?))
    }),
    (signature("items", &[], 0), |_| dict(DictCall::Items)),
    (signature("keys", &[], 0), |_| dict(DictCall::Keys)),
    (signature("values", &[], 0), |_| dict(DictCall::Values)),
    (signature("pop", &["key", "default"], 1), |args| {
        dict(DictCall::Pop(key(args.required(0))?, optional(args, 1)?))
    }),
    (signature("popitem", &[], 0), |_| dict(DictCall::PopItem)),
    (signature("setdefault", &["key", "default"], 1), |args| {
        let default = optional(args, 1)?.unwrap_or_else(none);
        dict(DictCall::SetDefault(key(args.required(0))?, default))
    }),
    // Takes any names, so it is read apart; here it is only known.
    (signature("update", &["other"], 0), |_| {
        dict(DictCall::Update { entries: Vec::new(), told: false })
    }),
    (signature("__ior__", &["other"], 1), |args| {
        dict(DictCall::Update { entries: entries_of(args.required(0))?, told: true })
    }),
    (signature("__or__", &["other"], 1), |args| {
        dict(DictCall::Merged(other_dict(args.required(0))?))
    }),
    (signature("__ror__", &["other"], 1), |args| {
        dict(DictCall::MergedInto(other_dict(args.required(0))?))
    }),
    (signature("fromkeys", &["iterable", "value"], 1), |args| {
        let value = optional(args, 1)?.unwrap_or_else(none);
        dict(DictCall::FromKeys(keys(args.required(0))?, value))
    }),
    (signature("__reversed__", &[], 0), |_| dict(DictCall::Reversed)),
    (signature("#GETVALUE", &[], 0), |_| dict(DictCall::Copy)),
];

pub(super) static VALUE: [Reader; 3] = [
    (signature("get", &[], 0), |_| now(ObjectCall::Get)),
    (signature("set", &["value"], 1), |args| now(ObjectCall::Put(bytes(args, 0)?))),
    (signature("#GETVALUE", &[], 0), |_| now(ObjectCall::Whole)),
];

pub(super) static ARRAY: [Reader; 4] = [
    (signature("__len__", &[], 0), |_| now(ObjectCall::Array(ArrayCall::Len))),
    (signature("__getitem__", &["index"], 1), |args| match index(args, 0)? {
        At::Index(at) => now(ObjectCall::Array(ArrayCall::Get(at))),
        At::Slice(slice) => now(ObjectCall::Array(ArrayCall::GetSlice(slice))),
    }),
    (signature("__setitem__", &["index", "value"], 2), |args| match index(args, 0)? {
        At::Index(at) => now(ObjectCall::Array(ArrayCall::Set(at, bytes(args, 1)?, convert))),
        At::Slice(slice) => {
            let (typecode, numbers) = array(args, 1)?;
            now(ObjectCall::Array(ArrayCall::SetSlice(slice, typecode, numbers)))
        }
    }),
    (signature("#GETVALUE", &[], 0), |_| {
        now(ObjectCall::Array(ArrayCall::GetSlice(Slice::default())))
    }),
];

pub(super) static NAMESPACE: [Reader; 4] = [
    (signature("__getattribute__", &["name"], 1), |args| {
        now(ObjectCall::Namespace(NamespaceCall::Get(args.text(0)?)))
    }),
    (signature("__setattr__", &["name", "value"], 2), |args| {
        now(ObjectCall::Namespace(NamespaceCall::Set(args.text(0)?, bytes(args, 1)?)))
    }),
    (signature("__delattr__", &["name"], 1), |args| {
        now(ObjectCall::Namespace(NamespaceCall::Delete(args.text(0)?)))
    }),
    (signature("#GETVALUE", &[], 0), |_| now(ObjectCall::Whole)),
];

pub(super) static ITERATOR: [Reader; 1] =
    [(signature("__next__", &[], 0), |_| now(ObjectCall::Next))];

/// The other side of `|`, which is a dict or nothing that a dict knows of.
fn other_dict(other: Arg<'_>) -> Result<Vec<(Key, Bytes)>, PyError> {
    match other.pairs(LIST_ITEMS_MAX) {
        Ok(_) => entries_of(other),
        Err(why) => Err(PyError::type_error(format!("unsupported operand type for |: {why}"))),
    }
}

/// The typecode and the numbers of an array.
fn array(args: &Arguments<'_>, at: usize) -> Result<(char, Vec<Bytes>), PyError> {
    let numbers = args.required(at).call().as_ref().and_then(numbers::of_array);
    numbers
        .ok_or_else(|| PyError::type_error("can only assign array (not \"list\") to array slice"))
}

fn list(call: ListCall) -> Result<Asked, PyError> {
    now(ObjectCall::List(call))
}

fn dict(call: DictCall) -> Result<Asked, PyError> {
    now(ObjectCall::Dict(call))
}

/// `update(other, **names)` of a dict.
pub(super) fn update(request: &Request<'_>) -> Result<Asked, PyError> {
    dict(DictCall::Update { entries: entries(request, 0)?, told: false })
}

/// What `create` is to make of a container, by the arguments behind the typeid.
pub(super) fn make_list(args: &Arguments<'_>) -> Result<Make, PyError> {
    Ok(Make::List(if args.get(1).is_some() { items(args.required(1))? } else { Vec::new() }))
}

pub(super) fn make_dict(request: &Request<'_>) -> Result<Make, PyError> {
    Ok(Make::Dict(entries(request, 1)?))
}

pub(super) fn make_namespace(request: &Request<'_>) -> Result<Make, PyError> {
    if request.len_args() > 1 {
        return Err(PyError::type_error("Namespace() takes no positional arguments"));
    }
    let named = request.kwarg_names().filter_map(|name| Some((name, request.kwarg(name)?)));
    let names = named.map(|(name, value)| Ok((name.to_owned(), value.payload()?.into_bytes())));
    Ok(Make::Namespace(names.collect::<Result<_, PyError>>()?))
}

pub(super) fn make_value(args: &Arguments<'_>) -> Result<Make, PyError> {
    Ok(Make::Value { typecode: bytes(args, 1)?, value: bytes(args, 2)? })
}

pub(super) fn make_array(args: &Arguments<'_>) -> Result<Make, PyError> {
    let typecode = args.text(1)?;
    let mut chars = typecode.chars();
    let typecode = match (chars.next(), chars.next()) {
        (Some(typecode), None) if numbers::is_typecode(typecode) => typecode,
        _ => {
            return Err(PyError::value_error(
                "bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)",
            ));
        }
    };
    let items = items(args.required(2))?;
    let numbers = items.iter().map(|number| convert(typecode, number));
    Ok(Make::Array { typecode, values: numbers.collect::<Result<_, _>>()? })
}

fn bytes(args: &Arguments<'_>, at: usize) -> Result<Bytes, PyError> {
    Ok(args.required(at).payload()?.into_bytes())
}

fn optional(args: &Arguments<'_>, at: usize) -> Result<Option<Bytes>, PyError> {
    Ok(args.get(at).map(|arg| arg.payload()).transpose()?.map(Payload::into_bytes))
}

fn none() -> Bytes {
    Payload::from_value(&Value::None).into_bytes()
}

/// Where something is in a list.
enum At {
    Index(i64),
    Slice(Slice),
}

fn index(args: &Arguments<'_>, at: usize) -> Result<At, PyError> {
    let arg = args.required(at);
    match arg.value() {
        Ok(Value::Int(index)) => return Ok(At::Index(index)),
        Ok(Value::Bool(truth)) => return Ok(At::Index(truth.into())),
        _ => {}
    }
    if let Ok(Value::Big(_)) = arg.value() {
        return Err(PyError::index_error("cannot fit 'int' into an index-sized integer"));
    }
    let wrong = || PyError::type_error("list indices must be integers or slices");
    let (class, parts) = arg.payload()?.call().ok_or_else(wrong)?;
    let part = |value: &Value| match value {
        Value::None => Ok(None),
        Value::Int(at) => Ok(Some(*at)),
        Value::Bool(truth) => Ok(Some(i64::from(*truth))),
        // Farther than any item, as Python takes it too.
        Value::Big(bytes) if bytes.last().is_some_and(|top| top & 0x80 != 0) => Ok(Some(i64::MIN)),
        Value::Big(_) => Ok(Some(i64::MAX)),
        _ => Err(PyError::type_error(
            "slice indices must be integers or None or have an __index__ method",
        )),
    };
    match (class.as_str(), &parts[..]) {
        ("builtins.slice" | "__builtin__.slice", [start, stop, step]) => {
            Ok(At::Slice(Slice { start: part(start)?, stop: part(stop)?, step: part(step)? }))
        }
        _ => Err(wrong()),
    }
}
