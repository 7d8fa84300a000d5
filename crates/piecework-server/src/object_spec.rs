//! An object with a name as the command line says it: `NAME:TYPE`, `NAME:TYPE=NUMBER`, of an array
//! `NAME:Array=TYPECODE:NUMBER`, and `,keep` behind any.

use crate::limits::LIST_ITEMS_MAX;
use crate::queue_spec::checked_name;
use piecework_state::{Kind, Make};
use piecework_wire::{Payload, Value};
use std::str::FromStr;

/// An object that all clients share under one name, beside the queues.
///
/// ```
/// use piecework_server::ObjectSpec;
///
/// let spec: ObjectSpec = "licences:Semaphore=4".parse()?;
/// assert_eq!((spec.name(), spec.kind()), ("licences", "Semaphore"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct ObjectSpec {
    name: String,
    pub(crate) make: Make,
    /// Whether what is in it outlives the manager.
    pub(crate) keep: bool,
}

impl ObjectSpec {
    /// What it is called: typeids `NAME` and `get_NAME` lead to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The typeid of `SyncManager` that makes such an object.
    pub fn kind(&self) -> &'static str {
        self.make.kind().name()
    }

    /// What leads to an object of that name.
    pub(crate) fn typeids_of(name: &str) -> [String; 2] {
        [name.to_owned(), format!("get_{name}")]
    }
}

impl FromStr for ObjectSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, what)) = text.split_once(':') else {
            return Err(format!("'{text}': a type is due; hint: {text}:dict, or one of {}", all()));
        };
        let name = checked_name(name)?.to_owned();
        let (what, keep) = match what.split_once(',') {
            None => (what, false),
            Some((what, "keep")) => (what, true),
            Some((_, option)) => {
                return Err(format!("'{text}': unknown option '{option}'; hint: keep"));
            }
        };
        let array = what.strip_prefix("Array=").and_then(|what| what.split_once(':'));
        if let Some((typecode, len)) = array {
            let make = array_of(typecode, len).map_err(|why| format!("'{text}': {why}"))?;
            return Self::checked(text, name, make, keep);
        }
        let (kind, number) = match what.split_once('=') {
            Some((kind, number)) => {
                let wrong = || format!("'{text}': {number} is no number of 0 or more");
                (kind, Some(number.parse::<u32>().map_err(|_| wrong())?))
            }
            None => (what, None),
        };
        let make = make(kind, number).map_err(|why| format!("'{text}': {why}"))?;
        Self::checked(text, name, make, keep)
    }
}

impl ObjectSpec {
    fn checked(text: &str, name: String, make: Make, keep: bool) -> Result<Self, String> {
        if keep && !make.kind().can_be_kept() {
            return Err(format!(
                "'{text}': no {} outlives its manager; hint: without keep, or one of {}",
                make.kind().name(),
                list(Kind::can_be_kept)
            ));
        }
        Ok(Self { name, make, keep })
    }
}

fn make(name: &str, number: Option<u32>) -> Result<Make, String> {
    let unknown = || format!("there is no type '{name}'; hint: one of {}", all());
    let kind = Kind::of(name).ok_or_else(unknown)?;
    let pickled = |value: &Value| Payload::from_value(value).into_bytes();
    let make = match kind {
        Kind::Semaphore | Kind::BoundedSemaphore => {
            let bounded = kind == Kind::BoundedSemaphore;
            return Ok(Make::Semaphore { permits: number.unwrap_or(1).into(), bounded });
        }
        Kind::Barrier => {
            let parties = number.filter(|parties| *parties > 0);
            let parties = parties.ok_or("how many parties? hint: NAME:Barrier=3")?.into();
            return Ok(Make::Barrier { parties, patience: None });
        }
        Kind::Value => {
            let value = Value::Int(number.unwrap_or(0).into());
            let typecode = pickled(&"i".into());
            return Ok(Make::Value { typecode, value: pickled(&value) });
        }
        Kind::Lock | Kind::RLock => Make::Lock { reentrant: kind == Kind::RLock },
        Kind::Event => Make::Event,
        Kind::Condition => Make::Condition,
        Kind::Namespace => Make::Namespace(Vec::new()),
        Kind::List => Make::List(Vec::new()),
        Kind::Dict => Make::Dict(Vec::new()),
        Kind::Set => Make::Set(Vec::new()),
        Kind::Array => {
            return Err("of what? hint: NAME:Array=d:1000, a thousand doubles".to_owned());
        }
        _ => return Err(unknown()),
    };
    match number {
        None => Ok(make),
        Some(number) => Err(format!("a {name} has no number, and this says {number}")),
    }
}

/// So many zeros of a typecode of Python's `array`.
fn array_of(typecode: &str, len: &str) -> Result<Make, String> {
    let wrong =
        || format!("there is no typecode '{typecode}' of numbers; hint: i for ints, d for doubles");
    let mut codes = typecode.chars();
    let (Some(code), None) = (codes.next(), codes.next()) else { return Err(wrong()) };
    let zero = match code {
        'f' | 'd' => Value::Float(0.0),
        'b' | 'B' | 'h' | 'H' | 'i' | 'I' | 'l' | 'L' | 'q' | 'Q' => Value::Int(0),
        _ => return Err(wrong()),
    };
    let len = len.parse::<usize>().ok().filter(|len| *len <= LIST_ITEMS_MAX);
    let len = len.ok_or_else(|| format!("an array has 0 to {LIST_ITEMS_MAX} numbers"))?;
    let zero = Payload::from_value(&zero).into_bytes();
    Ok(Make::Array { typecode: code, values: vec![zero; len] })
}

/// The types that there are.
fn all() -> String {
    list(|kind| kind != Kind::Iterator)
}

fn list(is_one: fn(Kind) -> bool) -> String {
    let all = Kind::ALL.into_iter().filter(|kind| is_one(*kind));
    let mut all: Vec<_> = all.map(Kind::name).collect();
    all.sort_unstable();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_type_are_said_and_a_number_where_it_means_something() {
        for (text, kind) in [
            ("config:dict", "dict"),
            ("seen:set", "set"),
            ("a.b:Lock", "Lock"),
            ("gate:Barrier=3", "Barrier"),
            ("n:Value=7", "Value"),
            ("licences:BoundedSemaphore=4", "BoundedSemaphore"),
            ("table:dict,keep", "dict"),
            ("n:Value=7,keep", "Value"),
            ("samples:Array=d:1000", "Array"),
            ("none:Array=i:0", "Array"),
        ] {
            assert_eq!(text.parse::<ObjectSpec>().unwrap().kind(), kind);
        }
        for (text, why) in [
            ("config", "config:dict"),
            ("config:Dict", "BoundedSemaphore, Condition"),
            ("config:Pool", "no type 'Pool'"),
            ("config:Array", "a thousand doubles"),
            ("config:Array=7", "a thousand doubles"),
            ("config:Array=x:7", "no typecode 'x'"),
            ("config:Array=ii:7", "no typecode 'ii'"),
            ("config:Array=i:-1", "0 to"),
            ("config:Array=i:7,keep", "no Array outlives"),
            ("gate:Barrier", "how many parties"),
            ("gate:Barrier=0", "how many parties"),
            ("lock:Lock=2", "has no number"),
            ("n:Value=x", "no number"),
            ("a b:dict", "no name"),
            ("config:dict,kept", "unknown option 'kept'; hint: keep"),
            ("lock:Lock,keep", "no Lock outlives its manager"),
            ("lock:Lock,keep", "one of Namespace, Value, dict, list, set"),
        ] {
            let error = text.parse::<ObjectSpec>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
