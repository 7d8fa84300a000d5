//! Before the key is shown: garbage, lengths that lie, messages out of order, and silence. All that
//! such a peer is ever told is the challenge and, at most, `#FAILURE#`.

use crate::support::{KEY, PATIENCE, Running};
use crate::{Working, after_challenge, failure, last_words};
use bytes::BytesMut;
use piecework_wire::auth::{self, CHALLENGE, Challenge, FAILURE, Key, WELCOME};
use piecework_wire::frame;
use piecework_wire::request::{ArgOut, request};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, advance, pause, resume};

/// What some client of another protocol, or of none, says first; and whether it makes a message
/// that can be an answer, which is then a wrong one.
const OPENINGS: [(&[u8], bool); 12] = [
    (b"GET / HTTP/1.1\r\nHost: manager\r\n\r\n", false),
    (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", false),
    (b"SSH-2.0-OpenSSH_9.6\r\n", false),
    (b"\0\0\x01\x01", false),
    (b"\x7f\xff\xff\xff", false),
    (b"\xff\xff\xff\xff\0\0\0\0\x80\0\0\0", false),
    (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", false),
    (b"\xff\xff\xff\xfe", false),
    (b"\x80\0\0\0", false),
    (b"\0\0\0\0", true),
    (b"\0\0\0\x04\0\0\0\0", true),
    (b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x03abc", true),
];

#[tokio::test]
async fn garbage_and_lengths_that_lie_are_turned_away_at_once() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let begun = Instant::now();
    // Three failures of an address are answered at once, as many as there are here.
    for (opening, is_answer) in OPENINGS {
        let mut peer = server.dial().await;
        peer.stream.write_all(opening).await.unwrap();
        let said = last_words(&mut peer).await;
        let told = if is_answer { failure() } else { Vec::new() };
        assert_eq!(after_challenge(&said), told, "{opening:x?}");
        working.is_served().await;
    }
    assert!(begun.elapsed() < PATIENCE, "not at once: some were read on until their time was up");
    server.stop().await;
}

/// What may come in place of an answer to the manager's challenge: it is a wrong answer, whatever
/// else it is.
#[tokio::test]
async fn whoever_speaks_out_of_turn_is_told_failure() {
    let server = Running::start(|_| ()).await;
    let mut put = BytesMut::new();
    request(&mut put, Some("task.1"), "put", &[ArgOut::Int(666)], &[]);
    let challenge = Challenge::new([7; 40]).message();
    let own_answer = auth::answer(&Key::new(KEY), &challenge).unwrap();
    for instead in [WELCOME, FAILURE, CHALLENGE, &challenge, &own_answer, &put[4..], b"{sha256}"] {
        let mut peer = server.dial().await;
        peer.write(instead).await;
        // What follows is read by nobody.
        peer.stream.write_all(&put).await.unwrap();
        assert_eq!(after_challenge(&last_words(&mut peer).await), failure(), "{instead:?}");
    }
    Working::start(&server).await.is_alone().await;
    server.stop().await;
}

/// A peer that has the manager answer its challenge would have an answer to pass on; the manager's
/// own challenge, sent back to it, must not be that.
#[tokio::test]
async fn a_challenge_that_is_sent_back_is_not_answered() {
    let server = Running::start(|_| ()).await;
    let (mut one, mut other) = (server.dial().await, server.dial().await);
    let challenge = one.read().await.unwrap();
    other.write(&challenge).await;
    assert_eq!(after_challenge(&last_words(&mut other).await), failure());
    one.write(&challenge).await;
    assert_eq!(last_words(&mut one).await, failure());
    server.stop().await;
}

/// The rest of the handshake, by a peer that knows the key: each message out of turn ends it, and
/// what was asked for before its turn is not done.
#[tokio::test]
async fn the_order_holds_for_those_who_know_the_key_too() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let begun = Instant::now();
    let mut put = BytesMut::new();
    request(&mut put, Some(&working.task), "put", &[ArgOut::Int(666)], &[]);
    let challenge = Challenge::new([7; 40]).message();
    let short = [CHALLENGE, b"short"].concat();
    let in_place_of_challenge: [&[u8]; 5] = [WELCOME, FAILURE, b"", &short, &put[4..]];
    for instead in in_place_of_challenge {
        let mut peer = server.dial().await;
        let theirs = peer.read().await.unwrap();
        peer.write(&auth::answer(&Key::new(KEY), &theirs).unwrap()).await;
        assert_eq!(peer.read().await.unwrap(), WELCOME);
        peer.write(instead).await;
        assert_eq!(last_words(&mut peer).await, b"", "{instead:?}");
    }
    for instead in [FAILURE, b"", &challenge, &put[4..]] {
        let mut peer = server.dial().await;
        let theirs = peer.read().await.unwrap();
        peer.write(&auth::answer(&Key::new(KEY), &theirs).unwrap()).await;
        assert_eq!(peer.read().await.unwrap(), WELCOME);
        peer.write(&challenge).await;
        peer.read().await.expect("the manager's answer");
        peer.write(instead).await;
        assert_eq!(last_words(&mut peer).await, b"", "{instead:?}");
    }
    assert!(
        begun.elapsed() < PATIENCE,
        "not at once: some were waited for until their time was up"
    );
    working.is_alone().await;
    server.stop().await;
}

/// How far a peer goes before it falls silent.
const STAGES: usize = 7;

/// Goes through the handshake up to a stage, and stops in the middle of the next message.
async fn go_silent(server: &Running, stage: usize) -> crate::support::Client {
    let key = Key::new(KEY);
    let mut peer = server.dial().await;
    if stage == 0 {
        return peer;
    }
    let theirs = peer.read().await.unwrap();
    let mut answer = BytesMut::new();
    frame::put(&mut answer, &auth::answer(&key, &theirs).unwrap());
    let sent = [0, 2, 20][stage.min(3) - 1];
    if stage <= 3 {
        peer.stream.write_all(&answer[..sent]).await.unwrap();
        return peer;
    }
    peer.stream.write_all(&answer).await.unwrap();
    assert_eq!(peer.read().await.unwrap(), WELCOME);
    if stage == 4 {
        return peer;
    }
    peer.write(&Challenge::new([7; 40]).message()).await;
    peer.read().await.unwrap();
    if stage == 5 {
        return peer;
    }
    peer.write(WELCOME).await;
    // A request that never ends.
    peer.stream.write_all(b"\0\0\0\x40\x80\x04").await.unwrap();
    peer
}

/// Silent at whatever stage: the connection ends at its limit, 20 seconds on the (paused) clock,
/// and nothing more is said.
#[tokio::test]
async fn half_a_handshake_does_not_last_for_ever() {
    let server = Running::start(|_| ()).await;
    let limit = piecework_server::Limits::default().handshake_max;
    for stage in 0..STAGES {
        let begun = Instant::now();
        let mut peer = go_silent(&server, stage).await;
        pause();
        let said = last_words(&mut peer).await;
        let took = begun.elapsed();
        resume();
        match stage {
            0 => assert_eq!(after_challenge(&said), b""),
            _ => assert_eq!(said, b"", "stage {stage}"),
        }
        assert!(took >= limit && took < limit + PATIENCE, "stage {stage}: {took:?}");
    }
    server.stop().await;
}

/// One byte a second would keep a connection alive that is only watched for silence: 44 bytes of a
/// right answer would take 44 seconds. It gets 20, like everybody.
#[tokio::test]
async fn a_byte_a_second_is_too_slow() {
    let server = Running::start(|_| ()).await;
    let mut peer = server.dial().await;
    let theirs = peer.read().await.unwrap();
    let mut answer = BytesMut::new();
    frame::put(&mut answer, &auth::answer(&Key::new(KEY), &theirs).unwrap());
    pause();
    let mut sent = 0;
    for byte in &answer[..] {
        if peer.stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        sent += 1;
        advance(Duration::from_secs(1)).await;
    }
    assert!((19..=30).contains(&sent), "{sent} bytes before the end");
    assert_eq!(last_words(&mut peer).await, b"");
    resume();
    server.stop().await;
}
