//! What a program asks of `piecework exec`, and the answers: one line of JSON each.

use std::collections::HashSet;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// One line from the program.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Request {
    /// Serve these queues until the connection ends.
    Serve(Offer),
    /// Stop that, and say so when the address is free.
    Stop,
}

/// What one manager of the program registers, and where it wants to be found.
#[derive(Debug, Deserialize)]
pub(crate) struct Offer {
    /// The address as the program wrote it.
    pub(crate) address: Address,
    /// The key in hexadecimal digits; a program may choose any bytes.
    pub(crate) authkey: String,
    /// Queue objects, each with the typeids that lead to it.
    pub(crate) queues: Vec<Shared>,
    /// Typeids that make a new queue each time.
    pub(crate) each: Vec<String>,
    /// Typeids that give something else.
    pub(crate) refused: Vec<Refused>,
}

/// An address in Python's form.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Address {
    /// Host, empty for all of this machine, and port, 0 for a free one.
    Tcp(String, u16),
    /// The path of a Unix socket; one that begins with a zero byte is in Linux's abstract namespace.
    Unix(String),
}

/// One queue object.
#[derive(Debug, Deserialize)]
pub(crate) struct Shared {
    pub(crate) typeids: Vec<String>,
    pub(crate) maxsize: usize,
}

/// A typeid that cannot be served.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) typeid: String,
    pub(crate) reason: String,
}

/// One line to the program.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The queues are served here.
    Serving { address: Address },
    /// They are not; becomes an `OSError`.
    Failed { error: String, errno: Option<i32> },
}

impl Offer {
    /// Gives each queue a name that people can read: `get_task_queue` leads to `task`.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut taken = HashSet::new();
        let mut names = Vec::new();
        for queue in &self.queues {
            let typeid = queue.typeids.first().map_or("queue", String::as_str);
            let name = match short(typeid) {
                name if name.is_empty() || taken.contains(name) => typeid,
                name => name,
            };
            taken.insert(name.to_owned());
            names.push(name.to_owned());
        }
        names
    }

    /// The key in bytes.
    pub(crate) fn key(&self) -> anyhow::Result<Vec<u8>> {
        let digits = self.authkey.as_bytes().chunks(2);
        let bytes = digits.map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        bytes.collect::<Option<_>>().context("the authkey is not in pairs of hexadecimal digits")
    }
}

fn short(typeid: &str) -> &str {
    let name = typeid.strip_prefix("get_").unwrap_or(typeid);
    name.strip_suffix("_queue").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(typeids: &[&[&str]]) -> Offer {
        let shared = |names: &&[&str]| Shared {
            typeids: names.iter().map(ToString::to_string).collect(),
            maxsize: 0,
        };
        Offer {
            address: Address::Tcp(String::new(), 0),
            authkey: "00ff61".into(),
            queues: typeids.iter().map(shared).collect(),
            each: vec![],
            refused: vec![],
        }
    }

    #[test]
    fn reads_what_the_python_side_writes() {
        let line = r#"{"op": "serve", "address": ["", 5000], "authkey": "616263",
            "queues": [{"typeids": ["get_task_queue", "task"], "maxsize": 2}], "each": ["Queue"],
            "refused": [{"typeid": "get_counter", "reason": "it gives a Counter"}]}"#;
        let Request::Serve(offer) = serde_json::from_str(line).unwrap() else { panic!() };
        assert_eq!(offer.address, Address::Tcp(String::new(), 5000));
        assert_eq!(offer.key().unwrap(), b"abc");
        assert_eq!(offer.queues[0].maxsize, 2);
        assert!(matches!(serde_json::from_str(r#"{"op": "stop"}"#).unwrap(), Request::Stop));
    }

    #[test]
    fn answers_as_the_python_side_reads() {
        let address = Address::Tcp("127.0.0.1".into(), 5000);
        let serving = serde_json::to_string(&Answer::Serving { address }).unwrap();
        assert_eq!(serving, r#"{"address":["127.0.0.1",5000]}"#);
        let address = Address::Unix("/tmp/x".into());
        let serving = serde_json::to_string(&Answer::Serving { address }).unwrap();
        assert_eq!(serving, r#"{"address":"/tmp/x"}"#);
        let failed = Answer::Failed { error: "in use".into(), errno: None };
        let failed = serde_json::to_string(&failed).unwrap();
        assert_eq!(failed, r#"{"error":"in use","errno":null}"#);
    }

    #[test]
    fn names_queues_after_their_typeids() {
        let names = offer(&[&["get_task_queue"], &["get_task"], &["_queue"], &["store"]]).names();
        assert_eq!(names, ["task", "get_task", "_queue", "store"]);
    }

    #[test]
    fn keys_are_any_bytes() {
        assert_eq!(offer(&[]).key().unwrap(), [0, 255, b'a']);
        for wrong in ["0", "zz", "é0"] {
            let offer = Offer { authkey: wrong.into(), ..offer(&[]) };
            assert!(offer.key().is_err(), "{wrong}");
        }
    }
}
