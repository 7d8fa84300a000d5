//! Any stream of bytes, cut into frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| piecework_fuzz::checks::frames::check(data));
