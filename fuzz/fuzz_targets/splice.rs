//! Any item in any request, lifted out and handed on.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| piecework_fuzz::checks::splice::check(data));
