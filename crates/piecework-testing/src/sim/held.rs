//! What a container holds, in the simplest words there are, and what calls on it come to.

use super::random::Random;
use bytes::Bytes;
use piecework_state::{DictCall, Key, ListCall, Make, ObjectCall, Reply, SetCall, Shown};

/// So few that most calls meet what is there.
const LETTERS: u64 = 5;

/// What an object holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    List(Vec<u8>),
    Dict(Vec<(u8, u8)>),
    Set(Vec<u8>),
    Value(u8),
}

fn letter(letter: u8) -> Bytes {
    vec![letter].into()
}

fn key(letter: u8) -> Key {
    Key { same: Some(vec![letter].into()), bytes: vec![letter].into() }
}

impl Held {
    /// What is made, and what it holds: nothing yet.
    pub(super) fn any(random: &mut Random) -> (Make, Self) {
        match random.below(4) {
            0 => (Make::List(Vec::new()), Self::List(Vec::new())),
            1 => (Make::Dict(Vec::new()), Self::Dict(Vec::new())),
            2 => (Make::Set(Vec::new()), Self::Set(Vec::new())),
            _ => {
                let make = Make::Value { typecode: letter(b'i'), value: letter(b'a') };
                (make, Self::Value(b'a'))
            }
        }
    }

    /// What the object shows that holds this.
    pub(super) fn told(&self) -> Shown {
        let letters = |letters: &[u8]| letters.iter().map(|it| letter(*it)).collect();
        match self {
            Self::List(items) => Shown::List(letters(items)),
            Self::Dict(entries) => {
                let pairs = entries.iter().map(|(key, value)| [letter(*key), letter(*value)]);
                Shown::Dict(pairs.collect())
            }
            Self::Set(elements) => Shown::Set(letters(elements)),
            Self::Value(value) => Shown::Value([letter(b'i'), letter(*value)]),
        }
    }

    /// A call, and what it comes to.
    pub(super) fn call(&mut self, random: &mut Random) -> (ObjectCall, String) {
        let [a, b] = [(); 2].map(|()| b'a' + u8::try_from(random.below(LETTERS)).expect("few"));
        let kind = random.below(5);
        match self {
            Self::List(items) => on_list(items, kind, a),
            Self::Dict(entries) => on_dict(entries, kind, a, b),
            Self::Set(elements) => on_set(elements, kind, a),
            Self::Value(value) => match kind {
                0..=2 => (ObjectCall::Get, shown(*value)),
                _ => {
                    *value = a;
                    (ObjectCall::Put(letter(a)), "None".to_owned())
                }
            },
        }
    }
}

fn on_list(items: &mut Vec<u8>, kind: u64, a: u8) -> (ObjectCall, String) {
    let (call, told) = match kind {
        0 => {
            items.push(a);
            (ListCall::Append(letter(a)), "None".to_owned())
        }
        1 => {
            let at = usize::from(a % 4).min(items.len());
            items.insert(at, a);
            (ListCall::Insert(at as i64, letter(a)), "None".to_owned())
        }
        2 => (ListCall::Pop(-1), items.pop().map_or("an error".to_owned(), shown)),
        3 if a == b'a' => {
            items.reverse();
            (ListCall::Reverse, "None".to_owned())
        }
        3 => (ListCall::Get(0), items.first().map_or("an error".to_owned(), |it| shown(*it))),
        _ => (ListCall::Len, items.len().to_string()),
    };
    (ObjectCall::List(call), told)
}

fn on_dict(entries: &mut Vec<(u8, u8)>, kind: u64, a: u8, b: u8) -> (ObjectCall, String) {
    let missing = || "an error".to_owned();
    let found = entries.iter_mut().find(|(key, _)| *key == a);
    let (call, told) = match kind {
        0 | 1 => {
            match found {
                Some((_, value)) => *value = b,
                None => entries.push((a, b)),
            }
            (DictCall::Set(key(a), letter(b)), "None".to_owned())
        }
        2 => {
            let told = found.map_or_else(missing, |(_, value)| shown(*value));
            entries.retain(|(key, _)| *key != a);
            (DictCall::Pop(key(a), None), told)
        }
        3 => {
            let told = found.map_or_else(missing, |(_, value)| shown(*value));
            (DictCall::Item(key(a)), told)
        }
        _ => (DictCall::Len, entries.len().to_string()),
    };
    (ObjectCall::Dict(call), told)
}

fn on_set(elements: &mut Vec<u8>, kind: u64, a: u8) -> (ObjectCall, String) {
    let found = elements.iter().position(|element| *element == a);
    let (call, told) = match kind {
        0 | 1 => {
            if found.is_none() {
                elements.push(a);
            }
            (SetCall::Add(key(a)), "None".to_owned())
        }
        2 => {
            let told = found.map_or("an error".to_owned(), |at| {
                elements.remove(at);
                "None".to_owned()
            });
            (SetCall::Remove(key(a)), told)
        }
        3 => {
            let told = if found.is_some() { "True" } else { "False" };
            (SetCall::Contains(key(a)), told.to_owned())
        }
        _ => (SetCall::Len, elements.len().to_string()),
    };
    (ObjectCall::InSet(call), told)
}

fn shown(letter: u8) -> String {
    char::from(letter).to_string()
}

pub(super) fn words(reply: Option<&Reply>) -> String {
    match reply {
        Some(Reply::None) => "None".to_owned(),
        Some(Reply::Bool(true)) => "True".to_owned(),
        Some(Reply::Bool(false)) => "False".to_owned(),
        Some(Reply::Count(count)) => count.to_string(),
        Some(Reply::Value(value)) => String::from_utf8_lossy(value).into_owned(),
        Some(Reply::Error(_)) => "an error".to_owned(),
        other => panic!("{other:?} is no reply of a container"),
    }
}
