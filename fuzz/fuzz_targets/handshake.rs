//! Anything that a peer may say before it has shown that it knows the key.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| piecework_fuzz::checks::handshake::check(data));
