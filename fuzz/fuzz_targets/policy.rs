//! Any item before the payload policy.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| piecework_fuzz::checks::policy::check(data));
