//! `set`: its methods, with CPython's arguments, as calls.

use super::arguments::Arguments;
use super::asked::{Asked, Reader, now, signature};
use super::error::PyError;
use super::iterables::{key, keys};
use crate::limits::LIST_ITEMS_MAX;
use piecework_state::{Key, Make, Mix, ObjectCall, Relation, SetCall};
use piecework_wire::Request;
use piecework_wire::request::Arg;

pub(super) static SET: [Reader; 37] = [
    (signature("__contains__", &["element"], 1), |args| {
        set(SetCall::Contains(key(args.required(0))?))
    }),
    (signature("__iter__", &[], 0), |_| set(SetCall::Iterate)),
    (signature("__len__", &[], 0), |_| set(SetCall::Len)),
    (signature("add", &["element"], 1), |args| set(SetCall::Add(key(args.required(0))?))),
    (signature("clear", &[], 0), |_| set(SetCall::Clear)),
    (signature("copy", &[], 0), |_| set(SetCall::Copy)),
    (signature("discard", &["element"], 1), |args| set(SetCall::Discard(key(args.required(0))?))),
    (signature("pop", &[], 0), |_| set(SetCall::Pop)),
    (signature("remove", &["element"], 1), |args| set(SetCall::Remove(key(args.required(0))?))),
    (signature("__and__", &["other"], 1), |args| mixed(args, Mix::Intersection)),
    (signature("__or__", &["other"], 1), |args| mixed(args, Mix::Union)),
    (signature("__sub__", &["other"], 1), |args| mixed(args, Mix::Difference)),
    (signature("__xor__", &["other"], 1), |args| mixed(args, Mix::SymmetricDifference)),
    (signature("__rand__", &["other"], 1), |args| mixed_into(args, Mix::Intersection)),
    (signature("__ror__", &["other"], 1), |args| mixed_into(args, Mix::Union)),
    (signature("__rsub__", &["other"], 1), |args| mixed_into(args, Mix::Difference)),
    (signature("__rxor__", &["other"], 1), |args| mixed_into(args, Mix::SymmetricDifference)),
    (signature("__iand__", &["other"], 1), |args| mix(args, Mix::Intersection)),
    (signature("__ior__", &["other"], 1), |args| mix(args, Mix::Union)),
    (signature("__isub__", &["other"], 1), |args| mix(args, Mix::Difference)),
    (signature("__ixor__", &["other"], 1), |args| mix(args, Mix::SymmetricDifference)),
    (signature("__ge__", &["other"], 1), |args| is(Relation::Around, other(args)?)),
    (signature("__gt__", &["other"], 1), |args| is(Relation::AroundLess, other(args)?)),
    (signature("__le__", &["other"], 1), |args| is(Relation::Within, other(args)?)),
    (signature("__lt__", &["other"], 1), |args| is(Relation::WithinMore, other(args)?)),
    (signature("isdisjoint", &["other"], 1), |args| {
        is(Relation::Disjoint, keys(args.required(0))?)
    }),
    (signature("issubset", &["other"], 1), |args| is(Relation::Within, keys(args.required(0))?)),
    (signature("issuperset", &["other"], 1), |args| is(Relation::Around, keys(args.required(0))?)),
    (signature("symmetric_difference", &["other"], 1), |args| {
        set(SetCall::Mixed(Mix::SymmetricDifference, vec![keys(args.required(0))?]))
    }),
    (signature("symmetric_difference_update", &["other"], 1), |args| {
        let others = vec![keys(args.required(0))?];
        set(SetCall::Mix { how: Mix::SymmetricDifference, others, told: false })
    }),
    // These take any number of others, so they are read apart; here they are only known.
    (signature("difference", &[], 0), |_| set(SetCall::Copy)),
    (signature("difference_update", &[], 0), |_| set(SetCall::Copy)),
    (signature("intersection", &[], 0), |_| set(SetCall::Copy)),
    (signature("intersection_update", &[], 0), |_| set(SetCall::Copy)),
    (signature("union", &[], 0), |_| set(SetCall::Copy)),
    (signature("update", &[], 0), |_| set(SetCall::Copy)),
    (signature("#GETVALUE", &[], 0), |_| set(SetCall::Copy)),
];

fn set(call: SetCall) -> Result<Asked, PyError> {
    now(ObjectCall::InSet(call))
}

/// A method that takes any number of others; nothing if this is none.
pub(super) fn of_many(request: &Request<'_>) -> Option<Result<Asked, PyError>> {
    let (how, changes) = match request.method() {
        "difference" => (Mix::Difference, false),
        "difference_update" => (Mix::Difference, true),
        "intersection" => (Mix::Intersection, false),
        "intersection_update" => (Mix::Intersection, true),
        "union" => (Mix::Union, false),
        "update" => (Mix::Union, true),
        _ => return None,
    };
    if request.kwarg_names().len() > 0 {
        let method = request.method();
        return Some(Err(PyError::type_error(format!(
            "set.{method}() takes no keyword arguments"
        ))));
    }
    let others: Result<Vec<_>, _> = request.args().map(keys).collect();
    Some(others.and_then(|others| match changes {
        true => set(SetCall::Mix { how, others, told: false }),
        false => set(SetCall::Mixed(how, others)),
    }))
}

/// `s | other` and its like.
fn mixed(args: &Arguments<'_>, how: Mix) -> Result<Asked, PyError> {
    set(SetCall::Mixed(how, vec![other(args)?]))
}

/// `other | s` and its like.
fn mixed_into(args: &Arguments<'_>, how: Mix) -> Result<Asked, PyError> {
    set(SetCall::MixedInto(how, other(args)?))
}

/// `s |= other` and its like.
fn mix(args: &Arguments<'_>, how: Mix) -> Result<Asked, PyError> {
    set(SetCall::Mix { how, others: vec![other(args)?], told: true })
}

fn is(relation: Relation, other: Vec<Key>) -> Result<Asked, PyError> {
    set(SetCall::Is(relation, other))
}

/// The other side of an operator, which Python wants to be a set.
fn other(args: &Arguments<'_>) -> Result<Vec<Key>, PyError> {
    let other: Arg<'_> = args.required(0);
    match other.set_elements(LIST_ITEMS_MAX) {
        Ok(_) => keys(other),
        Err(why) => Err(args.wrong(0, &format!("{why}; hint: set(...) of it, or a method"))),
    }
}

/// What `create` is to make of a set.
pub(super) fn make(args: &Arguments<'_>) -> Result<Make, PyError> {
    Ok(Make::Set(args.get(1).map_or_else(|| Ok(Vec::new()), keys)?))
}
