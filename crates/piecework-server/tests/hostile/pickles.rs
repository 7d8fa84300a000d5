//! Requests whose pickles are small on the wire and huge to whoever believes them: each is
//! answered, quickly, and the connection goes on.

use crate::Working;
use crate::support::{Client, Running, value};
use piecework_server::Payloads;
use piecework_wire::Value;
use piecework_wire::reply::Reply;

/// `('task.1', METHOD, (ARGUMENT,), {})`, around whatever bytes make the argument.
fn call(ident: &str, method: &str, argument: &[u8]) -> Vec<u8> {
    let str =
        |text: &str| [b"\x8c", &[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [b"\x80\x04(", &str(ident)[..], &str(method), argument, b"\x85}t."].concat()
}

/// One opcode, and the length that it announces.
fn lying(opcode: u8, length: &[u8]) -> Vec<u8> {
    [&[opcode], length, b"x"].concat()
}

/// A list of two references to a list of two references to ...: `2 ** depth` elements, in a few
/// bytes each.
fn doubling(depth: u8) -> Vec<u8> {
    let mut bytes = b"]\x94".to_vec();
    for level in 0..depth {
        bytes.extend_from_slice(&[b'0', b']', 0x94, b'(', b'h', level, b'h', level, b'e']);
    }
    bytes
}

/// What is well formed: larger than it looks, but it can be passed on as it is.
fn large() -> Vec<(&'static str, Vec<u8>)> {
    const DEEP: usize = 100_000;
    vec![
        ("nested tuples", [&b"N"[..], &b"\x85".repeat(DEEP)].concat()),
        ("nested lists", [b"]".repeat(DEEP), b"a".repeat(DEEP - 1)].concat()),
        ("doubling lists", doubling(100)),
        ("the highest place in the memo", b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff".to_vec()),
        ("a memo index of 30 digits", [b"Np", &b"9".repeat(30)[..], b"\n"].concat()),
        ("a number of 100,000 digits", [b"I", &b"9".repeat(DEEP)[..], b"\n"].concat()),
        ("a million bytes thrown away", b"N0".repeat(1 << 19).into_iter().chain(*b"N").collect()),
    ]
}

/// What is not well formed, or over a limit.
fn wrong() -> Vec<(&'static str, Vec<u8>)> {
    const MARKS: usize = 1 << 20;
    vec![
        ("BINBYTES8", lying(0x8e, &[0xff; 8])),
        ("BINUNICODE8", lying(0x8d, &(1_u64 << 40).to_le_bytes())),
        ("BYTEARRAY8", lying(0x96, &u64::MAX.to_le_bytes())),
        ("BINBYTES", lying(b'B', &u32::MAX.to_le_bytes())),
        ("LONG4", lying(0x8b, &i32::MAX.to_le_bytes())),
        ("LONG4, negative", lying(0x8b, &(-1_i32).to_le_bytes())),
        ("FRAME", lying(0x95, &u64::MAX.to_le_bytes())),
        ("a place in the memo that is empty", b"j\xff\xff\xff\xff".to_vec()),
        ("a million marks", b"(".repeat(MARKS)),
        ("a string without an end", b"Vabc".to_vec()),
        ("nothing", Vec::new()),
    ]
}

/// A put is answered, whatever with; what got in is taken out again.
async fn put(client: &mut Client, task: &str, argument: &[u8]) -> Reply {
    client.write(&call(task, "put", argument)).await;
    let reply = client.reply().await;
    if let Reply::Return(_) = &reply {
        let purged = client.call(Some(task), "qsize", &[]).await;
        assert_eq!(value(purged), Value::Int(1));
        client.get(task).await;
    }
    reply
}

#[tokio::test]
async fn lengths_indexes_and_depths_that_lie_are_answered() {
    for payloads in [Payloads::Any, Payloads::Data] {
        let server = Running::start(|config| config.payloads = payloads).await;
        let mut working = Working::start(&server).await;
        let result = server.create("result").await;
        let mut client = server.main("piecework/1 liar").await;
        for (what, argument) in wrong() {
            let reply = put(&mut client, &result, &argument).await;
            assert!(matches!(reply, Reply::Error { .. }), "{what}: {reply:?}");
            working.is_served().await;
        }
        for (what, argument) in large() {
            let reply = put(&mut client, &result, &argument).await;
            let passed_on = matches!(reply, Reply::Return(_));
            assert!(passed_on || payloads == Payloads::Data, "{what}: {reply:?}");
            working.is_served().await;
        }
        drop(client);
        working.is_alone().await;
        server.stop().await;
    }
}

/// The same where the manager reads an argument itself: a typeid, a timeout, a number of items, a
/// thread's name, the ident of a handle.
#[tokio::test]
async fn arguments_that_are_read_are_read_within_limits() {
    let server = Running::start(|config| config.open = true).await;
    let mut working = Working::start(&server).await;
    let mut client = server.main("piecework/1 liar").await;
    for (what, argument) in large().into_iter().chain(wrong()) {
        for method in ["get", "get_many", "lease", "task_done", "extend", "settle"] {
            client.write(&call("task.1", method, &argument)).await;
            let reply = client.reply().await;
            assert!(matches!(reply, Reply::Error { .. }), "{method}, {what}: {reply:?}");
        }
        for method in ["create", "incref", "decref", "accept_connection"] {
            let mut first = server.connect().await;
            let request = call("", method, &argument);
            // The manager itself is meant where the ident is None.
            let request = [b"\x80\x04(N", &request[5..]].concat();
            first.write(&request).await;
            let reply = first.read().await.map(Reply::parse);
            let refused =
                matches!(reply, None | Some(Ok(Reply::Traceback(_) | Reply::Error { .. })));
            assert!(refused, "{method}, {what}: {reply:?}");
        }
        working.is_served().await;
    }
    drop(client);
    working.is_alone().await;
    server.stop().await;
}
