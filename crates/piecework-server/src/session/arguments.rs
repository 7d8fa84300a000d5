//! Arguments bound to names, as Python binds them; and what they must be.

use super::error::PyError;
use crate::limits::MANY_MAX;
use piecework_state::{Time, Wait};
use piecework_wire::request::Arg;
use piecework_wire::{Request, Value};
use std::time::Duration;

/// A method's parameters: the first `required` have no default.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) method: &'static str,
    pub(crate) names: &'static [&'static str],
    pub(crate) required: usize,
}

/// The arguments of one request, by parameter.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    class: &'static str,
    request: &'a Request<'a>,
    signature: &'a Signature,
}

impl<'a> Arguments<'a> {
    /// Binds positional and keyword arguments; a `TypeError` if they do not fit.
    pub(crate) fn bind(
        class: &'static str,
        request: &'a Request<'a>,
        signature: &'a Signature,
    ) -> Result<Self, PyError> {
        let Signature { method, names, required } = *signature;
        let given = request.len_args();
        if given > names.len() {
            let takes = names.len() + 1; // Python counts `self`
            let given = given + 1;
            return Err(PyError::type_error(format!(
                "{class}.{method}() takes at most {takes} positional arguments but {given} were given"
            )));
        }
        for keyword in request.kwarg_names() {
            let wrong = match names.iter().position(|name| *name == keyword) {
                None => "got an unexpected keyword argument",
                Some(at) if at < given => "got multiple values for argument",
                Some(_) => continue,
            };
            return Err(PyError::type_error(format!("{class}.{method}() {wrong} '{keyword}'")));
        }
        let missing = |name: &&&str| request.kwarg(name).is_none();
        if let Some(name) = names.iter().take(required).skip(given).find(missing) {
            return Err(PyError::type_error(format!(
                "{class}.{method}() missing 1 required positional argument: '{name}'"
            )));
        }
        Ok(Self { class, request, signature })
    }

    /// The argument for the parameter at this place, if one was given.
    pub(crate) fn get(&self, at: usize) -> Option<Arg<'a>> {
        let name = self.signature.names.get(at)?;
        self.request.arg(at).or_else(|| self.request.kwarg(name))
    }

    /// One that `bind` has seen to be there.
    pub(crate) fn required(&self, at: usize) -> Arg<'a> {
        self.get(at).expect("bind has checked the required arguments")
    }

    /// The argument as plain data.
    pub(crate) fn value(&self, at: usize) -> Result<Option<Value>, PyError> {
        match self.get(at) {
            Some(arg) => arg.value().map(Some).map_err(|why| self.wrong(at, &why)),
            None => Ok(None),
        }
    }

    /// Python's truth of the argument.
    pub(crate) fn truth(&self, at: usize, default: bool) -> Result<bool, PyError> {
        Ok(self.value(at)?.map_or(default, |value| is_true(&value)))
    }

    /// A number of seconds.
    pub(crate) fn seconds(&self, at: usize) -> Result<Duration, PyError> {
        let Some(value) = self.value(at)? else { return Ok(Duration::ZERO) };
        let seconds = number(&value).ok_or_else(|| self.wrong(at, &"expected seconds"))?;
        if seconds < 0.0 || seconds.is_nan() {
            return Err(self.wrong(at, &format!("expected 0 seconds or more, not {seconds}")));
        }
        Ok(duration(seconds))
    }

    /// A count of items, from 1.
    pub(crate) fn count(&self, at: usize) -> Result<usize, PyError> {
        match self.value(at)? {
            Some(Value::Int(count)) if count >= 1 => {
                Ok(usize::try_from(count).unwrap_or(MANY_MAX).min(MANY_MAX))
            }
            _ => Err(self.wrong(at, &"expected a count of at least 1")),
        }
    }

    /// An int.
    pub(crate) fn int(&self, at: usize, default: i64) -> Result<i64, PyError> {
        match self.value(at)? {
            None => Ok(default),
            Some(Value::Int(int)) => Ok(int),
            Some(Value::Bool(truth)) => Ok(i64::from(truth)),
            Some(_) => Err(self.wrong(at, &"expected an int")),
        }
    }

    /// A str.
    pub(crate) fn text(&self, at: usize) -> Result<String, PyError> {
        match self.value(at)? {
            Some(Value::Str(text)) => Ok(text),
            _ => Err(self.wrong(at, &"expected a str")),
        }
    }

    /// An id that a `lease` gave out.
    pub(crate) fn id(&self, at: usize) -> Result<u64, PyError> {
        let Some(Value::Int(id)) = self.value(at)? else {
            return Err(self.wrong(at, &"expected the id of a lease"));
        };
        u64::try_from(id).map_err(|_| self.wrong(at, &"expected the id of a lease"))
    }

    pub(crate) fn wrong(&self, at: usize, why: &dyn std::fmt::Display) -> PyError {
        let name = self.signature.names.get(at).copied().unwrap_or_default();
        PyError::type_error(format!("{}.{}(): {name}: {why}", self.class, self.signature.method))
    }
}

