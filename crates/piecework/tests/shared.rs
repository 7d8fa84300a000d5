//! Rust and unmodified Python programs at the same objects of one manager: what one does the other
//! sees, on every Python found.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::path::PathBuf;
use std::process::Stdio;

use piecework::server::{Config, QueueSpec};
use piecework::{Key, Manager};
use tokio::process::Command;

/// What every script begins with.
const HEAD: &str = "
import sys
from multiprocessing.managers import AcquirerProxy, ConditionProxy, DictProxy, SyncManager

class Manager(SyncManager):
    pass

Manager.register('tasks')
Manager.register('results')
Manager.register('accounts', proxytype=AcquirerProxy, exposed=('acquire', 'release'))
Manager.register('again', proxytype=AcquirerProxy, exposed=('acquire', 'release'))
Manager.register('ages', proxytype=DictProxy)
Manager.register('news', proxytype=ConditionProxy)
manager = Manager(address=('127.0.0.1', int(sys.argv[1])), authkey=b'abc')
manager.connect()
";

/// A manager with all of it, and the port that Python finds it at.
async fn manager() -> (Manager, String) {
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.queues = ["tasks", "results"].map(QueueSpec::named).into();
    config.objects = ["accounts:Lock", "again:RLock", "ages:dict", "news:Condition"]
        .map(|it| it.parse().unwrap())
        .into();
    let manager = Manager::serve(config).await.unwrap();
    let port = manager.address().rsplit(':').next().unwrap().to_owned();
    (manager, port)
}

/// Runs a script under each Python beside what Rust does meanwhile.
async fn beside(script: &str, rust: impl AsyncFn(&Manager)) {
    for python in pythons() {
        let (manager, port) = manager().await;
        let child = Command::new(&python)
            .args(["-c", &format!("{HEAD}{script}"), &port])
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        rust(&manager).await;
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}: {output:?}", python.display());
    }
}

/// `PIECEWORK_PYTHONS`, paths with `:` between them; else `python3`.
fn pythons() -> Vec<PathBuf> {
    match std::env::var_os("PIECEWORK_PYTHONS") {
        Some(listed) => std::env::split_paths(&listed).collect(),
        None => vec![PathBuf::from("python3")],
    }
}

#[tokio::test]
async fn a_queue() {
    let script = "
tasks, results = manager.tasks(), manager.results()
for _ in range(3):
    n = tasks.get()
    results.put({'n': n, 'text': '%d * %d = %d' % (n, n, n * n)})
";
    beside(script, async |manager| {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Answer {
            n: u64,
            text: String,
        }
        manager.queue("tasks").await.unwrap().put_all(&[3_u64, 4, 5]).await.unwrap();
        let results = manager.queue::<Answer>("results").await.unwrap();
        for n in [3, 4, 5] {
            let text = format!("{n} * {n} = {}", n * n);
            assert_eq!(results.get().await.unwrap(), Answer { n, text });
        }
    })
    .await;
}

#[tokio::test]
async fn a_lock_and_a_dict() {
    let script = "
lock, ages = manager.accounts(), manager.ages()
for _ in range(50):
    with lock:
        ages['sum'] = ages.get('sum', 0) + 1
";
    beside(script, async |manager| {
        let lock = manager.lock("accounts").await.unwrap();
        let ages = manager.dict::<String, u32>("ages").await.unwrap();
        let sum = "sum".to_owned();
        for _ in 0..50 {
            let held = lock.lock().await.unwrap();
            let so_far = ages.get(&sum).await.unwrap().unwrap_or(0);
            ages.insert(&sum, &(so_far + 1)).await.unwrap();
            held.unlock().await.unwrap();
        }
        loop {
            let held = lock.lock().await.unwrap();
            if ages.get(&sum).await.unwrap() == Some(100) {
                break;
            }
            held.unlock().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_lock_that_its_owner_gets_again() {
    let script = "
lock, ages = manager.again(), manager.ages()
for _ in range(50):
    with lock, lock:
        ages['sum'] = ages.get('sum', 0) + 1
";
    beside(script, async |manager| {
        let lock = manager.rlock("again").await.unwrap();
        let ages = manager.dict::<String, u32>("ages").await.unwrap();
        let sum = "sum".to_owned();
        for added in 0.. {
            let outer = lock.lock().await.unwrap();
            let inner = lock.lock().await.unwrap();
            let so_far = ages.get(&sum).await.unwrap().unwrap_or(0);
            if so_far == 100 {
                break;
            }
            if added < 50 {
                ages.insert(&sum, &(so_far + 1)).await.unwrap();
            }
            outer.unlock().await.unwrap();
            inner.unlock().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_condition() {
    let script = "
news, ages = manager.news(), manager.ages()
with news:
    while 'question' not in ages:
        news.wait()
    ages['answer'] = ages['question'] + 1
    news.notify_all()
";
    beside(script, async |manager| {
        let news = manager.condition("news").await.unwrap();
        let ages = manager.dict::<String, u32>("ages").await.unwrap();
        let mut held = news.lock().await.unwrap();
        ages.insert(&"question".to_owned(), &41).await.unwrap();
        held.notify_all().await.unwrap();
        while !ages.contains(&"answer".to_owned()).await.unwrap() {
            held = held.wait().await.unwrap();
        }
        assert_eq!(ages.get(&"answer".to_owned()).await.unwrap(), Some(42));
    })
    .await;
}
