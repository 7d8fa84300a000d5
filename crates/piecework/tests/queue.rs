//! Queues of a type, against piecework's own manager: what is promised of each item.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use piecework::{AnswerError, GetError, Manager, Queue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

const NO_TIME: Duration = Duration::ZERO;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Mail {
    to: String,
    tries: Option<u8>,
}

async fn queue<T>() -> Queue<T> {
    Manager::local().await.unwrap().queue("task").await.unwrap()
}

#[tokio::test]
async fn items_come_as_they_were_put() {
    let queue = queue::<Mail>().await;
    let mail = |to: &str| Mail { to: to.to_owned(), tries: None };
    queue.put(&mail("a")).await.unwrap();
    queue.put_all(&[mail("b"), mail("c")]).await.unwrap();
    assert_eq!((queue.len().await.unwrap(), queue.is_empty().await.unwrap()), (3, false));
    assert_eq!(queue.get().await.unwrap(), mail("a"));
    assert_eq!(queue.items().next().await.unwrap().unwrap(), mail("b"));
    assert_eq!(queue.get_timeout(Duration::from_secs(60)).await.unwrap(), Some(mail("c")));
    assert_eq!(queue.try_get().await.unwrap(), None);
    assert_eq!(queue.get_timeout(Duration::from_millis(1)).await.unwrap(), None);
    queue.put(&mail("d")).await.unwrap();
    assert_eq!(queue.get_timeout(Duration::MAX).await.unwrap(), Some(mail("d")));
    queue.join().await.unwrap();
}

#[tokio::test]
async fn a_call_that_waits_keeps_nobody_from_anything() {
    let queue = queue::<u32>().await;
    let mut waiting = pin!(queue.get());
    assert!(waiting.as_mut().now_or_never().is_none());
    // Over the same connection, behind the call that waits.
    assert_eq!(queue.len().await.unwrap(), 0);
    queue.put(&7).await.unwrap();
    assert_eq!(waiting.await.unwrap(), 7);
}

#[tokio::test]
async fn who_does_not_wait_gets_what_is_there_while_others_get() {
    let queue = queue::<u32>().await;
    queue.put_all(&[1, 2]).await.unwrap();
    let (first, second) = tokio::join!(queue.get(), queue.try_get());
    assert_eq!((first.unwrap(), second.unwrap()), (1, Some(2)));
}

#[tokio::test]
async fn what_is_given_up_takes_nothing_along() {
    let queue = queue::<u32>().await;
    for round in 0..20 {
        let getting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        queue.put(&round).await.unwrap();
        getting.abort();
        let got = match getting.await {
            Ok(got) => got.unwrap(),
            Err(_) => queue.get().await.unwrap(),
        };
        assert_eq!(got, round);
    }
}

/// A reply has come, and whoever waited for it does not look at it any more.
#[tokio::test]
async fn what_has_come_and_is_not_taken_goes_back() {
    let manager = Manager::local().await.unwrap();
    let queue = manager.queue::<u32>("task").await.unwrap();
    // A call over the same connection would have the one that waits begin anew.
    let other = manager.queue::<u32>("task").await.unwrap();
    for calls in 0..20 {
        let (mut got, mut leased) = (Box::pin(queue.get()), Box::pin(queue.lease()));
        assert!(got.as_mut().now_or_never().is_none() && leased.as_mut().now_or_never().is_none());
        other.put_all(&[1, 2]).await.unwrap();
        for _ in 0..calls {
            other.len().await.unwrap();
        }
        drop((got, leased));
        let patience = Duration::from_secs(5);
        let first = other.get_timeout(patience).await.unwrap();
        let second = other.get_timeout(patience).await.unwrap();
        assert_eq!((first, second), (Some(1), Some(2)), "after {calls} calls");
    }
    queue.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_share_one_connection() {
    const ITEMS: u32 = 2_000;
    let queue = queue::<u32>().await;
    let mut getters = JoinSet::new();
    for _ in 0..20 {
        let queue = queue.clone();
        getters.spawn(async move {
            let mut got = Vec::new();
            while let Some(item) = queue.get_timeout(Duration::from_secs(60)).await.unwrap() {
                match item {
                    u32::MAX => break,
                    item => got.push(item),
                }
            }
            got
        });
    }
    let mut putters = JoinSet::new();
    for item in 0..ITEMS {
        let queue = queue.clone();
        putters.spawn(async move { queue.put(&item).await.unwrap() });
    }
    putters.join_all().await;
    queue.put_all(&[u32::MAX; 20]).await.unwrap();
    let got = getters.join_all().await.concat();
    assert_eq!(got.len(), ITEMS as usize);
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>().len(), ITEMS as usize);
}

