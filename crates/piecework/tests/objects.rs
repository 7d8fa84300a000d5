//! Locks, values and the like from Rust, against piecework's own manager.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use piecework::{CallError, GetError, Manager};
use tokio::task::JoinSet;

const NO_TIME: Duration = Duration::ZERO;

async fn manager() -> Manager {
    Manager::local().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_keeps_a_balance_whole() {
    const TASKS: u64 = 8;
    let manager = manager().await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let manager = manager.clone();
        tasks.spawn(async move {
            let lock = manager.lock("accounts").await.unwrap();
            let balance = manager.value::<i64>("balance").await.unwrap();
            let mut fences = Vec::new();
            for _ in 0..20 {
                let held = lock.lock().await.unwrap();
                balance.set(&(balance.get().await.unwrap() + task as i64)).await.unwrap();
                balance.set(&(balance.get().await.unwrap() - task as i64)).await.unwrap();
                fences.push(held.fence().unwrap());
            }
            assert!(fences.is_sorted_by(|a, b| a < b), "{fences:?}");
            fences
        });
    }
    let mut fences = tasks.join_all().await.concat();
    fences.sort_unstable();
    fences.dedup();
    assert_eq!(fences.len() as u64, TASKS * 20, "each holding has a number of its own");
    assert_eq!(manager.value::<i64>("balance").await.unwrap().get().await.unwrap(), 0);
}

#[tokio::test]
async fn a_lock_is_had_by_one_and_freed_in_three_ways() {
    let manager = manager().await;
    let lock = manager.lock("a").await.unwrap();
    let held = lock.lock().await.unwrap();
    assert!(lock.try_lock().await.unwrap().is_none());
    assert!(lock.lock_timeout(Duration::from_millis(1)).await.unwrap().is_none());
    held.unlock().await.unwrap();
    drop(lock.try_lock().await.unwrap().unwrap());
    let held = lock.lock().await.unwrap();
    // A wait that is given up takes nothing.
    let mut waiting = Box::pin(lock.lock());
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut waiting).await.is_err());
    drop(waiting);
    held.unlock().await.unwrap();
    lock.lock().await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn an_owner_gets_its_lock_again() {
    let manager = manager().await;
    let lock = manager.rlock("a").await.unwrap();
    let other = manager.rlock("a").await.unwrap();
    let outer = lock.lock().await.unwrap();
    let inner = lock.clone().try_lock().await.unwrap().unwrap();
    let third = lock.lock_timeout(Duration::MAX).await.unwrap().unwrap();
    assert_eq!((outer.fence(), outer.fence()), (inner.fence(), third.fence()));
    assert!(other.try_lock().await.unwrap().is_none());
    outer.unlock().await.unwrap();
    drop(third);
    assert!(other.lock_timeout(Duration::from_millis(1)).await.unwrap().is_none());
    let mut waiting = pin!(other.lock());
    assert!(waiting.as_mut().now_or_never().is_none());
    let fence = inner.fence();
    inner.unlock().await.unwrap();
    let held = waiting.await.unwrap();
    assert!(held.fence() > fence);
    // A clone that waits keeps others of its owner out, and gives up its place with its future.
    let mut waiting = Box::pin(lock.lock());
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(lock.try_lock().await.unwrap().is_none());
    assert!(lock.lock_timeout(Duration::from_millis(1)).await.unwrap().is_none());
    drop(waiting);
    drop(held);
    lock.lock().await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn permits_are_counted() {
    let manager = manager().await;
    let semaphore = manager.semaphore("s", 2).await.unwrap();
    let (first, second) = (semaphore.acquire().await.unwrap(), semaphore.acquire().await.unwrap());
    assert!(semaphore.try_acquire().await.unwrap().is_none());
    let mut third = pin!(semaphore.acquire());
    assert!(third.as_mut().now_or_never().is_none());
    drop(first);
    let third = third.await.unwrap();
    second.keep();
    third.keep();
    assert!(semaphore.acquire_timeout(NO_TIME).await.unwrap().is_none());
    semaphore.release(1).await.unwrap();
    semaphore.acquire().await.unwrap().keep();
    let bounded = manager.bounded_semaphore("b", 1).await.unwrap();
    let error = bounded.release(1).await.unwrap_err();
    assert!(matches!(&error, CallError::Remote { class, .. } if class == "ValueError"), "{error}");
}

/// A wait may end at the moment at which it is served: while the reply is on its way, or when it
/// has come and was not looked at.
#[tokio::test]
async fn a_permit_that_comes_too_late_goes_back() {
    let manager = manager().await;
    let semaphore = manager.semaphore("s", 0).await.unwrap();
    for calls in 0..20 {
        let mut waiting = Box::pin(semaphore.acquire());
        assert!(waiting.as_mut().now_or_never().is_none());
        while !manager.call("sessions", &[]).await.unwrap().to_string().contains("acquire") {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        semaphore.release(1).await.unwrap();
        for _ in 0..calls {
            manager.call("sessions", &[]).await.unwrap();
        }
        drop(waiting);
        let patience = Duration::from_secs(5);
        let permit = semaphore.acquire_timeout(patience).await.unwrap();
        permit.unwrap_or_else(|| panic!("lost after {calls} calls")).keep();
    }
}

#[tokio::test]
async fn an_event_is_waited_for_by_many() {
    let manager = manager().await;
    let event = manager.event("go").await.unwrap();
    assert!(!event.is_set().await.unwrap());
    assert!(!event.wait_timeout(Duration::from_millis(1)).await.unwrap());
    let mut waiters = JoinSet::new();
    for _ in 0..3 {
        let event = event.clone();
        waiters.spawn(async move { event.wait().await.unwrap() });
    }
    event.set().await.unwrap();
    waiters.join_all().await;
    event.clear().await.unwrap();
    assert!(!event.is_set().await.unwrap());
}

#[tokio::test]
async fn a_barrier_opens_for_all() {
    let manager = manager().await;
    let barrier = manager.barrier("all", 3).await.unwrap();
    let mut waiters = JoinSet::new();
    for _ in 0..3 {
        let barrier = barrier.clone();
        waiters.spawn(async move { barrier.wait().await.unwrap() });
    }
    let mut places = waiters.join_all().await;
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2]);
    let error = barrier.wait_timeout(Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("BrokenBarrierError"), "{error}");
    barrier.reset().await.unwrap();
}

