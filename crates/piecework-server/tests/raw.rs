//! The server over real sockets: bytes in, bytes out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use bytes::BytesMut;
use piecework_server::{
    Config, Key, Keyring, Payloads, Policy, QueueSpec, Server, ServerError, Shutdown,
};
use piecework_wire::reply::Reply;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Value};
use std::time::Duration;
use support::{Running, error, value};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_wrong_key_is_told_failure_and_nothing_else() {
    let server = Running::start(|_| ()).await;
    let mut client = server.dial().await;
    let word = client.shake_hands("abd").await.unwrap_err();
    assert_eq!(&word[..], b"#FAILURE#");
    assert_eq!(client.read().await, None);
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_put_comes_out_of_a_get_and_idents_are_fresh() {
    let server = Running::start(|_| ()).await;
    let (task, again) = (server.create("get_task_queue").await, server.create("task").await);
    assert_ne!(task, again);
    assert!(task.starts_with("task."), "{task}");
    let mut client = server.main("MainProcess").await;
    client.put(&task, 3411).await;
    assert_eq!(value(client.call(Some(&again), "qsize", &[]).await), Value::Int(1));
    assert_eq!(value(client.get(&again).await), Value::Int(3411));
    server.stop().await;
}

#[tokio::test]
async fn a_native_client_may_pipeline() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("piecework/1 test").await;
    let mut other = server.main("MainProcess").await;
    let mut all = BytesMut::new();
    request(&mut all, Some(&task), "get", &[], &[]);
    request(&mut all, Some(&task), "qsize", &[], &[]);
    client.stream.write_all(&all).await.unwrap();
    other.wait_until("task", "getters", 1).await;
    other.put(&task, 7).await;
    assert_eq!(value(client.reply().await), Value::Int(7));
    assert_eq!(value(client.reply().await), Value::Int(0));
    server.stop().await;
}

#[tokio::test]
async fn large_payloads_pass_in_both_directions() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    for size in [1, 16 * 1024, 16 * 1024 + 1, 3_000_000] {
        let text = "x".repeat(size);
        client.call(Some(&task), "put", &[ArgOut::Str(&text)]).await;
        assert_eq!(value(client.get(&task).await), Value::Str(text));
    }
    server.stop().await;
}

#[tokio::test]
async fn half_a_handshake_is_ended_at_its_limit() {
    let limit = Duration::from_millis(50);
    let server = Running::start(|config| config.limits.handshake_max = limit).await;
    let mut silent = server.dial().await;
    silent.read().await.expect("the challenge");
    assert_eq!(silent.read().await, None);
    let mut waits = server.main("MainProcess").await;
    assert_eq!(value(waits.call(Some("task.1"), "qsize", &[]).await), Value::Int(0));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_is_answered_and_the_connection_goes_on() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    client.write(b"not a pickle").await;
    assert_eq!(error(client.reply().await).0, "TypeError");
    let (class, message) = error(client.call(Some(&task), "steal", &[]).await);
    assert_eq!(class, "AttributeError");
    assert!(message.contains("'steal'") && message.contains("qsize"), "{message}");
    let (class, message) = error(client.call(Some("nowhere.1"), "get", &[]).await);
    assert_eq!(class, "KeyError");
    assert!(message.contains("'nowhere.1'"), "{message}");
    assert_eq!(error(client.call(Some(&task), "get_nowait", &[]).await).0, "Empty");
    let (class, _) = error(client.call(Some(&task), "get", &[ArgOut::Int(1); 3]).await);
    assert_eq!(class, "TypeError");
    assert_eq!(value(client.call(Some(&task), "qsize", &[]).await), Value::Int(0));
    server.stop().await;
}

#[tokio::test]
async fn typeids_lead_to_queues_or_are_refused_by_name() {
    let server = Running::start(|config| {
        config.refused = vec![("get_store".to_owned(), "it is a Counter".to_owned())];
    })
    .await;
    let (class, message) = error(server.ask("create", &[ArgOut::Str("nix")]).await);
    assert_eq!(class, "KeyError");
    assert!(message.contains("'nix'") && message.contains("get_task_queue"), "{message}");
    let (class, message) = error(server.ask("create", &[ArgOut::Str("get_store")]).await);
    assert_eq!((class.as_str(), message.contains("it is a Counter")), ("TypeError", true));
    let (class, message) = error(server.ask("create", &[ArgOut::Str("Pool")]).await);
    assert_eq!((class.as_str(), message.contains("'Pool'")), ("TypeError", true));
    let queue = server.create("Queue").await;
    server.ask("decref", &[ArgOut::Str(&queue)]).await;
    let (class, _) = error(server.ask("incref", &[ArgOut::Str(&queue)]).await);
    assert_eq!(class, "KeyError");
    server.stop().await;
}

#[tokio::test]
async fn an_open_registry_makes_queues_on_use() {
    let server = Running::start(|config| config.open = true).await;
    assert!(server.create("get_images_queue").await.starts_with("images."));
    assert!(server.create("images").await.starts_with("images."));
    server.stop().await;
}

