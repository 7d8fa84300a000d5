//! What part of pickle is understood, and the promise that nothing is ever executed.
mod payload;
mod value;

pub use payload::Payload;
pub use value::Value;
