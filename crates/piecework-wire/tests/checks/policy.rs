//! The policy: no name that an unpickler would import is passed over, and nothing more is let in.
//! Whom a payload is handed to imports what it said when it came in.
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use piecework_wire::{Payload, Policy};

use super::unpickler::{Asked, imports};

/// What unpicklers import at protocols 0 to 2 for Python 2's names.
const RENAMED: &str = include_str!("../../src/pickle/policy/python2.txt");
const PROTO_OF_PYTHON_3: u8 = 3;

/// The bytes as a pickle that is put.
pub fn check(data: &[u8]) {
    let Ok(payload) = Payload::from_pickle(data) else { return };
    assert_eq!(Policy::any().check(&payload), Ok(()));
    let asked = imports(&payload.to_pickle());
    // Without the memo numbers that nobody reads it may get further than it would have.
    assert!(asked.starts_with(&imports(data)), "lifting changes what is imported");
    let mut told = BTreeSet::new();
    let seen = Policy::imports(&payload, |import| {
        let (module, name) = import.asked;
        told.insert((module.to_owned(), name.to_owned()));
    });
    let is_let_in = Policy::data().check(&payload).is_ok();
    assert!(!is_let_in || seen.is_ok(), "it is let in, though not all of it can be told");
    if seen.is_err() {
        return;
    }
    for Asked { proto, module, name } in asked {
        let asked = (module.to_string(), name.to_string());
        assert!(told.contains(&asked), "{asked:?} is imported unseen");
        assert!(!is_let_in || is_listed(proto, &asked), "{asked:?} is let in, but not listed");
    }
}

fn is_listed(proto: u8, asked: &(String, String)) -> bool {
    static LIST: LazyLock<BTreeSet<(&str, &str)>> =
        LazyLock::new(|| Policy::built_in().map(|(module, name, _)| (module, name)).collect());
    let asked = (asked.0.as_str(), asked.1.as_str());
    LIST.contains(&if proto < PROTO_OF_PYTHON_3 { of_python_3(asked) } else { asked })
}

fn of_python_3<'a>(asked: (&'a str, &'a str)) -> (&'a str, &'a str) {
    static NAMES: LazyLock<HashMap<&str, &str>> =
        LazyLock::new(|| RENAMED.lines().filter_map(|line| line.split_once(" -> ")).collect());
    let (module, name) = asked;
    if let Some(renamed) = NAMES.get(&*format!("{module} {name}")) {
        return renamed.split_once(' ').expect("a name for a name");
    }
    (NAMES.get(module).copied().unwrap_or(module), name)
}