#[tokio::test]
async fn an_address_in_use_names_who_has_it() {
    let server = Running::start(|_| ()).await;
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec![server.address.into()];
    let failed = Server::bind(config).await.unwrap_err();
    assert!(matches!(failed, ServerError::InUse { .. }), "{failed}");
    let message = failed.to_string();
    assert!(message.contains(&server.address.to_string()), "{message}");
    if cfg!(target_os = "linux") {
        assert!(message.contains(&format!("(pid {})", std::process::id())), "{message}");
    }
    server.stop().await;
}

#[tokio::test]
async fn queues_that_do_not_fit_are_refused_at_the_door() {
    let mut config = Config::new(Key::new("abc"));
    config.queues = vec!["task:answers=nowhere".parse::<QueueSpec>().unwrap()];
    let message = Server::bind(config).await.unwrap_err().to_string();
    assert!(message.contains("answers=nowhere") && message.contains("hint:"), "{message}");
}

#[tokio::test]
async fn a_client_of_the_same_user_may_stop_the_manager() {
    let server = Running::start(|config| config.shutdown = Shutdown::SameUser).await;
    let mut waiting = server.main("MainProcess").await;
    let task = server.create("task").await;
    waiting.send(Some(&task), "get", &[]).await;
    assert_eq!(value(server.ask("shutdown", &[]).await), Value::None);
    assert_eq!(waiting.read().await, None, "whoever waits sees the end");
    server.stopped().await;
}

#[tokio::test]
async fn many_clients_at_once_are_all_served() {
    let server = Running::start(|_| ()).await;
    let task = &server.create("task").await;
    let dials: Vec<_> = (0..256).map(|_| server.dial()).collect();
    let mut clients = Vec::new();
    for dial in dials {
        clients.push(dial.await);
    }
    for client in &mut clients {
        client.shake_hands(support::KEY).await.unwrap();
        client.call(None, "accept_connection", &[ArgOut::Str("MainProcess")]).await;
        client.put(task, 1).await;
    }
    clients[0].wait_until("task", "ready", 256).await;
    server.stop().await;
}

#[tokio::test]
async fn clients_of_an_open_registry_name_queues_and_never_their_options() {
    let server = Running::start(|config| {
        config.open = true;
        config.queues = vec!["task:ack=explicit,maxsize=3".parse().unwrap()];
    })
    .await;
    for alias in ["task_queue", "get_task"] {
        assert!(server.create(alias).await.starts_with("task."), "{alias}");
    }
    let (class, _) = error(server.ask("create", &[ArgOut::Str("task:ack=none")]).await);
    assert_eq!(class, "KeyError");
    let mut client = server.main("MainProcess").await;
    let task = server.create("task").await;
    for item in 0..3 {
        client.put(&task, item).await;
    }
    let full = client.call(Some(&task), "put", &[ArgOut::Int(3), ArgOut::Bool(false)]).await;
    assert_eq!(error(full).0, "Full");
    server.stop().await;
}

/// Served at the very moment at which its connection ends, a waiter must not take the item along,
/// not even where the delivery is the ack.
#[tokio::test]
async fn what_is_no_number_of_seconds_is_refused() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    for wrong in [ArgOut::Float(f64::NAN), ArgOut::Float(-1.0), ArgOut::Str("soon")] {
        let reply = client.call(Some(&task), "put_later", &[ArgOut::Int(1), wrong]).await;
        assert_eq!(error(reply).0, "TypeError");
    }
    let forever = [ArgOut::Int(1), ArgOut::Float(1e300)];
    assert_eq!(value(client.call(Some(&task), "put_later", &forever).await), Value::None);
    server.stop().await;
}

/// `os.system`, named and not even called.
const NASTY: &[u8] = b"cos\nsystem\n.";

