//! Pools over workers: each call has one result, whatever becomes of workers and manager.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::future::pending;
use std::sync::Arc;

use futures_util::StreamExt;
use piecework::server::{Config, QueueSpec};
use piecework::tasks::TaskError;
use piecework::{Concurrency, Key, Manager, Pool, Stopper, Worker, WorkerError};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[piecework::task]
fn square(n: u64) -> u64 {
    n * n
}

#[piecework::task]
async fn divide(a: u32, b: u32) -> u32 {
    a / b
}

#[piecework::task]
fn answer() -> u32 {
    42
}

async fn local() -> Manager {
    Manager::local().await.unwrap()
}

/// A manager whose queue of tasks has these options.
async fn with_tasks(spec: &str) -> Manager {
    let mut config = Config::new(Key::new("abc"));
    config.listen = Vec::new();
    config.queues = vec![spec.parse().unwrap(), QueueSpec::named("result")];
    Manager::serve(config).await.unwrap()
}

/// Starts a worker, and gives what stops it.
fn start<S: 'static>(worker: Worker<S>) -> (Stopper, JoinHandle<Result<(), WorkerError>>) {
    let stopper = worker.stopper();
    (stopper, tokio::spawn(worker.run_until(pending::<()>())))
}

async fn stop((stopper, running): (Stopper, JoinHandle<Result<(), WorkerError>>)) {
    stopper.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pool_over_workers_has_all_results_in_order() {
    let manager = local().await;
    let workers: Vec<_> = (0..2)
        .map(|_| start(manager.worker("task").concurrency(Concurrency::Threads(2))))
        .collect();
    let pool = Pool::options().over(&manager, "task").await.unwrap();
    let squares: Vec<u64> = (0..2_000).map(|n| n * n).collect();
    assert_eq!(pool.map(square, 0..2_000).await.unwrap(), squares);
    let imap: Vec<_> = pool.imap(square, 0..50).map(Result::unwrap).collect().await;
    assert_eq!(imap, squares[..50]);
    let mut unordered: Vec<_> =
        pool.imap_unordered(square, 0..50).map(Result::unwrap).collect().await;
    unordered.sort_unstable();
    assert_eq!(unordered, squares[..50]);
    assert_eq!(pool.starmap(divide, [(7, 2), (9, 3)]).await.unwrap(), [3, 3]);
    assert_eq!(pool.apply(answer, ()).await.unwrap(), 42);
    let later = pool.apply_async(square, (3,));
    pool.close();
    let error = pool.apply(square, (1,)).await.unwrap_err();
    assert!(matches!(error, TaskError::Over("closed")), "{error}");
    pool.join().await;
    assert_eq!(later.get().await.unwrap(), 9);
    for worker in workers {
        stop(worker).await;
    }
}

#[tokio::test]
async fn tasks_of_a_pool_that_is_gone_are_forgotten() {
    let manager = local().await;
    let tasks = manager.raw_queue("task").await.unwrap();
    let pool = Pool::options().over(&manager, "task").await.unwrap();
    let result = pool.apply_async(square, (3,));
    while tasks.qsize().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    pool.terminate().await;
    assert!(result.get().await.is_err());
    while tasks.qsize().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let left = manager.call("queues", &[]).await.unwrap().to_string();
    assert!(!left.contains("piecework.results"), "{left}");
}

#[tokio::test]
async fn what_a_pool_that_is_gone_had_begun_ends_with_its_task() {
    let manager = local().await;
    let tasks = manager.raw_queue("task").await.unwrap();
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let worker = start(manager.worker("task").task("worker_pool::square", move |n: u64| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.notify_one();
            wait.notified().await;
            n
        }
    }));
    let pool = Pool::options().over(&manager, "task").await.unwrap();
    let result = pool.apply_async(square, (3,));
    begun.notified().await;
    pool.terminate().await;
    assert!(result.get().await.is_err());
    go_on.notify_one();
    tasks.join().await.unwrap();
    let queues = manager.call("queues", &[]).await.unwrap().to_string();
    assert!(queues.contains("'leased': 0") && !queues.contains("'leased': 1"), "{queues}");
    stop(worker).await;
}

#[tokio::test]
async fn a_task_that_dies_with_its_workers_is_a_failure_of_the_pool() {
    let manager = with_tasks("task:attempts=2").await;
    let pool = Pool::options().over(&manager, "task").await.unwrap();
    let result = pool.apply_async(square, (3,));
    let tasks = manager.queue::<serde::de::IgnoredAny>("task").await.unwrap();
    for _ in 0..2 {
        drop(tasks.lease().await.unwrap()); // as a worker that is killed
    }
    let error = result.get().await.unwrap_err().to_string();
    assert!(error.contains("tried 2 times, and the last attempt was 'nacked'"), "{error}");
    let asked = ["task".into(), piecework::Value::None, 10_i64.into()];
    assert_eq!(manager.call("dead", &asked).await.unwrap().to_string(), "[]");
}

#[tokio::test]
async fn a_pool_and_its_worker_outlive_their_manager() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket").display().to_string();
    let serve = || async {
        let mut config = Config::new(Key::new("abc"));
        config.listen = vec![socket.parse().unwrap()];
        config.storage = piecework::server::Storage::Disk {
            folder: folder.path().join("data"),
            sync: Default::default(),
        };
        Manager::serve(config).await.unwrap()
    };
    let served = serve().await;
    let manager = Manager::connect(&socket, Key::new("abc")).await.unwrap();
    let worker = start(manager.worker("task").concurrency(Concurrency::Threads(1)));
    let pool = Pool::connect(&socket, Key::new("abc")).await.unwrap();
    assert_eq!(pool.apply(square, (2,)).await.unwrap(), 4);
    let mut results = pool.imap(square, 0..600);
    assert_eq!(results.next().await.unwrap().unwrap(), 0);
    served.stop().await.unwrap();
    let served = serve().await;
    for n in 1..600 {
        assert_eq!(results.next().await.unwrap().unwrap(), n * n);
    }
    stop(worker).await;
    served.stop().await.unwrap();
}
