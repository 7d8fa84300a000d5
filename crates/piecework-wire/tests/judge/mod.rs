//! What the payload policy says of a pickle, in the words that the scripts of this folder read.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::fmt::Write as _;

use piecework_wire::{Payload, Policy};

/// A verdict, whether all imports could be told, and the imports; then what a reader would get.
pub(crate) fn judge(policy: &Policy, pickle: &[u8]) -> (String, Vec<u8>) {
    let payload = match Payload::from_pickle(pickle) {
        Ok(payload) => payload,
        Err(error) => return (format!("unreadable: {error}\nunseen\n"), Vec::new()),
    };
    let mut told = match policy.check(&payload) {
        Ok(()) => "allowed\n".to_owned(),
        Err(refused) => format!("refused: {refused}\n"),
    };
    let mut imports = String::new();
    let seen = Policy::imports(&payload, |import| {
        let ((module, name), (found_module, found_name)) = (import.asked, import.found);
        writeln!(imports, "{module}\t{name}\t{found_module}\t{found_name}").unwrap();
    });
    told += if seen.is_ok() { "seen\n" } else { "unseen\n" };
    (told + &imports, payload.to_pickle())
}
