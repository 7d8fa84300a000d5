//! Many peers at once: thousands that say nothing, as many guesses as fit, and clients that vanish
//! wherever they are.

use crate::support::{Client, KEY, Running, value};
use crate::{Working, after_challenge, failure, last_words};
use bytes::BytesMut;
use piecework_server::Limits;
use piecework_wire::Value;
use piecework_wire::auth::{self, Challenge, Key, WELCOME};
use piecework_wire::frame;
use piecework_wire::request::{ArgOut, request};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{pause, resume};

/// As many connections without a key as there should be, and no more than this process may have:
/// both ends of each are in it.
fn crowd() -> usize {
    const WANTED: usize = 5_000;
    const OTHERS: u64 = 100;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Whoever may not have more goes on with what there is.
    let _ = setrlimit(Resource::Nofile, limit);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(OTHERS);
    usize::try_from(files / 2).unwrap().min(WANTED)
}

#[tokio::test]
async fn five_thousand_without_a_key_hold_no_more_places_than_there_are() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let (crowd, places) = (crowd(), Limits::default().unauthenticated_max);
    let mut silent = Vec::new();
    for number in 0..crowd {
        let mut peer = server.dial().await;
        peer.read().await.expect("the challenge");
        silent.push(peer);
        if number % 500 == 0 {
            working.is_served().await;
        }
    }
    for peer in silent.iter_mut().take(crowd.saturating_sub(places)) {
        assert_eq!(peer.read().await, None, "the oldest are shown out");
    }
    let mut newcomer = Working::start(&server).await;
    newcomer.is_served().await;
    working.is_served().await;
    server.stop().await;
}

/// Wrong keys from one address, as fast as they fit: each is told `#FAILURE#` and nothing else,
/// all but the first only after a while (which then passes on a paused clock), and the right key is
/// let in meanwhile.
#[tokio::test]
async fn wrong_keys_at_full_rate_are_told_failure_and_slow_nobody_else_down() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let mut guesses = JoinSet::new();
    for number in 0..500_u32 {
        let mut peer = server.dial().await;
        peer.write(&[number.to_be_bytes(); 4].concat()).await;
        guesses.spawn(async move {
            let said = last_words(&mut peer).await;
            assert_eq!(after_challenge(&said), failure());
        });
        working.is_served().await;
    }
    let mut answered = 0;
    while guesses.try_join_next().is_some() {
        answered += 1;
    }
    assert!(answered < 50, "{answered} guesses got their answers at once");
    Working::start(&server).await.is_served().await;
    pause();
    while let Some(guessed) = guesses.join_next().await {
        guessed.unwrap();
    }
    resume();
    working.is_alone().await;
    server.stop().await;
}

/// What a client sends until its first item is in its hands, message by message.
async fn step(peer: &mut Client, number: usize, ident: &str) -> BytesMut {
    let mut out = BytesMut::new();
    match number {
        0 => {
            let theirs = peer.read().await.unwrap();
            frame::put(&mut out, &auth::answer(&Key::new(KEY), &theirs).unwrap());
        }
        1 => {
            peer.read().await.unwrap();
            frame::put(&mut out, &Challenge::new([7; 40]).message());
        }
        2 => {
            peer.read().await.unwrap();
            frame::put(&mut out, WELCOME);
        }
        3 => request(&mut out, None, "accept_connection", &[ArgOut::Str("MainProcess")], &[]),
        _ => {
            peer.read().await.unwrap();
            request(&mut out, Some(ident), "get", &[], &[]);
        }
    }
    out
}

/// A client that goes before, within and after each of its messages: nothing of it stays, and the
/// item that it may have been about to get is still there.
#[tokio::test]
async fn clients_that_vanish_at_any_stage_leave_nothing_behind() {
    const STEPS: usize = 5;
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let mut owner = server.main("MainProcess").await;
    let (result, ident) = (server.create("result").await, server.create("result").await);
    owner.put(&result, 7).await;
    for last in 0..STEPS {
        for share in 0..=4 {
            let mut peer = server.dial().await;
            for number in 0..=last {
                let message = step(&mut peer, number, &ident).await;
                let len = if number == last { message.len() * share / 4 } else { message.len() };
                peer.stream.write_all(&message[..len]).await.unwrap();
            }
            drop(peer);
            working.is_served().await;
        }
    }
    owner.wait_until("result", "ready", 1).await;
    assert_eq!(value(owner.get(&result).await), Value::Int(7));
    drop(owner);
    working.is_alone().await;
    server.stop().await;
}
