//! Workers: what becomes of each task, however its worker fares.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::cell::Cell;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures_util::StreamExt;
use piecework::server::{Config, QueueSpec};
use piecework::tasks::TaskError;
use piecework::{Concurrency, Key, Manager, Pool, Stopper, Worker, WorkerError};
use serde::{Deserialize, Serialize};
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

/// A task by name and its answer, as Python has them.
#[derive(Serialize)]
struct Order {
    task: &'static str,
    args: (u32,),
    id: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Answer<R> {
    id: u32,
    result: R,
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
async fn every_kind_of_closure_does_every_item() {
    let manager = local().await;
    let (tasks, results) = (
        manager.queue::<u64>("task").await.unwrap(),
        manager.queue::<u64>("result").await.unwrap(),
    );
    let workers = [
        start(manager.worker("task").each(|n: u64| n * n)),
        start(manager.worker("task").each(|n: u64| async move { n * n })),
        start(manager.worker("task").try_each(|n: u64| n.checked_mul(n).ok_or("too large"))),
        start(
            manager
                .worker("task")
                .try_each(|n: u64| async move { n.checked_mul(n).ok_or("too large") }),
        ),
        start(manager.worker("task").state(|| 0).each(|count: &mut u64, n: u64| {
            *count += 1;
            n * n
        })),
        start(manager.worker("task").state(|| 0).each(|_: Arc<u64>, n: u64| async move { n * n })),
    ];
    for worker in workers {
        let items: Vec<u64> = (0..50).collect();
        tasks.put_all(&items).await.unwrap();
        let mut squares: Vec<_> = results.items().take(50).map(Result::unwrap).collect().await;
        squares.sort_unstable();
        assert_eq!(squares, items.iter().map(|n| n * n).collect::<Vec<_>>());
        stop(worker).await;
    }
}

#[tokio::test]
async fn tasks_by_name_are_closures_and_marked_functions() {
    let manager = local().await;
    let worker = manager
        .worker("task")
        .concurrency(Concurrency::Threads(2))
        .answers("squares")
        .task("double", |n: u32| n * 2)
        .task("wait", |n: u32| async move { n })
        .task("nothing", || 1_u32);
    let worker = start(worker);
    let tasks = manager.queue("task").await.unwrap();
    let answers = manager.queue::<Answer<u32>>("squares").await.unwrap();
    for (task, result) in [("double", 14), ("wait", 7), ("worker::square", 49)] {
        tasks.put(&Order { task, args: (7,), id: 3 }).await.unwrap();
        assert_eq!(answers.get().await.unwrap(), Answer { id: 3, result });
    }
    #[derive(Serialize)]
    struct Bare {
        task: &'static str,
        args: [u8; 0],
        id: u32,
    }
    let bare = Bare { task: "nothing", args: [], id: 4 };
    manager.queue("task").await.unwrap().put(&bare).await.unwrap();
    assert_eq!(answers.get().await.unwrap(), Answer { id: 4, result: 1 });
    stop(worker).await;
}

/// Asks for two functions by name.
const PYTHON: &str = "
import sys
from multiprocessing.managers import BaseManager

class Manager(BaseManager):
    pass

Manager.register('get_task_queue')
Manager.register('get_result_queue')
host, port = sys.argv[1].split(':')
manager = Manager(address=(host, int(port)), authkey=b'abc')
manager.connect()
task, result = manager.get_task_queue(), manager.get_result_queue()
task.put({'task': 'worker::square', 'args': (7,), 'id': 'a'})
task.put({'task': 'worker::divide', 'args': [7, 0], 'id': 'b', 'answers': 'result'})
answers = {answer['id']: answer for answer in (result.get(timeout=60), result.get(timeout=60))}
print(answers['a'], answers['b']['error']['message'])
";

#[tokio::test]
async fn python_asks_for_functions_by_name() {
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    let manager = Manager::serve(config).await.unwrap();
    let worker = start(manager.worker("task").concurrency(Concurrency::Threads(2)));
    let mut python = std::process::Command::new("python3");
    python.args(["-c", PYTHON, &manager.address()]);
    let output = tokio::task::spawn_blocking(move || python.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), "{'id': 'a', 'result': 49} attempt to divide by zero", "{output:?}");
    stop(worker).await;
}

#[tokio::test]
async fn a_panic_is_a_failure_with_its_message_and_place() {
    let manager = local().await;
    let worker = start(manager.worker("task").concurrency(Concurrency::Tasks(2)));
    let pool = Pool::options().over(&manager, "task").await.unwrap();
    let error = pool.apply(divide, (1, 0)).await.unwrap_err();
    let TaskError::Elsewhere(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.message, "attempt to divide by zero");
    assert!(failure.place.contains("tests/worker.rs:"), "{}", failure.place);
    assert!(failure.worker.contains(&std::process::id().to_string()), "{}", failure.worker);
    assert_eq!(pool.apply(divide, (7, 2)).await.unwrap(), 3);
    stop(worker).await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_dead_in_the_end() {
    let manager = with_tasks("task:attempts=2").await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let worker = start(manager.worker("task").try_each(move |n: u32| {
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Err("not yet".to_owned()),
            1 => panic!("again"),
            2 => Ok(n),
            _ => Err(format!("never {n}")),
        }
    }));
    let tasks = manager.queue::<u32>("task").await.unwrap();
    tasks.put(&1).await.unwrap();
    tasks.join().await.unwrap(); // one died by its second attempt
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    tasks.put(&7).await.unwrap();
    assert_eq!(manager.queue::<u32>("result").await.unwrap().get().await.unwrap(), 7);
    tasks.put(&8).await.unwrap();
    tasks.join().await.unwrap();
    let dead = manager.call("queues", &[]).await.unwrap().to_string();
    assert!(dead.contains("'dead': 2"), "{dead}");
    stop(worker).await;
}

#[tokio::test]
async fn a_task_that_takes_too_long_is_given_up() {
    let manager = local().await;
    let hangs = Arc::new(AtomicU32::new(0));
    for concurrency in [Concurrency::Tasks(1), Concurrency::Threads(1)] {
        hangs.store(0, Ordering::Relaxed);
        let tries = Arc::clone(&hangs);
        let worker = manager
            .worker("task")
            .concurrency(concurrency)
            .timeout(Duration::from_millis(200))
            .each(move |n: u64| {
                let is_over = tries.fetch_add(1, Ordering::Relaxed) > 0;
                async move { if is_over { n } else { pending().await } }
            });
        let worker = start(worker);
        manager.queue("task").await.unwrap().put(&5).await.unwrap();
        assert_eq!(manager.queue::<u64>("result").await.unwrap().get().await.unwrap(), 5);
        stop(worker).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_made_once_in_each_thread_and_once_for_async_tasks() {
    let manager = local().await;
    let (tasks, results) =
        (manager.queue("task").await.unwrap(), manager.queue::<u32>("result").await.unwrap());
    let made = Arc::new(AtomicU32::new(0));
    let (count, both) = (Arc::clone(&made), Arc::new(Barrier::new(2)));
    // `Cell` is neither `Sync` nor shared.
    let worker = manager
        .worker("task")
        .state(move || Cell::new(count.fetch_add(1, Ordering::Relaxed)))
        .each(move |state: &mut Cell<u32>, _: u32| {
            both.wait();
            state.get()
        })
        .concurrency(Concurrency::Threads(2));
    let worker = start(worker);
    tasks.put_all(&[0_u32; 20]).await.unwrap();
    let of: Vec<_> = results.items().take(20).map(Result::unwrap).collect().await;
    assert_eq!(of.iter().filter(|state| **state == 0).count(), 10, "{of:?}");
    assert_eq!(made.load(Ordering::Relaxed), 2);
    stop(worker).await;

    let count = Arc::clone(&made);
    let worker = manager
        .worker("task")
        .state(move || count.fetch_add(1, Ordering::Relaxed))
        .each(|state: Arc<u32>, _: u32| async move { *state });
    let worker = start(worker);
    tasks.put_all(&[0; 5]).await.unwrap();
    assert!(results.items().take(5).all(|it| async move { it.unwrap() == 2 }).await);
    assert_eq!(made.load(Ordering::Relaxed), 3);
    stop(worker).await;
}

#[tokio::test]
async fn a_state_that_cannot_be_made_is_told_and_nothing_is_taken() {
    let manager = local().await;
    let tasks = manager.queue::<u32>("task").await.unwrap();
    tasks.put(&1).await.unwrap();
    let refused = manager.worker("task").try_state(|| Err::<u32, _>("no such database"));
    let panics = manager.worker("task").state(|| -> u32 { panic!("no such model") });
    for (worker, why) in [(refused, "no such database"), (panics, "no such model at ")] {
        let error = worker.each(|_: &mut u32, n: u32| n).run().await.unwrap_err();
        assert!(matches!(&error, WorkerError::State(said) if said.starts_with(why)), "{error}");
    }
    let lease = tasks.lease().await.unwrap();
    assert_eq!(lease.attempt(), 1);
}

#[tokio::test]
async fn what_cannot_run_is_refused_at_the_door() {
    let manager = local().await;
    let worker = || manager.worker("task");
    let refused = [
        (worker().concurrency(Concurrency::Processes(1)).each(|n: u32| n), "#[piecework::task]"),
        (worker().each(|n: u32| n).task("double", |n: u32| n * 2), "not both: \"double\""),
        (worker().each(|n: u32| n).initializer(square, &(1,)), "`state` is for closures what"),
    ];
    for (worker, words) in refused {
        let error = worker.run().await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let with_state = worker().state(|| 0).each(|_: &mut i32, n: u32| n);
    let error = with_state.concurrency(Concurrency::Tasks(1)).run().await.unwrap_err().to_string();
    assert!(error.contains("`Concurrency::Threads` has one for each"), "{error}");
    let sharing = worker().state(|| 0).each(|_: Arc<i32>, n: u32| async move { n });
    let error = sharing.concurrency(Concurrency::Threads(1)).run().await.unwrap_err().to_string();
    assert!(error.contains("takes the state as `&mut`"), "{error}");
    let error = worker().state(|| 0).run().await.unwrap_err().to_string();
    assert!(error.contains("`initializer` runs a task first"), "{error}");
}

#[tokio::test]
async fn the_first_stop_finishes_what_is_at_work_and_gives_the_rest_back() {
    let manager = local().await;
    let (tasks, results) =
        (manager.queue("task").await.unwrap(), manager.queue::<u32>("result").await.unwrap());
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let worker = manager.worker("task").concurrency(Concurrency::Tasks(1)).each(move |n: u32| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            if n == 99 {
                tell.notify_one();
                wait.notified().await;
            }
            n
        }
    });
    let (stopper, running) = start(worker);
    // Short ones first, so that many are taken ahead when the long one comes.
    tasks.put_all(&[0; 100]).await.unwrap();
    results.items().take(100).for_each(|_| async {}).await;
    let all: Vec<u32> = [99].into_iter().chain(0..30).collect();
    tasks.put_all(&all).await.unwrap();
    begun.notified().await;
    stopper.stop();
    // What was taken ahead is there again, as if it had never been handed out.
    while tasks.len().await.unwrap() < 30 {
        tokio::task::yield_now().await;
    }
    for expected in 0..30 {
        let lease = tasks.lease().await.unwrap();
        assert_eq!((*lease, lease.attempt()), (expected, 1));
        lease.ack().await.unwrap();
    }
    assert!(!running.is_finished());
    go_on.notify_one();
    running.await.unwrap().unwrap();
    assert_eq!(results.get().await.unwrap(), 99);
    assert_eq!((tasks.try_get().await.unwrap(), results.try_get().await.unwrap()), (None, None));
}

#[tokio::test]
async fn a_none_ends_the_worker_behind_what_is_in_front_of_it() {
    let manager = local().await;
    let tasks = manager.queue("task").await.unwrap();
    let results = manager.queue::<u32>("result").await.unwrap();
    // More than it does at a time: it has taken them ahead when the mark comes.
    let items: Vec<Option<u32>> = (0..30).map(Some).chain([None, Some(99)]).collect();
    for _ in 0..20 {
        tasks.put_all(&items).await.unwrap();
        let worker = manager.worker("task").concurrency(Concurrency::Tasks(1));
        worker.each(|n: u32| async move { n }).run().await.unwrap();
        let done: Vec<_> = results.items().take(30).map(Result::unwrap).collect().await;
        assert_eq!(done, (0..30).collect::<Vec<_>>());
        assert_eq!(tasks.get().await.unwrap(), Some(99));
    }
}

#[tokio::test]
async fn the_second_stop_ends_what_is_at_work_and_its_attempt_does_not_count() {
    let manager = local().await;
    let tasks = manager.queue::<u32>("task").await.unwrap();
    for is_dropped in [false, true] {
        let begun = Arc::new(Notify::new());
        let tell = Arc::clone(&begun);
        let (stopper, running) = start(manager.worker("task").each(move |_: u32| {
            tell.notify_one();
            pending::<u32>()
        }));
        tasks.put(&7).await.unwrap();
        begun.notified().await;
        if is_dropped {
            running.abort();
        } else {
            stopper.stop();
            stopper.stop();
            running.await.unwrap().unwrap();
        }
        let lease = tasks.lease().await.unwrap();
        assert_eq!((*lease, lease.attempt()), (7, 1));
        lease.ack().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_worker_has_no_function_for_another_does() {
    let manager = local().await;
    let tasks = manager.queue("task").await.unwrap();
    let answers = manager.queue::<Answer<u32>>("result").await.unwrap();
    let old = start(manager.worker("task").task("old", |n: u32| n));
    tasks.put(&Order { task: "new", args: (7,), id: 1 }).await.unwrap();
    // What is behind it is not held up.
    for id in 2..20 {
        tasks.put(&Order { task: "old", args: (7,), id }).await.unwrap();
    }
    let mut ids = Vec::new();
    while ids.len() < 18 {
        ids.push(answers.get().await.unwrap().id);
    }
    assert!(!ids.contains(&1), "{ids:?}");
    // It goes round, but not fast: so often it was handed out while a second passed.
    let handed_out = || async {
        let queues = manager.call("queues", &[]).await.unwrap().to_string();
        let (_, rest) = queues.split_once("'name': 'task'").unwrap();
        let (_, rest) = rest.split_once("'got_total': ").unwrap();
        rest.split_once(',').unwrap().0.parse::<u32>().unwrap()
    };
    let before = handed_out().await;
    tokio::time::sleep(Duration::from_secs(1)).await; // rhythm: what is not to be fast
    let times = handed_out().await - before;
    assert!(times < 10, "handed out {times} times in a second");
    let new = start(manager.worker("task").task("new", |n: u32| n + 1));
    assert_eq!(answers.get().await.unwrap(), Answer { id: 1, result: 8 });
    stop(old).await;
    stop(new).await;
}

#[tokio::test]
async fn a_long_task_keeps_its_lease() {
    let manager = with_tasks("task:lease=2s").await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let worker = start(manager.worker("task").each(move |n: u32| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_millis(3_500)).await; // rhythm: what is renewed
            n
        }
    }));
    manager.queue("task").await.unwrap().put(&7).await.unwrap();
    assert_eq!(manager.queue::<u32>("result").await.unwrap().get().await.unwrap(), 7);
    assert_eq!(tries.load(Ordering::Relaxed), 1);
    stop(worker).await;
}

#[tokio::test]
async fn what_makes_no_sense_fails_and_holds_nothing_up() {
    let manager = local().await;
    let words = manager.queue::<String>("task").await.unwrap();
    let worker = start(manager.worker("task").task("double", |n: u32| n * 2));
    words.put(&"abc".to_owned()).await.unwrap();
    let tasks = manager.queue("task").await.unwrap();
    tasks.put(&Order { task: "double", args: (7,), id: 2 }).await.unwrap();
    let answers = manager.queue::<Answer<u32>>("result").await.unwrap();
    assert_eq!(answers.get().await.unwrap(), Answer { id: 2, result: 14 });
    stop(worker).await;
}

#[tokio::test]
async fn more_at_a_time_than_can_be_is_refused() {
    for concurrency in [Concurrency::Threads(usize::MAX), Concurrency::Tasks(100_001)] {
        let worker = local().await.worker("task").each(|n: u64| n).concurrency(concurrency);
        let error = worker.run().await.unwrap_err();
        assert!(matches!(error, WorkerError::TooMany { .. }), "{error:?}");
    }
}