/// `block` and `timeout`, before it is known whether anybody looks at them.
#[derive(Clone, Debug)]
pub(crate) struct WaitArgs {
    pub(crate) block: bool,
    pub(crate) timeout: Option<Value>,
}

impl WaitArgs {
    pub(crate) const NO: Self = Self { block: false, timeout: None };

    pub(crate) fn read(arguments: &Arguments<'_>, block: usize) -> Result<Self, PyError> {
        let timeout = arguments.value(block + 1)?.filter(|timeout| !matches!(timeout, Value::None));
        Ok(Self { block: arguments.truth(block, true)?, timeout })
    }

    /// Until when to wait; CPython's `Queue.get` and `Queue.put` look at the timeout only if they
    /// may block.
    pub(crate) fn until(&self, now: Time) -> Result<Wait, PyError> {
        if !self.block {
            return Ok(Wait::No);
        }
        let Some(timeout) = &self.timeout else { return Ok(Wait::Forever) };
        let seconds = number(timeout).ok_or_else(|| {
            let kind = type_name(timeout);
            PyError::type_error(format!(
                "'<' not supported between instances of '{kind}' and 'int'"
            ))
        })?;
        match seconds {
            seconds if seconds < 0.0 || seconds.is_nan() => {
                Err(PyError::value_error("'timeout' must be a non-negative number"))
            }
            0.0 => Ok(Wait::No),
            f64::INFINITY => Ok(Wait::Forever),
            seconds => Ok(Wait::Until(now + duration(seconds))),
        }
    }
}

/// How long to wait for an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// So long.
    For(Duration),
    /// For as long as it takes.
    Endless,
}

impl Patience {
    /// `timeout=None`: as `Event.wait` has it. Less than nothing is nothing.
    pub(crate) fn optional(args: &Arguments<'_>, at: usize) -> Result<Self, PyError> {
        match args.value(at)? {
            None | Some(Value::None) => Ok(Self::Endless),
            Some(timeout) => {
                let seconds = number(&timeout).ok_or_else(|| {
                    let kind = type_name(&timeout);
                    PyError::type_error(format!(
                        "'>' not supported between instances of '{kind}' and 'int'"
                    ))
                })?;
                Ok(Self::of(seconds))
            }
        }
    }

    /// `blocking=True, timeout=-1`, as a lock has it.
    pub(crate) fn of_lock(args: &Arguments<'_>) -> Result<Self, PyError> {
        let blocking = args.truth(0, true)?;
        let seconds = match args.value(1)? {
            None => -1.0,
            Some(timeout) => number(&timeout).ok_or_else(|| {
                let kind = type_name(&timeout);
                PyError::type_error(format!("'{kind}' object cannot be interpreted as an integer"))
            })?,
        };
        match (blocking, seconds) {
            (false, -1.0) => Ok(Self::None),
            (false, _) => {
                Err(PyError::value_error("can't specify a timeout for a non-blocking call"))
            }
            (true, -1.0) => Ok(Self::Endless),
            (true, seconds) if seconds < 0.0 || seconds.is_nan() => {
                Err(PyError::value_error("timeout value must be a non-negative number"))
            }
            (true, seconds) => Ok(Self::of(seconds)),
        }
    }

    /// `blocking=True, timeout=None`, as a semaphore has it.
    pub(crate) fn of_semaphore(args: &Arguments<'_>) -> Result<Self, PyError> {
        match (args.truth(0, true)?, Self::optional(args, 1)?) {
            (true, patience) => Ok(patience),
            (false, Self::Endless) => Ok(Self::None),
            (false, _) => {
                Err(PyError::value_error("can't specify timeout for non-blocking acquire"))
            }
        }
    }

    fn of(seconds: f64) -> Self {
        match seconds {
            f64::INFINITY => Self::Endless,
            seconds if seconds > 0.0 => Self::For(duration(seconds)),
            _ => Self::None,
        }
    }

    /// How long that is, if it ends.
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Self::None => Some(Duration::ZERO),
            Self::For(duration) => Some(duration),
            Self::Endless => None,
        }
    }

    /// Until when that is.
    pub(crate) fn until(self, now: Time) -> Wait {
        match self {
            Self::None => Wait::No,
            Self::For(duration) => Wait::Until(now + duration),
            Self::Endless => Wait::Forever,
        }
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::None => false,
        Value::Bool(truth) => *truth,
        Value::Int(number) => *number != 0,
        Value::Big(_) => true,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::Bytes(bytes) => !bytes.is_empty(),
        Value::List(items) | Value::Tuple(items) => !items.is_empty(),
        Value::Dict(items) => !items.is_empty(),
    }
}

/// A number as Python's `float` would see it; a huge int is as good as infinite here.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Int(number) => Some(*number as f64),
        Value::Big(bytes) if bytes.last().is_some_and(|top| top & 0x80 != 0) => {
            Some(f64::NEG_INFINITY)
        }
        Value::Big(_) => Some(f64::INFINITY),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// Seconds that are not negative; what is too long to say is for ever.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Big(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "dict",
    }
}
