//! Calls that wait for long, beside others on the same queue: what they wait for is not held up.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::time::Duration;

use futures_util::future::join;
use piecework::server::{Config, QueueSpec};
use piecework::{Key, Manager, Queue, Value};
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A queue that has room for one item.
async fn narrow() -> (Manager, Queue<u32>) {
    let mut config = Config::new(Key::new("a key for tests only"));
    config.queues = vec!["task:maxsize=1".parse::<QueueSpec>().unwrap()];
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    let manager = Manager::serve(config).await.unwrap();
    let queue = manager.queue("task").await.unwrap();
    (manager, queue)
}

async fn soon<F: Future>(call: F) -> F::Output {
    timeout(PATIENCE, call).await.expect("it waits for nothing but this")
}

#[tokio::test]
async fn a_put_waits_for_a_get_of_the_same_queue() {
    let (_manager, queue) = narrow().await;
    queue.put(&1).await.unwrap();
    let (put, got) = soon(join(queue.put(&2), queue.get())).await;
    put.unwrap();
    assert_eq!(got.unwrap(), 1);
    let (put, got) = soon(join(queue.put_all(&[3]), queue.get())).await;
    put.unwrap();
    assert_eq!(got.unwrap(), 2);
    let (put, got) = soon(join(queue.put_once("key", &4), queue.get())).await;
    put.unwrap();
    assert_eq!((got.unwrap(), queue.get().await.unwrap()), (3, 4));
}

/// Comes back once somebody waits to put.
async fn somebody_waits_to_put(manager: &Manager) {
    let waits = ("putters".into(), Value::Int(1));
    loop {
        let Value::List(queues) = manager.call("queues", &[]).await.unwrap() else { panic!() };
        let is_it = |queue: &Value| matches!(queue, Value::Dict(it) if it.contains(&waits));
        if queues.iter().any(is_it) {
            return;
        }
    }
}

#[tokio::test]
async fn a_put_that_is_given_up_holds_nobody_up() {
    let (manager, queue) = narrow().await;
    queue.put(&1).await.unwrap();
    soon(async {
        tokio::select! {
            put = queue.put(&2) => panic!("there is no room: {put:?}"),
            () = somebody_waits_to_put(&manager) => {}
        }
    })
    .await;
    assert_eq!(soon(queue.get()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_join_waits_for_the_acks_of_the_same_queue() {
    let (_manager, queue) = narrow().await;
    queue.put(&1).await.unwrap();
    let lease = queue.lease().await.unwrap();
    let (joined, acked) = soon(join(queue.join(), lease.ack())).await;
    joined.unwrap();
    acked.unwrap();
}
