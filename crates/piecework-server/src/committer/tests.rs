//! Whoever tells of a decision waits until it is kept.

use super::site::{By, fails, quick, slow};
use crate::hub::Called;
use piecework_state::{Call, Lost, Payload, Reply, Wait};
use std::sync::Arc;
use tokio::task::yield_now;

#[tokio::test]
async fn what_comes_in_during_a_commit_is_the_next_batch() {
    let site = slow();
    let [a, b, c] = ["a", "b", "c"].map(|name| site.open(name));
    site.put(a);
    let first = site.tell();
    site.given(1).await;
    site.put(b);
    let second = site.tell();
    site.put(c);
    let third = site.tell();
    yield_now().await;
    assert!(!first.is_finished());
    site.say.send(Ok(())).unwrap();
    first.await.unwrap().unwrap();
    site.given(2).await;
    assert!(!second.is_finished() && !third.is_finished());
    site.say.send(Ok(())).unwrap();
    second.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    assert_eq!(site.batches(), [(1, By::Thread), (2, By::Thread)]);
}

#[tokio::test]
async fn what_is_decided_in_one_turn_is_kept_at_once_without_the_thread() {
    let site = Arc::new(quick());
    let tellers = ["a", "b", "c"].map(|name| {
        let site = Arc::clone(&site);
        let session = site.open(name);
        tokio::spawn(async move {
            site.put(session);
            site.hub.keep().await
        })
    });
    site.say.send(Ok(())).unwrap();
    for teller in tellers {
        teller.await.unwrap().unwrap();
    }
    assert_eq!(site.batches(), [(3, By::Teller)]);
}

#[tokio::test]
async fn what_a_quick_engine_takes_its_time_for_is_left_to_the_thread() {
    let site = quick();
    let a = site.open("a");
    site.put(a);
    site.say.send(Ok(())).unwrap();
    site.tell().await.unwrap().unwrap();
    let long = Call::put(site.task, Payload::opaque(vec![7; 1_000]));
    assert!(matches!(site.hub.call_queue(a, long), Called::Replied(_)));
    site.say.send(Ok(())).unwrap();
    site.tell().await.unwrap().unwrap();
    assert_eq!(site.batches(), [(1, By::Teller), (1, By::Thread)]);
}

#[tokio::test]
async fn who_is_alone_waits_for_the_disk_himself() {
    let site = slow();
    let others = site.hub.look(|state, _| state.session_stats());
    others.into_iter().for_each(|other| site.hub.end(other.id));
    let a = site.open("a");
    for (with, by) in [(None, By::Teller), (Some("b"), By::Thread)] {
        let _other = with.map(|name| site.open(name));
        site.put(a);
        site.say.send(Ok(())).unwrap();
        site.tell().await.unwrap().unwrap();
        assert_eq!(site.batches().last(), Some(&(1, by)));
    }
}

#[tokio::test]
async fn what_was_decided_is_kept_before_the_end_and_nothing_after_it() {
    for site in [slow(), quick()] {
        let a = site.open("a");
        site.put(a);
        let told = site.tell();
        site.say.send(Ok(())).unwrap();
        site.committer.close().unwrap();
        told.await.unwrap().unwrap();
        let put = Call::put(site.task, Payload::opaque("N"));
        assert!(matches!(site.hub.call_queue(a, put), Called::Replied(_)));
        assert_eq!(site.hub.keep().await, Err(Lost), "nobody keeps it");
    }
}

#[tokio::test]
async fn nothing_is_promised_once_something_was_not_kept() {
    for site in [slow(), quick()] {
        let [waiting, putter] = ["a", "b"].map(|name| site.open(name));
        let Called::Parked(got) = site.hub.call_queue(waiting, site.get(Wait::Forever)) else {
            panic!("there is nothing to get");
        };
        let Called::Parked(more) = site.hub.call_queue(site.open("c"), site.get(Wait::Forever))
        else {
            panic!("there is nothing to get");
        };
        site.put(putter);
        site.say.send(fails()).unwrap();
        let (put, getter) = (site.tell(), site.tell());
        assert!(got.await.is_ok(), "it may come, and not be told");
        assert_eq!(put.await.unwrap(), Err(Lost));
        assert_eq!(getter.await.unwrap(), Err(Lost));
        assert!(more.await.is_err(), "who waits waits for nothing");
        site.hub.asked_to_stop().await;
        let after = site.hub.call_queue(putter, Call::Qsize(site.task));
        assert!(matches!(after, Called::Lost), "{after:?}");
        assert_eq!(site.hub.keep().await, Err(Lost));
        assert!(site.committer.close().is_err());
    }
}

#[tokio::test]
async fn a_getter_that_waited_is_told_once_the_put_is_kept() {
    let site = slow();
    let mut getter = site.local("getter");
    let get = site.get(Wait::Forever);
    let got = tokio::spawn(async move { getter.call(get).await.unwrap() });
    yield_now().await;
    site.put(site.open("putter"));
    let put = site.tell();
    site.given(1).await;
    yield_now().await;
    assert!(!got.is_finished());
    site.say.send(Ok(())).unwrap();
    put.await.unwrap().unwrap();
    assert!(matches!(got.await.unwrap(), Reply::Item(_)));
}

#[tokio::test]
async fn what_nobody_tells_of_is_kept_by_the_thread() {
    for site in [slow(), quick()] {
        let [putter, worker] = ["putter", "worker"].map(|name| site.open(name));
        site.put(putter);
        site.say.send(Ok(())).unwrap();
        site.hub.keep().await.unwrap();
        assert!(matches!(site.hub.call_queue(worker, site.get(Wait::No)), Called::Replied(_)));
        site.hub.end(worker);
        // That its lease was lost is kept, though nobody asks.
        site.given(2).await;
        site.say.send(Ok(())).unwrap();
        assert_eq!(site.batches()[1], (1, By::Thread));
    }
}

#[tokio::test]
async fn what_a_call_acks_that_waits_is_kept_meanwhile() {
    for site in [slow(), quick()] {
        site.put(site.open("putter"));
        site.say.send(Ok(())).unwrap();
        let mut worker = site.local("worker");
        worker.call(site.get(Wait::No)).await.unwrap();
        let get = site.get(Wait::Forever);
        let waits = tokio::spawn(async move { worker.call(get).await.unwrap() });
        site.say.send(Ok(())).unwrap();
        site.given(2).await;
        assert!(!waits.is_finished());
        site.committer.close().unwrap();
    }
}

#[tokio::test]
async fn a_reply_that_is_given_up_while_it_is_kept_is_taken_back() {
    let site = slow();
    site.put(site.open("putter"));
    let mut worker = site.local("worker");
    let get = site.get(Wait::No);
    let got = tokio::spawn(async move { worker.call(get).await.unwrap() });
    site.given(1).await;
    assert!(site.ready() == 0 && !got.is_finished());
    got.abort();
    assert!(got.await.unwrap_err().is_cancelled());
    assert_eq!(site.ready(), 1);
    site.say.send(Ok(())).unwrap();
    site.say.send(Ok(())).unwrap();
    site.committer.close().unwrap();
}
