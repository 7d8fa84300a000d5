//! Frames and bytes per second through the reader and the writer, small and large payloads.
//!
//! `cargo bench -p piecework-wire`: each line is the best of five rounds, on one core.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Request, Value, frame, reply};

fn main() {
    let int = Payload::from_value(&Value::Int(3_411));
    let text = Payload::from_value(&Value::Str("x".repeat(100)));
    let large = Payload::from_value(&Value::Bytes(vec![7; 1 << 20]));
    // As Python pickles it: memo slots for each str, and references to the repeated keys.
    let records = Bytes::from_static(RECORDS);
    let get = call("get", &[ArgOut::Bool(true), ArgOut::Int(5)]);
    measure("read a get(True, 5)", &get, |frame| {
        let request = Request::parse(&frame).unwrap();
        assert!(request.arg(1).unwrap().value().is_ok());
    });
    for (name, payload) in [("an int", &int), ("100 characters", &text), ("1 MiB", &large)] {
        let frame = call("put", &[ArgOut::Payload(payload)]);
        measure(&format!("lift {name} from a put"), &frame, |frame| {
            black_box(Request::parse(&frame).unwrap().arg(0).unwrap().payload().unwrap());
        });
    }
    measure("lift two records that share keys", &records, |frame| {
        black_box(Request::parse(&frame).unwrap().arg(0).unwrap().payload().unwrap());
    });
    let many: Vec<Payload> = std::iter::repeat_n(text, 1_000).collect();
    let frame = call("put_many", &[ArgOut::Payloads(&many)]);
    measure("lift 1,000 texts from a put_many", &frame, |frame| {
        black_box(Request::parse(&frame).unwrap().arg(0).unwrap().elements(1_000).unwrap());
    });
    let mut out = BytesMut::with_capacity(1 << 21);
    for (name, payload) in [("an int", int), ("1 MiB", large)] {
        measure(&format!("write a reply of {name}"), payload.as_bytes(), |_| {
            out.clear();
            reply::returned_payload(&mut out, &payload);
        });
        measure(&format!("frame {name} without a copy"), payload.as_bytes(), |_| {
            black_box(reply::payload_frame(&payload));
        });
    }
}

/// `('task.1', 'put', ([{'name': 'a', 'size': 1}, {'name': 'b', 'size': 2}],), {})`
const RECORDS: &[u8] = b"\x80\x04\x95\x4b\0\0\0\0\0\0\0(\x8c\x06task.1\x94\x8c\x03put\x94]\x94(}\x94\
    (\x8c\x04name\x94\x8c\x01a\x94\x8c\x04size\x94K\x01u}\x94(h\x04\x8c\x01b\x94h\x06K\x02ue\x85\x94}\x94t\x94.";

fn call(method: &str, args: &[ArgOut<'_>]) -> Bytes {
    let mut out = BytesMut::new();
    request(&mut out, Some("task.1"), method, args, &[]);
    frame::cut(&mut out, usize::MAX).unwrap().unwrap()
}

fn measure(name: &str, frame: impl AsRef<[u8]>, mut work: impl FnMut(Bytes)) {
    const ROUNDS: usize = 5;
    const ROUND: Duration = Duration::from_millis(100);
    let frame = Bytes::copy_from_slice(frame.as_ref());
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let (start, mut times) = (Instant::now(), 0_u32);
        while start.elapsed() < ROUND {
            for _ in 0..64 {
                work(black_box(frame.clone()));
            }
            times += 64;
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(times));
    }
    let rate = frame.len() as f64 / best / 1e6;
    println!("{name:36} {:>10.0} ns {:>12.0} /s {rate:>10.0} MB/s", best * 1e9, 1.0 / best);
}