#[tokio::test]
async fn the_payload_policy_is_held_at_every_way_in_and_per_queue() {
    let server = Running::start(|config| {
        config.payloads = Payloads::Data;
        config.policy = Policy::data().allow("mypkg.*").unwrap();
        config.queues = vec![
            "task".parse().unwrap(),
            "result".parse().unwrap(),
            "open:payloads=any".parse().unwrap(),
        ];
    })
    .await;
    let mut client = server.main("MainProcess").await;
    let (task, open) = (server.create("task").await, server.create("open").await);
    let nasty = Payload::from_pickle(NASTY).unwrap();
    let both = [Payload::from_value(&Value::Int(1)), nasty.clone()];
    let put = [ArgOut::Payload(&nasty)];
    let later = [ArgOut::Payload(&nasty), ArgOut::Int(1)];
    let ways: [(&str, &[ArgOut<'_>]); 4] = [
        ("put", &put),
        ("put_nowait", &put),
        ("put_many", &[ArgOut::Payloads(&both)]),
        ("put_later", &later),
    ];
    for (method, args) in ways {
        let (class, message) = error(client.call(Some(&task), method, args).await);
        assert_eq!(class, "TypeError", "{method}");
        assert!(message.contains("os.system") && message.contains("--allow-class"), "{message}");
    }
    client.put(&task, 1).await;
    let Reply::Return(leased) = client.call(Some(&task), "lease", &[ArgOut::Int(1)]).await else {
        panic!("a lease");
    };
    let id = i64::try_from(leased.leases(1).unwrap()[0].id).unwrap();
    let answer = |to| [ArgOut::Int(id), ArgOut::Str(to), ArgOut::Payload(&nasty)];
    let (class, _) = error(client.call(Some(&task), "answer", &answer("result")).await);
    assert_eq!(class, "TypeError");
    assert_eq!(value(client.call(Some(&task), "answer", &answer("open")).await), Value::None);
    let thing = Payload::from_pickle(b"cmypkg\nThing\n.").unwrap();
    let allowed = client.call(Some(&task), "put", &[ArgOut::Payload(&thing)]).await;
    assert_eq!(value(allowed), Value::None);
    assert_eq!(value(client.call(Some(&open), "put", &put).await), Value::None);
    server.stop().await;
}

/// While a key is being changed, the old one and the new one both let clients in, by name.
#[tokio::test]
async fn several_keys_let_clients_in_by_name() {
    let server = Running::start(|config| {
        config.keys = Keyring::new(Key::new(support::KEY)).with("new", Key::new("another"));
    })
    .await;
    let mut old = server.main("MainProcess").await;
    let mut new = server.dial().await;
    new.shake_hands("another").await.unwrap();
    new.call(None, "accept_connection", &[ArgOut::Str("MainProcess")]).await;
    assert_eq!(&server.dial().await.shake_hands("a third").await.unwrap_err()[..], b"#FAILURE#");
    let Value::List(sessions) = value(old.call(Some("manager"), "sessions", &[]).await) else {
        panic!("sessions() gives a list");
    };
    let key = |session: &Value| match session {
        Value::Dict(entries) => entries
            .iter()
            .find(|(name, _)| *name == Value::from("key"))
            .map(|(_, value)| value.clone()),
        _ => None,
    };
    let keys: Vec<_> = sessions.iter().filter_map(key).collect();
    assert_eq!(keys, [Value::from("default"), Value::from("new")]);
    server.stop().await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_answered_and_the_connection_goes_on() {
    let server = Running::start(|config| config.limits.frame_bytes_max = 1_000).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    for size in [1_000, 5_000, 3_000_000] {
        let text = "x".repeat(size);
        let (class, message) = error(client.call(Some(&task), "put", &[ArgOut::Str(&text)]).await);
        assert_eq!(class, "ValueError");
        assert!(message.contains("over the limit of 1000"), "{message}");
    }
    client.put(&task, 7).await;
    assert_eq!(value(client.get(&task).await), Value::Int(7));
    server.stop().await;
}

/// The fourth and the fifth failure of an address wait 100 and 200 ms for their answers; how long
/// the others wait is up to the machine.
#[tokio::test]
async fn failures_of_an_address_are_slowed_down() {
    let server = Running::start(|_| ()).await;
    let begun = tokio::time::Instant::now();
    for _ in 0..5 {
        assert!(server.dial().await.shake_hands("wrong").await.is_err());
    }
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    assert!(
        server.dial().await.shake_hands(support::KEY).await.is_ok(),
        "the right key is welcome"
    );
    server.stop().await;
}

/// Whoever only holds a place goes first; who has shown its key stays, and who comes gets in.
#[tokio::test]
async fn a_crowd_without_keys_keeps_nobody_out() {
    let server = Running::start(|config| config.limits.unauthenticated_max = 10).await;
    let task = server.create("task").await;
    let mut working = server.main("MainProcess").await;
    let mut crowd = Vec::new();
    for _ in 0..30 {
        let mut silent = server.dial().await;
        silent.read().await.expect("the challenge");
        crowd.push(silent);
    }
    for silent in crowd.iter_mut().take(20) {
        assert_eq!(silent.read().await, None, "shown out");
    }
    working.put(&task, 7).await;
    let mut newcomer = server.main("MainProcess").await;
    assert_eq!(value(newcomer.get(&task).await), Value::Int(7));
    server.stop().await;
}

#[tokio::test]
async fn runs_leave_no_handles_behind() {
    let server = Running::start(|_| ()).await;
    let mut worker = server.main("piecework/1 worker").await;
    let tasks = value(worker.call(Some("manager"), "tasks", &[]).await);
    for _ in 0..10 {
        let mut master = server.main("piecework/1 master").await;
        let run = value(master.call(Some("manager"), "run", &[]).await);
        assert!(matches!(&run, Value::Tuple(idents) if idents.len() == 2), "{run:?}");
    }
    assert_eq!(value(worker.call(Some("manager"), "tasks", &[]).await), tasks, "always the same");
    let ended =
        async { while value(server.ask("number_of_objects", &[]).await) != Value::Int(1) {} };
    tokio::time::timeout(support::PATIENCE, ended).await.expect("only the worker's is left");
    server.stop().await;
}
