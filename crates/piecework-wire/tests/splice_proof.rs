//! Proves the lifting: Python sends objects of every kind, and compares what it gets back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Payload, Reply, Request, Value, WireError, frame, reply};

/// Each interpreter, one after the other: what fails is told on stderr, with the reply's bytes.
#[test]
fn every_python_gets_back_what_it_put() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/splice_proof.py");
    let pythons = Mutex::new(pythons().into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let next = || pythons.lock().unwrap().next();
                while let Some(python) = next() {
                    if !prove(&python, &script) {
                        failed.lock().unwrap().push(python);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "the proof failed under {failed:?}");
}

fn prove(python: &Path, script: &Path) -> bool {
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
    let mut replies = child.stdin.take().unwrap();
    let mut requests = BufReader::new(child.stdout.take().unwrap());
    let mut kept = Vec::new();
    while let Some(frame) = read_frame(&mut requests) {
        replies.write_all(&serve(frame, &mut kept)).unwrap();
    }
    child.wait().unwrap().success()
}

/// Lifts what the request puts, and answers with it after one more round through our own messages.
fn serve(frame: Bytes, kept: &mut Vec<Payload>) -> BytesMut {
    let mut out = BytesMut::new();
    if let Err(error) = answer(frame, kept, &mut out) {
        out.clear();
        reply::error(&mut out, "builtins", "ValueError", Some(&error.to_string()));
    }
    out
}

fn answer(frame: Bytes, kept: &mut Vec<Payload>, out: &mut BytesMut) -> Result<(), WireError> {
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

fn count(call: &Request) -> Result<usize, WireError> {
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
    let put = Request::parse(frame)?.arg(0).unwrap().payload()?;
    assert_eq!(&put, payload, "what is lifted already stays as it is");
    reply::returned_payload(&mut out, &put);
    returned(&mut out)?.payload()
}

fn resent_all(payloads: &[Payload]) -> Result<Vec<Payload>, WireError> {
    let mut out = BytesMut::new();
    request(&mut out, Some("task.1"), "put_many", &[ArgOut::Payloads(payloads)], &[]);
    let frame = frame::cut(&mut out, usize::MAX)?.unwrap();
    let put = Request::parse(frame)?.arg(0).unwrap().elements(100)?;
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

fn read_frame(from: &mut impl Read) -> Option<Bytes> {
    let mut len = [0; 4];
    from.read_exact(&mut len).ok()?;
    let mut body = vec![0; usize::try_from(i32::from_be_bytes(len)).unwrap()];
    from.read_exact(&mut body).unwrap();
    Some(body.into())
}

/// `PIECEWORK_PYTHONS`, paths with `:` between them; else `python3` and all that pyenv has.
fn pythons() -> Vec<PathBuf> {
    if let Ok(listed) = std::env::var("PIECEWORK_PYTHONS") {
        return std::env::split_paths(&listed).collect();
    }
    let mut found = vec![PathBuf::from("python3")];
    let root = std::env::var("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let versions = root.ok().and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    for version in versions.into_iter().flatten() {
        let path = version.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("2.") {
            eprintln!("{}: passed over, Python 2 has other messages", path.display());
            continue;
        }
        found.push(path.join("bin/python"));
    }
    found.sort();
    found
}
