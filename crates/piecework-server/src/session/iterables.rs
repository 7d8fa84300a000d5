//! What can be iterated over without running code, and the keys of dicts and sets that come of it.

use super::error::PyError;
use super::numbers;
use super::same::{same, unhashable};
use crate::limits::LIST_ITEMS_MAX;
use bytes::Bytes;
use piecework_state::Key;
use piecework_wire::request::Arg;
use piecework_wire::{Payload, Request, Value};
use std::iter::successors;

/// What can be iterated over without running code: a list, tuple or set, the letters of a str, the
/// keys of a dict, the numbers of bytes, of an array or of a range.
pub(super) fn items(arg: Arg<'_>) -> Result<Vec<Bytes>, PyError> {
    let elements = arg.elements(LIST_ITEMS_MAX).or_else(|_| arg.set_elements(LIST_ITEMS_MAX));
    if let Ok(elements) = elements {
        return Ok(elements.into_iter().map(Payload::into_bytes).collect());
    }
    let values: Vec<Value> = match arg.value() {
        Ok(Value::Str(text)) => text.chars().map(|c| Value::Str(c.to_string())).collect(),
        Ok(Value::Bytes(bytes)) => bytes.iter().map(|byte| Value::Int((*byte).into())).collect(),
        Ok(Value::Dict(entries)) => entries.into_iter().map(|(key, _)| key).collect(),
        Ok(other) => {
            let kind = super::arguments::type_name(&other);
            return Err(PyError::type_error(format!("'{kind}' object is not iterable")));
        }
        Err(why) => {
            if let Some((_, numbers)) = arg.call().as_ref().and_then(numbers::of_array) {
                return Ok(numbers);
            }
            let range = arg.payload()?.call().as_ref().and_then(range_of);
            range.ok_or_else(|| {
                let hint = "hint: send list(...) of it";
                PyError::type_error(format!("it cannot be iterated over here: {why}; {hint}"))
            })?
        }
    };
    Ok(values.iter().map(|value| Payload::from_value(value).into_bytes()).collect())
}

/// The numbers of a range, which is pickled as the call that makes it.
fn range_of((class, parts): &(String, Vec<Value>)) -> Option<Vec<Value>> {
    let (
        "builtins.range" | "__builtin__.xrange",
        [Value::Int(start), Value::Int(stop), Value::Int(step)],
    ) = (class.as_str(), &parts[..])
    else {
        return None;
    };
    let is_within = |at: &i64| if *step > 0 { at < stop } else { at > stop };
    let numbers = successors(Some(*start), |at| at.checked_add(*step)).take_while(is_within);
    let numbers: Vec<_> = numbers.take(LIST_ITEMS_MAX + 1).map(Value::Int).collect();
    (numbers.len() <= LIST_ITEMS_MAX).then_some(numbers)
}

/// The same as keys of a dict or elements of a set.
pub(super) fn keys(arg: Arg<'_>) -> Result<Vec<Key>, PyError> {
    items(arg)?.into_iter().map(|item| key_of(&Payload::from_bytes(item)?)).collect()
}

/// The entries that a dict is made of: a dict or a list of pairs, then names.
pub(super) fn entries(request: &Request<'_>, first: usize) -> Result<Vec<(Key, Bytes)>, PyError> {
    if request.len_args() > first + 1 {
        let given = request.len_args() - first;
        return Err(PyError::type_error(format!("dict expected at most 1 argument, got {given}")));
    }
    let mut all = request.arg(first).map_or_else(|| Ok(Vec::new()), entries_of)?;
    for name in request.kwarg_names() {
        let Some(value) = request.kwarg(name) else { continue };
        let key = key_of(&Payload::from_value(&Value::from(name)))?;
        all.push((key, value.payload()?.into_bytes()));
    }
    Ok(all)
}

/// The same of one argument.
pub(super) fn entries_of(other: Arg<'_>) -> Result<Vec<(Key, Bytes)>, PyError> {
    let pairs = match other.pairs(LIST_ITEMS_MAX) {
        Ok(pairs) => pairs,
        Err(_) => pairs_of_list(other)?,
    };
    pairs.into_iter().map(|[key, value]| Ok((key_of(&key)?, value.into_bytes()))).collect()
}

fn pairs_of_list(list: Arg<'_>) -> Result<Vec<[Payload; 2]>, PyError> {
    let wrong = || {
        PyError::type_error(
            "a dict is made of a dict, or of a list of pairs; hint: send dict(...) of it",
        )
    };
    let pair = |(at, pair): (usize, Payload)| {
        let parts = pair.elements(LIST_ITEMS_MAX).map_err(|_| wrong())?;
        parts.try_into().map_err(|parts: Vec<_>| {
            let len = parts.len();
            PyError::value_error(format!(
                "dictionary update sequence element #{at} has length {len}; 2 is required"
            ))
        })
    };
    let pairs = list.elements(LIST_ITEMS_MAX).map_err(|_| wrong())?;
    pairs.into_iter().enumerate().map(pair).collect()
}

/// A key, if it can be one.
pub(super) fn key(arg: Arg<'_>) -> Result<Key, PyError> {
    key_of(&arg.payload()?)
}

fn key_of(payload: &Payload) -> Result<Key, PyError> {
    let bytes = payload.clone().into_bytes();
    let same = same(&bytes).map_err(PyError::from)?;
    if let Some(kind) = payload.value().ok().as_ref().and_then(unhashable) {
        return Err(PyError::type_error(format!("unhashable type: '{kind}'")));
    }
    Ok(Key { same, bytes })
}
