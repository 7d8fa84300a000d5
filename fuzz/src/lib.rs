//! The checks of piecework-wire's own tests, built for the fuzzer.

#[path = "../../crates/piecework-wire/tests/checks/mod.rs"]
pub mod checks;