#[tokio::test]
async fn a_notice_wakes_who_waits() {
    let manager = manager().await;
    let condition = manager.condition("news").await.unwrap();
    let list = manager.list::<u32>("list").await.unwrap();
    let waiting = tokio::spawn({
        let (condition, list) = (condition.clone(), list.clone());
        async move {
            let mut held = condition.lock().await.unwrap();
            while list.is_empty().await.unwrap() {
                held = held.wait().await.unwrap();
            }
            list.pop().await.unwrap()
        }
    });
    let held = condition.lock().await.unwrap();
    list.push(&7).await.unwrap();
    held.notify(1).await.unwrap();
    drop(held);
    assert_eq!(waiting.await.unwrap(), Some(7));
    let (held, notified) = condition.lock().await.unwrap().wait_timeout(NO_TIME).await.unwrap();
    assert!(!notified && held.fence().is_some());
}

#[tokio::test]
async fn containers_hold_what_is_put() {
    let manager = manager().await;
    let dict = manager.dict::<String, u32>("d").await.unwrap();
    let key = |text: &str| text.to_owned();
    dict.insert(&key("a"), &1).await.unwrap();
    assert_eq!(dict.get_or_insert(&key("a"), &5).await.unwrap(), 1);
    assert_eq!(dict.get_or_insert(&key("b"), &2).await.unwrap(), 2);
    assert_eq!(dict.entries().await.unwrap(), [(key("a"), 1), (key("b"), 2)]);
    assert_eq!(dict.keys().await.unwrap(), [key("a"), key("b")]);
    assert_eq!(dict.get(&key("c")).await.unwrap(), None);
    assert!(dict.contains(&key("a")).await.unwrap());
    assert_eq!(dict.remove(&key("a")).await.unwrap(), Some(1));
    assert_eq!(dict.remove(&key("a")).await.unwrap(), None);
    assert_eq!(dict.pop().await.unwrap(), Some((key("b"), 2)));
    assert_eq!(dict.pop().await.unwrap(), None);
    assert!(dict.is_empty().await.unwrap());

    let list = manager.list::<u32>("l").await.unwrap();
    list.extend(&[1, 2, 3]).await.unwrap();
    list.insert(0, &0).await.unwrap();
    list.set(1, &9).await.unwrap();
    assert_eq!(list.items().await.unwrap(), [0, 9, 2, 3]);
    assert_eq!((list.get(1).await.unwrap(), list.get(4).await.unwrap()), (Some(9), None));
    assert_eq!((list.remove(0).await.unwrap(), list.pop().await.unwrap()), (Some(0), Some(3)));
    assert_eq!(list.len().await.unwrap(), 2);

    let names = manager.namespace("n").await.unwrap();
    names.set("x", &1.5).await.unwrap();
    names.set("y", &"two").await.unwrap();
    assert_eq!(names.get::<f64>("x").await.unwrap(), Some(1.5));
    assert_eq!(names.get::<String>("y").await.unwrap(), Some(key("two")));
    assert_eq!(names.get::<String>("z").await.unwrap(), None);
    assert!(names.remove("x").await.unwrap() && !names.remove("x").await.unwrap());
}

