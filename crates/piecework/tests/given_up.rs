//! Calls whose futures are dropped when their replies have come already: what those brought is
//! somebody else's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use piecework::Manager;
use tokio::sync::Notify;

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
