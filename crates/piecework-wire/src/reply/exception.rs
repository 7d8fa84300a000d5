//! Takes an exception apart without making one: its class, and what it says.
use crate::pickle::{NEWOBJ, Ops, REDUCE, Span, Walker, decode};
use crate::{Payload, Value, WireError};

/// Module, class, and what the exception was made of as text, where that is plain data.
pub(super) fn take_apart(
    exception: &Payload,
) -> Result<(String, String, Option<String>), WireError> {
    let name = exception.class_name().unwrap_or_default();
    let Some((module, class)) = name.rsplit_once('.') else {
        return Err(WireError::shape("exception", "it names no class"));
    };
    Ok((module.to_owned(), class.to_owned(), text(exception.body())))
}

/// The arguments of the first call in the body, which makes the exception.
fn text(body: &[u8]) -> Option<String> {
    let mut walker = Walker::new([]);
    let mut ops = Ops::new(body, Span { start: 0, end: body.len() });
    while let Some(op) = ops.next().ok()? {
        if let REDUCE | NEWOBJ = op.code {
            let start = walker.start_of(walker.depth().checked_sub(1)?)?;
            return match decode(body, Span { start, end: op.at }).ok()? {
                Value::Tuple(args) => match &args[..] {
                    [] => None,
                    [Value::Str(text)] => Some(text.clone()),
                    args => Some(args.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")),
                },
                other => Some(other.to_string()),
            };
        }
        walker.step(&op, body).ok()?;
    }
    None
}
