//! Takes an exception apart without making one: its class, and what it says.
use crate::{Payload, Value, WireError};

/// Module, class, and what the exception was made of as text, where that is plain data.
pub(super) fn take_apart(
    exception: &Payload,
) -> Result<(String, String, Option<String>), WireError> {
    let name = exception.class_name().unwrap_or_default();
    let Some((module, class)) = name.rsplit_once('.') else {
        return Err(WireError::shape("exception", "it names no class"));
    };
    let text = exception.call().and_then(|(_, arguments)| match &arguments[..] {
        [] => None,
        [Value::Str(text)] => Some(text.clone()),
        args => Some(args.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")),
    });
    Ok((module.to_owned(), class.to_owned(), text))
}
