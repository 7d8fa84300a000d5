//! Commands and what they leave behind as plain data, to be sent to another process.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Command;

/// What a command is made of.
#[derive(Deserialize, Serialize)]
struct Plain {
    program: Bytes,
    args: Vec<Bytes>,
    /// What is set, and what is taken out.
    env: Vec<(Bytes, Option<Bytes>)>,
    current_dir: Option<Bytes>,
    via: Vec<Bytes>,
    input: Option<Bytes>,
    stderr_bytes_max: usize,
    timeout: Option<Duration>,
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = |text: &OsStr| Bytes(text.as_bytes().to_vec());
        let env = self.inner.get_envs().map(|(name, value)| (bytes(name), value.map(bytes)));
        let plain = Plain {
            program: bytes(&self.program),
            args: self.inner.get_args().map(bytes).collect(),
            env: env.collect(),
            current_dir: self.inner.get_current_dir().map(|folder| bytes(folder.as_os_str())),
            via: self.via.iter().map(|word| bytes(word)).collect(),
            input: self.input.as_ref().map(|input| Bytes(input.to_vec())),
            stderr_bytes_max: self.stderr_bytes_max,
            timeout: self.timeout,
        };
        plain.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plain = Plain::deserialize(deserializer)?;
        let mut command = Self::new(plain.program.text());
        for arg in plain.args {
            command = command.arg(arg.text());
        }
        for (name, value) in plain.env {
            command = match value {
                Some(value) => command.env(name.text(), value.text()),
                None => command.env_remove(name.text()),
            };
        }
        if let Some(folder) = plain.current_dir {
            command = command.current_dir(folder.text());
        }
        command.via = plain.via.into_iter().map(Bytes::text).collect();
        command.input = plain.input.map(|input| input.0.into());
        command.stderr_bytes_max = plain.stderr_bytes_max;
        command.timeout = plain.timeout;
        Ok(command)
    }
}

/// Bytes that are said as such, not as a list of numbers.
struct Bytes(Vec<u8>);

impl Bytes {
    fn text(self) -> OsString {
        OsString::from_vec(self.0)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor).map(Self)
    }
}

/// Says bytes, in a field that is a `Vec<u8>`.
pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Reads what [`serialize`] said.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_byte_buf(BytesVisitor)
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    /// Formats without bytes say a list.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
