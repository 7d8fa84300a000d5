//! The fields of a dict that a manager says of something.

use piecework::Value;

/// A dict by its keys. What is not there, or is of another kind, is as good as None.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a [(Value, Value)]);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Dict(entries) => Self(entries),
            _ => Self(&[]),
        }
    }

    pub(crate) fn get(self, key: &str) -> &'a Value {
        let mut entries = self.0.iter();
        let found = entries.find(|(name, _)| matches!(name, Value::Str(name) if name == key));
        found.map_or(&Value::None, |(_, value)| value)
    }

    pub(crate) fn text(self, key: &str) -> &'a str {
        match self.get(key) {
            Value::Str(text) => text,
            _ => "",
        }
    }

    pub(crate) fn count(self, key: &str) -> u64 {
        match self.get(key) {
            Value::Int(count) => u64::try_from(*count).unwrap_or(0),
            _ => 0,
        }
    }

    pub(crate) fn number(self, key: &str) -> Option<f64> {
        match self.get(key) {
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn is_true(self, key: &str) -> bool {
        *self.get(key) == Value::Bool(true)
    }

    /// The dict within, if there is one.
    pub(crate) fn inner(self, key: &str) -> Option<Self> {
        match self.get(key) {
            Value::Dict(entries) => Some(Self(entries)),
            _ => None,
        }
    }

    pub(crate) fn list(self, key: &str) -> &'a [Value] {
        match self.get(key) {
            Value::List(items) => items,
            _ => &[],
        }
    }
}
