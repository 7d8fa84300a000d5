//! Clients that vanish, are interrupted or do not read, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use bytes::BytesMut;
use piecework_wire::Value;
use piecework_wire::request::{ArgOut, request};
use std::time::Duration;
use support::{Running, value};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_getter_that_vanishes_while_it_waits_takes_nothing() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut gone = server.main("MainProcess").await;
    let mut other = server.main("MainProcess").await;
    gone.send(Some(&task), "get", &[]).await;
    other.wait_until("task", "getters", 1).await;
    drop(gone);
    other.wait_until("task", "getters", 0).await;
    other.put(&task, 1).await;
    assert_eq!(value(other.get(&task).await), Value::Int(1));
    server.stop().await;
}

#[tokio::test]
async fn a_put_that_waits_for_room_outlives_its_client() {
    let server = Running::start(|config| {
        config.queues = vec!["task:maxsize=1".parse().unwrap()];
    })
    .await;
    let task = server.create("task").await;
    let mut first = server.main("MainProcess").await;
    let mut gone = server.main("MainProcess").await;
    first.put(&task, 1).await;
    gone.send(Some(&task), "put", &[ArgOut::Int(2)]).await;
    first.wait_until("task", "putters", 1).await;
    drop(gone);
    first.wait_until("task", "putters", 0).await;
    assert_eq!(value(first.get(&task).await), Value::Int(1));
    assert_eq!(value(first.get(&task).await), Value::Int(2));
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_vanishes_with_an_item_gives_it_back() {
    let server = Running::start(|_| ()).await;
    let (mine, theirs) = (server.create("task").await, server.create("task").await);
    let mut master = server.main("MainProcess").await;
    let mut worker = server.main("MainProcess").await;
    master.put(&mine, 1).await;
    worker.get(&theirs).await;
    drop(worker);
    assert_eq!(value(master.get(&mine).await), Value::Int(1));
    server.stop().await;
}

#[tokio::test]
async fn new_bytes_of_a_stock_client_drop_its_waiting_call() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    let mut other = server.main("MainProcess").await;
    client.send(Some(&task), "get", &[]).await;
    other.wait_until("task", "getters", 1).await;
    // A signal handler raised in the client's recv; its program goes on with another call.
    let reply = client.call(Some(&task), "qsize", &[]).await;
    assert_eq!(value(reply), Value::Int(0));
    other.wait_until("task", "getters", 0).await;
    other.put(&task, 7).await;
    assert_eq!(value(client.get(&task).await), Value::Int(7));
    server.stop().await;
}

#[tokio::test]
async fn two_requests_of_a_stock_client_at_once_get_the_reply_to_the_second() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    client.put(&task, 7).await;
    let mut both = BytesMut::new();
    request(&mut both, Some(&task), "get", &[], &[]);
    request(&mut both, Some(&task), "qsize", &[], &[]);
    client.stream.write_all(&both).await.unwrap();
    assert_eq!(value(client.reply().await), Value::Int(1), "what the get got went back");
    assert_eq!(value(client.get(&task).await), Value::Int(7));
    server.stop().await;
}

#[tokio::test]
async fn stopping_ends_sessions_that_wait_and_sessions_that_idle() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut waiting = server.main("MainProcess").await;
    let mut idle = server.main("MainProcess").await;
    waiting.send(Some(&task), "get", &[]).await;
    idle.wait_until("task", "getters", 1).await;
    server.stop().await;
    assert_eq!((waiting.read().await, idle.read().await), (None, None));
}

#[tokio::test]
async fn a_waiter_that_ends_as_it_is_served_takes_nothing() {
    let server = Running::start(|config| {
        config.queues = vec!["task:ack=none".parse().unwrap()];
    })
    .await;
    let task = server.create("task").await;
    let mut master = server.main("MainProcess").await;
    for round in 0..100 {
        let mut waiter = server.main("MainProcess").await;
        waiter.send(Some(&task), "get", &[]).await;
        master.wait_until("task", "getters", 1).await;
        drop(waiter);
        master.put(&task, round).await;
        assert_eq!(value(master.get(&task).await), Value::Int(round));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_keeps_no_server_from_stopping() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    let large = "x".repeat(50_000_000);
    client.call(Some(&task), "put", &[ArgOut::Str(&large)]).await;
    client.send(Some(&task), "get", &[]).await;
    let mut other = server.main("MainProcess").await;
    other.wait_until("task", "leased", 1).await;
    server.stop().await;
}

#[tokio::test]
async fn an_error_is_no_reply_to_a_client_that_has_said_more() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("MainProcess").await;
    let mut both = BytesMut::new();
    request(&mut both, Some(&task), "steal", &[], &[]);
    request(&mut both, Some(&task), "qsize", &[], &[]);
    client.stream.write_all(&both).await.unwrap();
    assert_eq!(value(client.reply().await), Value::Int(0));
    server.stop().await;
}

#[tokio::test]
async fn those_who_wait_for_a_slow_refusal_do_not_keep_the_manager_from_stopping() {
    let server = Running::start(|config| {
        config.limits.failures_free = 0;
        config.limits.failure_delay_max = Duration::from_secs(3_600);
    })
    .await;
    let mut strangers = Vec::new();
    // Each waits twice as long as the one before it: the last one for an hour.
    for _ in 0..20 {
        let mut stranger = server.dial().await;
        stranger.read().await.expect("the challenge");
        stranger.write(b"a wrong answer").await;
        strangers.push(stranger);
    }
    server.stop().await;
}
