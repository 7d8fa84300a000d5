//! The input and the templates of the complete `map`, until it is wired to them.

pub(crate) mod input;
pub(crate) mod template;
