//! Reads what real interpreters of each version said to each other (see golden/capture.py).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use piecework_wire::auth::{self, Key};
use piecework_wire::{Reply, Request, Value};
use serde_json::Value as Json;

/// One connection: who said what, in order.
type Connection = Vec<(String, Vec<u8>)>;

fn sessions() -> Vec<(String, Vec<Connection>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut sessions = Vec::new();
    for version in ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"] {
        let path = folder.join(format!("py{version}/session.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        let session: Json = serde_json::from_str(&text).unwrap();
        let mut connections: BTreeMap<u64, Connection> = BTreeMap::new();
        for message in session["messages"].as_array().unwrap() {
            let body = hex::decode(message[2].as_str().unwrap()).unwrap();
            let said = (message[1].as_str().unwrap().to_owned(), body);
            connections.entry(message[0].as_u64().unwrap()).or_default().push(said);
        }
        sessions.push((version.to_owned(), connections.into_values().collect()));
    }
    sessions
}

#[test]
fn our_answers_are_those_of_python() {
    let key = Key::new("abc");
    for (version, connections) in sessions() {
        let mut right = 0;
        for said in connections {
            let challenge = |at: usize| auth::answer(&key, &said[at].1).unwrap();
            if said[2].1 == auth::FAILURE {
                assert_ne!(challenge(0), said[1].1, "{version}: the wrong key");
                assert_eq!(auth::answer(&Key::new("abd"), &said[0].1).unwrap(), said[1].1);
                continue;
            }
            assert_eq!(challenge(0), said[1].1, "{version}: client's answer");
            assert_eq!(said[2].1, auth::WELCOME);
            assert_eq!(challenge(3), said[4].1, "{version}: server's answer");
            assert_eq!(said[5].1, auth::WELCOME);
            right += 1;
        }
        assert!(right > 5, "{version}: only {right} connections");
    }
}

/// The calls of the script, each as text with the reply that it got, for one version.
fn transcript(connections: Vec<Connection>) -> Vec<String> {
    const HANDSHAKE: usize = 6;
    let mut lines = Vec::new();
    for said in connections {
        for exchange in said.get(HANDSHAKE..).unwrap_or_default().chunks_exact(2) {
            let request = Request::parse(&exchange[0].1).unwrap();
            let reply = Reply::parse(Bytes::from(exchange[1].1.clone())).unwrap();
            // A refcount falls when Python collects garbage: at no fixed moment.
            if request.method() != "decref" {
                lines.push(format!("{} -> {}", show(&request), show_reply(&request, &reply)));
            }
        }
    }
    lines
}

fn show(request: &Request<'_>) -> String {
    let mut args: Vec<String> =
        request.args().map(|arg| arg.value().unwrap().to_string()).collect();
    if ["incref", "accept_connection"].contains(&request.method()) {
        args.clear();
    }
    let names: Vec<&str> = request.kwarg_names().collect();
    for name in names {
        args.push(format!("{name}={}", request.kwarg(name).unwrap().value().unwrap()));
    }
    let to = if request.ident().is_some() { "queue." } else { "" };
    format!("{to}{}({})", request.method(), args.join(", "))
}

fn show_reply(request: &Request<'_>, reply: &Reply) -> String {
    match reply {
        Reply::Return(returned) if request.method() == "create" => {
            let (ident, exposed) = returned.created().unwrap();
            assert!(!ident.is_empty());
            format!("{}", exposed.iter().any(|name| name == "get_nowait"))
        }
        Reply::Return(returned) if request.method() == "__repr__" => {
            assert!(matches!(returned.value().unwrap(), Value::Str(_)));
            "a str".to_owned()
        }
        Reply::Return(returned) => {
            let alone = returned.payload().unwrap();
            assert_eq!(alone.value().unwrap(), returned.value().unwrap());
            alone.value().unwrap().to_string()
        }
        Reply::Error { class, message, .. } => {
            format!("{class}: {}", message.as_deref().unwrap_or_default())
        }
        Reply::Traceback(text) => text.lines().last().unwrap().to_owned(),
        Reply::Unserializable(_) => "unserializable".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_program_reads_the_same_in_every_version() {
    let long = format!("b'{}'", "x".repeat(300));
    let item = r"{'item': ['put', b'\x00\xff'], 'n': [1.5, None, True, 1180591620717411303424]}";
    let expected = vec![
        "dummy() -> None".to_owned(),
        "create('get_task_queue') -> true".to_owned(),
        "incref() -> None".to_owned(),
        "accept_connection() -> None".to_owned(),
        "queue.put(3411) -> None".to_owned(),
        format!("queue.put(item={item}, block=True) -> None"),
        "queue.put('one too many', False) -> Full: ".to_owned(),
        "queue.get(timeout=10) -> 3411".to_owned(),
        format!("queue.get(True, 5) -> {item}"),
        "queue.get(timeout=0.01) -> Empty: ".to_owned(),
        "queue.get(timeout=-1) -> ValueError: 'timeout' must be a non-negative number".to_owned(),
        "queue.no_such_method() -> KeyError: 'no_such_method'".to_owned(),
        "queue.#GETVALUE() -> unserializable".to_owned(),
        format!("queue.put({long}) -> None"),
        format!("queue.get_nowait() -> {long}"),
        "queue.qsize() -> 0".to_owned(),
        "queue.empty() -> True".to_owned(),
        "queue.__repr__() -> a str".to_owned(),
        "create('no_such_typeid') -> KeyError: 'no_such_typeid'".to_owned(),
    ];
    for (version, connections) in sessions() {
        assert_eq!(transcript(connections), expected, "{version}");
    }
}
