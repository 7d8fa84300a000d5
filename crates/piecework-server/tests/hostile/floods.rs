//! Peers that know the key: they do not read, say what no client says, or want more of something
//! than there is for one.

use crate::support::{Client, Running, error, value};
use crate::{Working, last_words};
use bytes::{Bytes, BytesMut};
use piecework_wire::reply::{self, Reply};
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Value};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{pause, resume, timeout};

/// What the kernel may keep for one connection on its way in: far above any default.
const KERNEL_BYTES_MAX: usize = 64 << 20;

/// Sends the same bytes again and again, and reads nothing, until the other side takes no more. On
/// a paused clock a wait is over when nothing in the process moves any longer; asked for several
/// times, as the kernel may be in the middle of something.
async fn send_until_nothing_moves(client: &mut Client, bytes: &Bytes) -> usize {
    const WAITS: usize = 50;
    pause();
    let (mut sent, mut waits) = (0, 0);
    while sent <= KERNEL_BYTES_MAX && waits < WAITS {
        match client.stream.try_write(&bytes[sent % bytes.len()..]) {
            Ok(written) => {
                sent += written;
                waits = 0;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let writable = client.stream.writable();
                waits += usize::from(timeout(Duration::from_millis(1), writable).await.is_err());
            }
            Err(error) => panic!("{error}"),
        }
    }
    resume();
    sent
}

/// Gets of a megabyte each by a client that may send ahead and reads none: the manager holds one
/// reply, takes no more requests, and stops when it is told to.
#[tokio::test]
async fn a_peer_that_reads_no_replies_is_read_no_further() {
    const ITEMS: i64 = 100;
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let result = server.create("result").await;
    let mut owner = server.main("MainProcess").await;
    let large = "x".repeat(1 << 20);
    for _ in 0..ITEMS {
        value(owner.call(Some(&result), "put", &[ArgOut::Str(&large)]).await);
    }
    let mut deaf = server.main("piecework/1 deaf").await;
    let mut gets = BytesMut::new();
    request(&mut gets, Some(&result), "get", &[], &[]);
    let sent = send_until_nothing_moves(&mut deaf, &gets.freeze()).await;
    assert!(sent <= KERNEL_BYTES_MAX, "{sent} bytes of requests were taken in");
    let ready = value(owner.call(Some(&result), "qsize", &[]).await);
    assert!(matches!(ready, Value::Int(ready) if ready > ITEMS / 2), "{ready:?} are left");
    working.is_served().await;
    server.stop().await;
}

/// Small calls, whose replies fit into buffers for long: they end where the kernel's end.
#[tokio::test]
async fn small_replies_that_nobody_reads_gather_nowhere() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let mut deaf = server.main("piecework/1 deaf").await;
    let mut calls = BytesMut::new();
    request(&mut calls, Some("task.1"), "stats", &[], &[]);
    let sent = send_until_nothing_moves(&mut deaf, &calls.freeze()).await;
    assert!(sent <= KERNEL_BYTES_MAX, "{sent} bytes of requests were taken in");
    working.is_served().await;
    drop(deaf);
    working.is_alone().await;
    server.stop().await;
}

/// A server's words said to the server: each is answered with an error, and nothing else happens.
#[tokio::test]
async fn replies_are_no_requests() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let mut client = server.main("piecework/1 mirror").await;
    let mut replies = BytesMut::new();
    reply::returned_none(&mut replies);
    reply::returned(&mut replies, &Value::Int(7));
    reply::error(&mut replies, "builtins", "ValueError", Some("no"));
    reply::traceback(&mut replies, "no");
    for _ in 0..500 {
        client.stream.write_all(&replies).await.unwrap();
        for _ in 0..4 {
            let (class, _) = error(client.reply().await);
            assert_eq!(class, "TypeError");
        }
    }
    working.is_served().await;
    drop(client);
    working.is_alone().await;
    server.stop().await;
}

/// Lengths that no message has, from clients that know the key: the connection ends, as it does
/// for one that announces much and says little.
#[tokio::test]
async fn lengths_that_lie_end_the_connection() {
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let headers: [&[u8]; 3] =
        [b"\x80\0\0\0", b"\xff\xff\xff\xfe", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"];
    for header in headers {
        let mut first = server.connect().await;
        first.stream.write_all(header).await.unwrap();
        assert_eq!(last_words(&mut first).await, b"", "{header:x?}");
        let mut later = server.main("MainProcess").await;
        later.stream.write_all(header).await.unwrap();
        assert_eq!(last_words(&mut later).await, b"", "{header:x?}");
    }
    let (two_gib, one_gib): (&[u8], &[u8]) = (b"\x7f\xff\xff\xff", b"\x40\0\0\0");
    let mut first = server.connect().await;
    first.stream.write_all(two_gib).await.unwrap();
    assert_eq!(
        last_words(&mut first).await,
        b"",
        "before accept_connection nothing is passed over"
    );
    for header in [two_gib, one_gib] {
        let mut later = server.main("MainProcess").await;
        later.stream.write_all(&[header, &[b'x'; 100_000]].concat()).await.unwrap();
        working.is_served().await;
        drop(later);
    }
    working.is_alone().await;
    server.stop().await;
}

#[tokio::test]
async fn names_and_handles_have_their_limits() {
    /// `HANDLES_MAX` of the state, which is one session's.
    const HANDLES_MAX: usize = 10_000;
    let server = Running::start(|_| ()).await;
    let mut working = Working::start(&server).await;
    let long = "n".repeat(1 << 20);
    for method in ["accept_connection", "create", "incref", "decref"] {
        let (class, message) = error(server.ask(method, &[ArgOut::Str(&long)]).await);
        assert_eq!(class, "ValueError", "{method}: {}", &message[..200.min(message.len())]);
        assert!(message.contains("of 1048576 bytes"), "{message}");
    }
    let mut client = server.main("piecework/1 many").await;
    let call = |number: usize| {
        let mut out = BytesMut::new();
        request(&mut out, Some(&format!("task.{number}")), "qsize", &[], &[]);
        out
    };
    for number in 0..HANDLES_MAX {
        client.stream.write_all(&call(1_000_000 + number)).await.unwrap();
        assert_eq!(value(client.reply().await), Value::Int(0));
    }
    client.stream.write_all(&call(1)).await.unwrap();
    assert_eq!(error(client.reply().await).0, "RuntimeError");
    for (ident, method) in [(long.as_str(), "get"), ("task.1", long.as_str())] {
        let (class, message) = error(client.call(Some(ident), method, &[]).await);
        assert_eq!(class, "TypeError");
        assert!(message.len() < 200, "the error repeats {} bytes", message.len());
    }
    working.is_served().await;
    drop(client);
    working.is_alone().await;
    server.stop().await;
}

/// More items in one call than are taken, and a count that no list has.
#[tokio::test]
async fn more_at_once_than_there_is_for_one_is_refused() {
    let server = Running::start(|_| ()).await;
    let task = server.create("task").await;
    let mut client = server.main("piecework/1 greedy").await;
    let many = vec![Payload::from_value(&Value::None); 100_001];
    let put = client.call(Some(&task), "put_many", &[ArgOut::Payloads(&many)]).await;
    assert_eq!(error(put).0, "TypeError");
    client.put(&task, 1).await;
    let got = client.call(Some(&task), "get_many", &[ArgOut::Int(i64::MAX)]).await;
    assert!(matches!(got, Reply::Return(_)), "{got:?}");
    server.stop().await;
}
