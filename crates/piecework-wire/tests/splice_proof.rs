//! Proves the lifting: Python sends objects of every kind, and compares what it gets back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]
use bytes::BytesMut;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Reply, Request, Value, WireError, frame, reply};

mod pythons;

/// Each interpreter found: what fails is told on stderr, with the reply's bytes.
#[test]
fn every_python_gets_back_what_it_put() {
    pythons::each_proves(|python| {
        let mut kept = Vec::new();
        let script = pythons::script(python, "splice_proof.py");
        pythons::converse(script, |request| serve(&request, &mut kept).into())
    });
}

/// Lifts what the request puts, and answers with it after one more round through our own messages.
fn serve(frame: &[u8], kept: &mut Vec<Payload>) -> BytesMut {
    let mut out = BytesMut::new();
    if let Err(error) = answer(frame, kept, &mut out) {
        out.clear();
        reply::error(&mut out, "builtins", "ValueError", Some(&error.to_string()));
    }
    out
}

fn answer(frame: &[u8], kept: &mut Vec<Payload>, out: &mut BytesMut) -> Result<(), WireError> {
    let call = Request::parse(frame)?;
    let payload = match call.method() {
        "put" => call.arg(0).or_else(|| call.kwarg("item")).unwrap().payload()?,
        "second" => call.arg(1).unwrap().payload()?,
        "put_many" => {
            let payloads = call.arg(0).unwrap().elements(100)?;
            reply::returned_payloads(out, &resent_all(&payloads)?);
            return Ok(());
        }
        "collect" => {
            let count = count(&call)?;
            reply::returned_payloads(out, &kept[kept.len() - count..]);
            return Ok(());
        }
        "collect_twice" => {
            let count = count(&call)?;
            let last = kept[kept.len() - count..].to_vec();
            reply::returned_payloads(out, &last);
            // The list as one payload, which names the protocols of those within.
            let list = resent(&returned(out)?.payload()?)?;
            reply::returned_payloads(out, &[list.clone(), last[0].clone(), list]);
            return Ok(());
        }
        "leases" => {
            let count = count(&call)?;
            let mut last = kept.split_off(kept.len() - count);
            return lease(&mut last, out);
        }
        other => panic!("the script calls {other}"),
    };
    kept.push(payload.clone());
    if kept.len() > 40 {
        kept.remove(0);
    }
    reply::returned_payload(out, &resent(&payload)?);
    Ok(())
}

fn count(call: &Request<'_>) -> Result<usize, WireError> {
    match call.arg(0).unwrap().value()? {
        Value::Int(count) => Ok(usize::try_from(count).unwrap()),
        other => panic!("expected a count, got {other}"),
    }
}

/// Kept payloads as leases, once through our own reader.
fn lease(kept: &mut Vec<Payload>, out: &mut BytesMut) -> Result<(), WireError> {
    let leases: Vec<_> = std::mem::take(kept)
        .into_iter()
        .zip(0..)
        .map(|(payload, attempt)| ((1 << 40) + u64::from(attempt), attempt, payload))
        .collect();
    reply::returned_leases(out, &leases);
    let read = returned(&mut out.clone())?.leases(40)?;
    let read: Vec<_> = read.into_iter().map(|it| (it.id, it.attempt, it.payload)).collect();
    assert_eq!(read, leases, "leases are read as they were written");
    Ok(())
}

/// What a client of ours would hand on: the payload is put, got, and lifted each time.
fn resent(payload: &Payload) -> Result<Payload, WireError> {
    let mut out = BytesMut::new();
    request(&mut out, Some("task.1"), "put", &[ArgOut::Payload(payload)], &[]);
    let frame = frame::cut(&mut out, usize::MAX)?.unwrap();
    let put = Request::parse(&frame)?.arg(0).unwrap().payload()?;
    assert_eq!(&put, payload, "what is lifted already stays as it is");
    reply::returned_payload(&mut out, &put);
    returned(&mut out)?.payload()
}

fn resent_all(payloads: &[Payload]) -> Result<Vec<Payload>, WireError> {
    let mut out = BytesMut::new();
    request(&mut out, Some("task.1"), "put_many", &[ArgOut::Payloads(payloads)], &[]);
    let frame = frame::cut(&mut out, usize::MAX)?.unwrap();
    let put = Request::parse(&frame)?.arg(0).unwrap().elements(100)?;
    assert_eq!(put, payloads, "what is lifted already stays as it is");
    reply::returned_payloads(&mut out, &put);
    returned(&mut out)?.elements(100)
}

fn returned(out: &mut BytesMut) -> Result<reply::Returned, WireError> {
    match Reply::parse(frame::cut(out, usize::MAX)?.unwrap())? {
        Reply::Return(returned) => Ok(returned),
        other => panic!("expected a result, got {other:?}"),
    }
}
