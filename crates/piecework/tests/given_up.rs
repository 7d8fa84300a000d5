//! Calls whose futures are dropped when their replies have come already: what those brought is
//! somebody else's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use piecework::{Manager, Payload, Settle};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Begins a call, has `then` done, and returns once the reply is there and nobody has taken it.
async fn replied<F: Future>(call: Pin<&mut F>, then: impl Future<Output = ()>) {
    let woken = Arc::new(Woken(Notify::new()));
    let waker = Waker::from(Arc::clone(&woken));
    assert!(call.poll(&mut Context::from_waker(&waker)).is_pending());
    then.await;
    woken.0.notified().await;
}

#[tokio::test]
async fn a_lease_that_has_come_goes_back() {
    let manager = Manager::local().await.unwrap();
    let queue = manager.queue::<u32>("task").await.unwrap();
    let other = manager.queue::<u32>("task").await.unwrap();
    {
        let mut lease = pin!(queue.lease());
        replied(lease.as_mut(), async { other.put(&7).await.unwrap() }).await;
    }
    let lease = other.lease_timeout(PATIENCE).await.unwrap().unwrap();
    assert_eq!((*lease, lease.attempt()), (7, 1), "as if it had never been handed out");
}

#[tokio::test]
async fn an_item_that_was_got_goes_back_with_its_connection() {
    let manager = Manager::local().await.unwrap();
    let queue = manager.raw_queue("task").await.unwrap();
    let other = manager.queue::<u32>("task").await.unwrap();
    {
        let mut item = pin!(queue.get(None));
        replied(item.as_mut(), async { other.put(&7).await.unwrap() }).await;
    }
    assert_eq!(other.get_timeout(PATIENCE).await.unwrap(), Some(7));
    assert!(queue.qsize().await.is_err(), "its session has ended");
}

#[tokio::test]
async fn a_permit_that_has_come_is_released() {
    let manager = Manager::local().await.unwrap();
    let semaphore = manager.semaphore("s", 1).await.unwrap();
    // It leaves a session behind, so that the next call goes out at once.
    let held = semaphore.acquire().await.unwrap();
    {
        let mut permit = pin!(semaphore.acquire());
        replied(permit.as_mut(), async { drop(held) }).await;
    }
    assert!(semaphore.acquire_timeout(PATIENCE).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_taken_out_of_a_list_or_a_dict_is_put_back() {
    let manager = Manager::local().await.unwrap();
    let list = manager.list::<u32>("list").await.unwrap();
    let dict = manager.dict::<String, u32>("dict").await.unwrap();
    let key = "a".to_owned();
    list.extend(&[1, 2, 3]).await.unwrap();
    dict.insert(&key, &7).await.unwrap();
    replied(pin!(list.pop()).as_mut(), async {}).await;
    replied(pin!(list.remove(0)).as_mut(), async {}).await;
    assert_eq!(list.items().await.unwrap(), [1, 2, 3]);
    replied(pin!(dict.pop()).as_mut(), async {}).await;
    assert_eq!(dict.entries().await.unwrap(), [(key.clone(), 7)]);
    replied(pin!(dict.remove(&key)).as_mut(), async {}).await;
    assert_eq!(dict.entries().await.unwrap(), [(key, 7)]);
}

#[tokio::test]
async fn what_is_settled_is_settled_by_then() {
    let manager = Manager::local().await.unwrap();
    let (session, other) = (manager.session().await.unwrap(), manager.session().await.unwrap());
    let busy = session.queue("busy").await.unwrap();
    other.queue("busy").await.unwrap().put(&Payload::from_value(&1.into())).await.unwrap();
    let doing = other.queue("busy").await.unwrap().lease(1, None).await.unwrap().remove(0);
    let tasks = session.queue("task").await.unwrap();
    tasks.put(&Payload::from_value(&1.into())).await.unwrap();
    let task = tasks.lease(1, None).await.unwrap().remove(0);
    // As many calls as may be under way, and as many again, wait for that item.
    let mut joins: Vec<_> = (0..3_000).map(|_| Box::pin(busy.join())).collect();
    for _ in 0..3 {
        for join in &mut joins {
            assert!(join.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        tokio::task::yield_now().await;
    }
    let mut settled = Box::pin(tasks.settle(task.id, Settle::Ack));
    assert!(settled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(settled);
    drop(joins);
    other.queue("busy").await.unwrap().settle(doing.id, Settle::Ack).await.unwrap();
    let done = other.queue("task").await.unwrap();
    timeout(PATIENCE, done.join()).await.expect("the task is done").unwrap();
}