#[tokio::test]
async fn a_name_has_one_type() {
    let manager = manager().await;
    manager.lock("a").await.unwrap();
    let error = manager.dict::<u32, u32>("a").await.unwrap_err().to_string();
    assert!(error.contains("'a' is a Lock, and no dict"), "{error}");
    let error = manager.lock("task").await.unwrap_err().to_string();
    assert!(error.contains("'task' is a queue"), "{error}");
}

#[tokio::test]
async fn whoever_waits_for_a_lock_waits_for_its_manager_too() {
    use piecework::Key;
    use piecework::server::Config;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket").display().to_string();
    let config = || {
        let mut config = Config::new(Key::new("abc"));
        config.listen = vec![socket.parse().unwrap()];
        config.objects = vec!["a:Lock".parse().unwrap()];
        config
    };
    let served = Manager::serve(config()).await.unwrap();
    let lock = Manager::connect(&socket, Key::new("abc")).await.unwrap().lock("a").await.unwrap();
    let held = served.lock("a").await.unwrap().lock().await.unwrap();
    let waiting = tokio::spawn(async move { lock.lock().await.map(|held| held.fence()) });
    while !served.call("sessions", &[]).await.unwrap().to_string().contains("acquire") {}
    served.stop().await.unwrap();
    drop(held);
    let _served = Manager::serve(config()).await.unwrap();
    assert!(waiting.await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn what_is_of_another_type_is_not_taken_out() {
    let manager = manager().await;
    let list = manager.list::<u32>("list").await.unwrap();
    list.extend(&[1, 2]).await.unwrap();
    let words = manager.list::<String>("list").await.unwrap();
    assert!(matches!(words.pop().await, Err(GetError::Mismatch(_))));
    assert!(matches!(words.remove(0).await, Err(GetError::Mismatch(_))));
    assert_eq!(list.items().await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn what_is_missing_is_told_with_a_way_to_have_it() {
    use piecework::server::Config;
    use piecework::{Key, OpenError};
    let manager = Manager::serve(Config::new(Key::new("abc"))).await.unwrap();
    for (opened, hint) in [
        (manager.lock("a").await.map(drop), "no Lock \"a\": it refused a:Lock, a, get_a with"),
        (manager.dict::<u8, u8>("a").await.map(drop), "hint: `piecework serve --object a:dict`"),
        (manager.queue::<u8>("a").await.map(drop), "hint: `piecework serve --queue a` has one"),
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, OpenError::Missing(_)), "{error:?}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}
