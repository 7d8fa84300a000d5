//! The client against piecework's own manager: leases, answers, and what the manager says of itself.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::time::Duration;

use piecework::{CallError, Key, Manager, Payload, Session, Settle, Value};
use piecework_server::{Config, QueueSpec, Server};

/// A manager with the queues `task` and `result`, which ends with the test.
async fn manager() -> Manager {
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.queues = vec![QueueSpec::named("task"), QueueSpec::named("result")];
    let server = Server::bind(config).await.unwrap();
    let address = server.addresses()[0].to_string();
    tokio::spawn(server.run(std::future::pending()));
    Manager::connect(address, Key::new("abc")).await.unwrap()
}

async fn session() -> Session {
    manager().await.session().await.unwrap()
}

fn payload(number: i64) -> Payload {
    Payload::from_value(&Value::Int(number))
}

const NO_TIME: Option<Duration> = Some(Duration::ZERO);

#[tokio::test]
async fn an_answer_is_a_put_and_an_ack() {
    let session = session().await;
    let (tasks, results) =
        (session.queue("task").await.unwrap(), session.queue("result").await.unwrap());
    assert!(tasks.is_native());
    tasks.put_many(&[payload(1), payload(2), payload(3)]).await.unwrap();
    let leased = tasks.lease(2, None).await.unwrap();
    let numbers: Vec<_> = leased.iter().map(|it| it.payload.clone()).collect();
    assert_eq!(numbers, [payload(1), payload(2)]);
    tasks.answer(leased[0].id, "result", &payload(10)).await.unwrap();
    assert_eq!(results.get(NO_TIME).await.unwrap(), Some(payload(10)));
    let again = tasks.answer(leased[0].id, "result", &payload(10)).await.unwrap_err();
    assert!(
        matches!(&again, CallError::Remote { class, .. } if class == "LookupError"),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_lease_ends_in_three_ways() {
    let session = session().await;
    let tasks = session.queue("get_task_queue").await.unwrap();
    tasks.put(&payload(1)).await.unwrap();
    let first = tasks.lease(1, None).await.unwrap().remove(0);
    tasks.settle(first.id, Settle::Release).await.unwrap();
    let second = tasks.lease(1, None).await.unwrap().remove(0);
    assert_eq!((second.id, second.attempt), (first.id, first.attempt), "a release is not counted");
    tasks.settle(second.id, Settle::Nack).await.unwrap();
    let third = tasks.lease(1, None).await.unwrap().remove(0);
    assert_eq!(third.attempt, first.attempt + 1);
    tasks.settle(third.id, Settle::Ack).await.unwrap();
    assert_eq!(tasks.lease(1, NO_TIME).await.unwrap(), []);
}

#[tokio::test]
async fn a_session_that_is_dropped_gives_its_leases_back() {
    let manager = manager().await;
    let tasks = manager.raw_queue("task").await.unwrap();
    tasks.put(&payload(1)).await.unwrap();
    assert_eq!(tasks.lease(1, None).await.unwrap().len(), 1);
    drop(tasks);
    let tasks = manager.raw_queue("task").await.unwrap();
    assert_eq!(tasks.lease(1, Some(Duration::from_secs(5))).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_given_up_closes_its_session() {
    let manager = manager().await;
    let tasks = manager.raw_queue("task").await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(20), tasks.get(None)).await;
    assert!(waiting.is_err());
    let error = tasks.get(NO_TIME).await.unwrap_err().to_string();
    assert!(error.ends_with("is closed: a call was given up before its reply"), "{error}");
}

#[tokio::test]
async fn the_manager_speaks_of_itself() {
    let manager = manager().await;
    let tasks = manager.raw_queue("task").await.unwrap();
    tasks.put_many(&[payload(1), payload(2)]).await.unwrap();
    let Value::List(queues) = manager.call("queues", &[]).await.unwrap() else { panic!() };
    assert_eq!(queues.len(), 2);
    assert!(matches!(&queues[0], Value::Dict(_)));
    let sessions = manager.call("sessions", &[]).await.unwrap().to_string();
    assert!(sessions.contains("native-"), "our program's name is in {sessions}");
    assert_eq!(manager.call("purge", &["task".into()]).await.unwrap(), Value::Int(2));
    let error = manager.call("dance", &[]).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Remote { class, .. } if class == "AttributeError"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_handed_to_nobody() {
    let manager = manager().await;
    let worker = manager.session().await.unwrap().tasks_of_runs().await.unwrap();
    let (tasks, results) = manager.session().await.unwrap().begin_run().await.unwrap();
    for number in 0..3 {
        tasks.put_for(&payload(number), results.ident()).await.unwrap();
    }
    tasks.put(&payload(9)).await.unwrap();
    let leased = worker.lease(1, NO_TIME).await.unwrap().remove(0);
    assert_eq!(worker.withdraw(results.ident()).await.unwrap(), 2);
    tasks.put_for(&payload(3), results.ident()).await.unwrap();
    let gone = results.ident().to_owned();
    drop((tasks, results));
    while worker.is_there(&gone).await.unwrap() {}
    worker.settle(leased.id, Settle::Release).await.unwrap();
    let left = worker.lease(9, NO_TIME).await.unwrap();
    assert_eq!(left.iter().map(|it| it.payload.clone()).collect::<Vec<_>>(), [payload(9)]);
    let error = worker.put_for(&payload(4), &gone).await.unwrap_err();
    assert!(matches!(&error, CallError::Remote { class, .. } if class == "KeyError"), "{error:?}");
}
