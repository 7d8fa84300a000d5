//! Any bytes where a pickle is expected.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| piecework_fuzz::checks::walk::check(data));
