//! An object with a name as the command line says it: `NAME:TYPE`, `NAME:TYPE=NUMBER`, and `,keep`
//! behind either.

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
        let (kind, number) = match what.split_once('=') {
            Some((kind, number)) => {
                let wrong = || format!("'{text}': {number} is no number of 0 or more");
                (kind, Some(number.parse::<u32>().map_err(|_| wrong())?))
            }
            None => (what, None),
        };
        let make = make(kind, number).map_err(|why| format!("'{text}': {why}"))?;
        if keep && !make.kind().can_be_kept() {
            return Err(format!(
                "'{text}': no {} outlives its manager, as it is about who is connected; hint: \
                 without keep, or one of {}",
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
        _ => return Err(unknown()),
    };
    match number {
        None => Ok(make),
        Some(number) => Err(format!("a {name} has no number, and this says {number}")),
    }
}

/// The types that there are.
fn all() -> String {
    list(|kind| !matches!(kind, Kind::Array | Kind::Iterator))
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
        ] {
            assert_eq!(text.parse::<ObjectSpec>().unwrap().kind(), kind);
        }
        for (text, why) in [
            ("config", "config:dict"),
            ("config:Dict", "BoundedSemaphore, Condition"),
            ("config:Pool", "no type 'Pool'"),
            ("config:Array", "no type 'Array'"),
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