#[tokio::test]
async fn a_lease_is_settled_or_has_failed() {
    let queue = queue::<u32>().await;
    let answers: Queue<String> = Manager::local().await.unwrap().queue("result").await.unwrap();
    queue.put_all(&[1, 2]).await.unwrap();
    let first = queue.lease().await.unwrap();
    assert_eq!((*first, first.attempt()), (1, 1));
    first.release().await.unwrap();
    let again = queue.lease().await.unwrap();
    assert_eq!((*again, again.attempt()), (1, 1));
    drop(again);
    let failed = loop {
        // The end of a lease that is dropped travels by itself.
        match queue.lease().await.unwrap() {
            lease if *lease == 1 => break lease,
            lease => lease.release().await.unwrap(),
        }
    };
    assert_eq!(failed.attempt(), 2);
    failed.ack().await.unwrap();
    let error = queue.lease().await.unwrap().answer(&answers, &"2".to_owned()).await;
    assert!(matches!(error, Err(AnswerError::Elsewhere(_))), "{error:?}");
    assert_eq!(queue.get().await.unwrap(), 2);
    assert!(queue.lease_timeout(NO_TIME).await.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_and_its_task_are_one() {
    let manager = Manager::local().await.unwrap();
    let tasks: Queue<u32> = manager.queue("task").await.unwrap();
    let results: Queue<String> = manager.queue("result").await.unwrap();
    tasks.put(&3).await.unwrap();
    tasks.lease().await.unwrap().answer(&results, &"9".to_owned()).await.unwrap();
    assert_eq!(results.get().await.unwrap(), "9");
    assert_eq!(tasks.try_get().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_of_another_type_fails_and_does_not_stay_in_the_way() {
    let manager = Manager::local().await.unwrap();
    let words: Queue<String> = manager.queue("task").await.unwrap();
    let numbers: Queue<u32> = manager.queue("task").await.unwrap();
    words.put(&"abc".to_owned()).await.unwrap();
    numbers.put(&1).await.unwrap();
    let error = numbers.get().await.unwrap_err();
    let GetError::Mismatch(mismatch) = &error else { panic!("{error:?}") };
    assert_eq!((mismatch.found.as_str(), mismatch.kind), ("'abc'", "u32"));
    while numbers.try_get().await.is_err() {}
    assert_eq!(numbers.len().await.unwrap(), 0);
}

#[tokio::test]
async fn a_put_under_the_same_key_is_one() {
    let queue = queue::<u32>().await;
    queue.put_once("a", &1).await.unwrap();
    queue.put_once("a", &2).await.unwrap();
    assert_eq!((queue.get().await.unwrap(), queue.try_get().await.unwrap()), (1, None));
}

#[tokio::test]
async fn a_manager_that_comes_back_is_found_again() {
    use piecework::server::{Config, QueueSpec};
    use piecework::{CallError, Key, OpenError};
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket").display().to_string();
    let config = |socket: &str| {
        let mut config = Config::new(Key::new("abc"));
        config.listen = vec![socket.parse().unwrap()];
        config.queues = vec![QueueSpec::named("task")];
        config
    };
    let served = Manager::serve(config(&socket)).await.unwrap();
    let address = format!("{}/nobody,{socket}", folder.path().display());
    let manager = Manager::connect(address, Key::new("abc")).await.unwrap();
    let queue: Queue<u32> = manager.queue("task").await.unwrap();
    queue.put(&1).await.unwrap();
    assert_eq!(queue.get().await.unwrap(), 1);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.get().await }
    });
    served.stop().await.unwrap();
    let served = Manager::serve(config(&socket)).await.unwrap();
    served.queue::<u32>("task").await.unwrap().put(&2).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 2);
    served.stop().await.unwrap();
    let manager = manager.with_patience(NO_TIME);
    let error = manager.queue::<u32>("task").await.unwrap_err();
    assert!(matches!(error, OpenError::Call(CallError::Unreachable { .. })), "{error}");
}
