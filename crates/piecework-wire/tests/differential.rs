//! Python reads what the fuzzer made up, and what it makes of it is compared with what we do.
//!
//! `cargo xtask fuzz --differential` runs this over all that the fuzzer has kept, which it names in
//! `PIECEWORK_FUZZED`; without that, over what is in the tree, and honest pickles of each kind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::path::Path;

use bytes::{Bytes, BytesMut};
use piecework_wire::{Policy, Request, WireError, frame, reply};

mod judge;
mod pythons;

/// The most elements of a `put_many` that are lifted.
const ELEMENTS_MAX: usize = 1000;

#[test]
fn python_reads_the_same() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzed");
    let folders = std::env::var_os("PIECEWORK_FUZZED").unwrap_or_else(|| ours.into());
    let policy = Policy::data();
    pythons::each_proves(|python| {
        let mut script = pythons::script(python, "differential.py");
        script.args(std::env::split_paths(&folders));
        script.env("PYTHONHASHSEED", "0").env("TZ", "UTC");
        pythons::converse(script, |message| {
            let (told, lifted) = judge::judge(&policy, &message);
            let item = lift(&message, false).unwrap_or_else(|why| why.to_string().into());
            let items = lift(&message, true).unwrap_or_else(|why| why.to_string().into());
            pythons::parts(&[told.as_bytes(), &lifted, &item, &items])
        })
    });
}

/// The bytes as a request: the reply with its first argument, or with each element of it.
fn lift(message: &[u8], each: bool) -> Result<Bytes, WireError> {
    let request = Request::parse(message)?;
    let mut out = BytesMut::new();
    let Some(arg) = request.arg(0) else { return Ok(Bytes::from("it has no argument")) };
    if each {
        reply::returned_payloads(&mut out, &arg.elements(ELEMENTS_MAX)?);
    } else {
        reply::returned_payload(&mut out, &arg.payload()?);
    }
    Ok(frame::cut(&mut out, usize::MAX)?.expect("a whole frame"))
}
