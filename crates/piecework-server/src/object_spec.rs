//! An object with a name as the command line says it: `NAME:TYPE`, or `NAME:TYPE=NUMBER`.

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

    pub(crate) fn typeids(&self) -> [String; 2] {
        [self.name.clone(), format!("get_{}", self.name)]
    }
}

impl FromStr for ObjectSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, what)) = text.split_once(':') else {
            return Err(format!("'{text}': a type is due; hint: {text}:dict, or one of {}", all()));
        };
        let name = checked_name(name)?.to_owned();
        let (kind, number) = match what.split_once('=') {
            Some((kind, number)) => {
                let wrong = || format!("'{text}': {number} is no number of 0 or more");
                (kind, Some(number.parse::<u32>().map_err(|_| wrong())?))
            }
            None => (what, None),
        };
        let make = make(kind, number).map_err(|why| format!("'{text}': {why}"))?;
        Ok(Self { name, make })
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
    let is_one = |kind: &Kind| !matches!(kind, Kind::Array | Kind::Iterator);
    let mut all: Vec<_> = Kind::ALL.into_iter().filter(is_one).map(Kind::name).collect();
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
        ] {
            let error = text.parse::<ObjectSpec>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
