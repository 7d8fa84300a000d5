//! Keeps nothing; the measure of the others.

use crate::{Engine, EngineError};
use piecework_state::Record;

/// The engine of throw-away runs: what it is given lives as long as the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Engine for Memory {
    fn commit(&mut self, _: &[Record]) -> Result<(), EngineError> {
        Ok(())
    }

    fn load(&mut self) -> Result<Vec<Record>, EngineError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Keeps, exercise};

    #[test]
    fn memory_keeps_the_promises_of_an_engine_that_keeps_nothing() {
        exercise(Keeps::Nothing, || Box::new(Memory));
    }
}
