//! One queue as it is asked for: `NAME[:option,...]`.

use crate::limits::{NAME_BYTES_MAX, STOP_BYTES_MAX};
use crate::measure::{bytes, duration};
use piecework_state::{Order, QueueOptions};
use piecework_wire::Value;
use std::str::FromStr;
use std::time::Duration;

/// A named queue, the typeids it is registered under, and its options.
#[derive(Clone, Debug)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// The typeids under which clients ask for it.
    pub typeids: Vec<String>,
    /// What acknowledges an item.
    pub ack: AckSpec,
    /// Ready items at most; 0 means no bound.
    pub maxsize: usize,
    /// Bytes of ready items at most; 0 means no bound.
    pub maxbytes: u64,
    /// Failed attempts after which an item is dead; 0 means never.
    pub attempts: u32,
    /// How long a lease lasts; `None` means as long as its session.
    pub lease: Option<Duration>,
    /// How long an item stands ready before it is dropped; `None` means for ever.
    pub expire: Option<Duration>,
    /// In which order items are got.
    pub order: Order,
    /// How long the keys of `put_once` are remembered.
    pub once: Duration,
    /// An item of this value is a stop mark: acked by its delivery.
    pub stop: Value,
    /// Which payloads are let in; `None` means as the manager says.
    pub payloads: Option<Payloads>,
    /// Whether what earlier runs have left in it is dropped.
    pub fresh: bool,
    /// Whether a queue of earlier runs keeps its options, whatever stands here.
    pub as_kept: bool,
}

/// An ack mode as it is asked for: the answer queue is a name still.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AckSpec {
    /// `ack=auto`
    Auto,
    /// `answers=NAME`
    Answered(String),
    /// `ack=explicit`
    Explicit,
    /// `ack=none`
    None,
}

/// Which payloads are let in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Payloads {
    /// All of them; whoever gets one trusts whoever put it.
    #[default]
    Any,
    /// Plain data, and what the policy adds to it.
    Data,
}

impl QueueSpec {
    /// A queue with the default options under the typeids `get_NAME_queue`, `get_NAME`, `NAME`.
    pub fn named(name: &str) -> Self {
        let typeids = vec![format!("get_{name}_queue"), format!("get_{name}"), name.to_owned()];
        Self { typeids, ..Self::untyped(name) }
    }

    /// The same for a queue that keeps the options of earlier runs, if there were any.
    pub fn kept(name: &str) -> Self {
        Self { as_kept: true, ..Self::named(name) }
    }

    /// A queue that no typeid leads to, yet.
    pub fn untyped(name: &str) -> Self {
        let options = QueueOptions::default();
        Self {
            name: name.to_owned(),
            typeids: Vec::new(),
            ack: AckSpec::Auto,
            maxsize: options.maxsize,
            maxbytes: options.maxbytes,
            attempts: options.attempts,
            lease: options.lease,
            expire: options.expire,
            order: options.order,
            once: options.once,
            stop: Value::None,
            payloads: None,
            fresh: false,
            as_kept: false,
        }
    }

    /// The options that the state does not know, as `--queue` has them: it keeps them as they are.
    /// A stop mark that cannot be said there is not among them.
    pub(crate) fn more(&self) -> String {
        let stop = match &self.stop {
            Value::Bool(bool) => if *bool { "True" } else { "False" }.to_owned(),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => format!("{float:?}"),
            Value::Str(text) if scalar(text) == self.stop => text.clone(),
            Value::Str(text) => format!("'{text}'"),
            _ => String::new(),
        };
        let stop = format!("stop={stop}");
        let can_be_said = Self::untyped("").with(&stop).is_ok_and(|said| said.stop == self.stop);
        let stop = (can_be_said && self.stop != Value::None).then_some(stop);
        let payloads = self.payloads.map(|payloads| match payloads {
            Payloads::Any => "payloads=any".to_owned(),
            Payloads::Data => "payloads=data".to_owned(),
        });
        stop.into_iter().chain(payloads).collect::<Vec<_>>().join(",")
    }

    /// The same with these options, parted by commas.
    pub(crate) fn with(mut self, options: &str) -> Result<Self, String> {
        for option in options.split(',').filter(|option| !option.is_empty()) {
            self.set(option)?;
        }
        Ok(self)
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let number = || value.parse::<u32>().map_err(|_| bad(key, value, "a whole number"));
        let time = || duration(value).ok_or_else(|| bad(key, value, "90s, 10m or 2h"));
        match (key, value) {
            ("ack", "auto") => self.ack = AckSpec::Auto,
            ("ack", "explicit") => self.ack = AckSpec::Explicit,
            ("ack", "none") => self.ack = AckSpec::None,
            ("ack", _) => return Err(bad(key, value, "auto, explicit or none")),
            ("answers", _) => self.ack = AckSpec::Answered(checked_name(value)?.to_owned()),
            ("maxsize", _) => self.maxsize = number()? as usize,
            ("maxbytes", _) => {
                let size = bytes(value).ok_or_else(|| bad(key, value, "a size, as 64MiB"))?;
                self.maxbytes = size;
            }
            ("attempts", _) => self.attempts = number()?,
            ("lease", _) => self.lease = Some(time()?),
            ("expire", _) => self.expire = Some(time()?),
            ("priority" | "lifo", "") if self.order != Order::Fifo => {
                return Err("priority and lifo: a queue goes by one of them".to_owned());
            }
            ("priority", "") => self.order = Order::Priority,
            ("lifo", "") => self.order = Order::Lifo,
            ("once", _) => self.once = time()?,
            ("stop", _) if value.len() > STOP_BYTES_MAX / 2 => {
                return Err(bad("stop", "…", "a value of at most 128 bytes"));
            }
            ("stop", _) => self.stop = scalar(value),
            ("payloads", "any") => self.payloads = Some(Payloads::Any),
            ("payloads", "data") => self.payloads = Some(Payloads::Data),
            ("payloads", _) => return Err(bad(key, value, "any or data")),
            ("fresh", "") => self.fresh = true,
            _ => {
                return Err(format!(
                    "'{option}' is no option of a queue; hint: ack=auto|explicit|none, \
                     answers=NAME, maxsize=N, maxbytes=SIZE, attempts=N, lease=10m, \
                     expire=24h, once=1h, priority, lifo, stop=VALUE, payloads=any|data, fresh"
                ));
            }
        }
        Ok(())
    }
}

impl FromStr for QueueSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let spec = Self::named(checked_name(name)?).with(options);
        spec.map_err(|why| format!("queue '{name}': {why}"))
    }
}

/// A name that a queue may have.
pub(crate) fn checked_name(name: &str) -> Result<&str, String> {
    let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(plain) {
        return Err(format!(
            "'{name}' is no name for a queue; hint: letters, digits, '_', '-' and '.', \
             at most {NAME_BYTES_MAX} bytes"
        ));
    }
    Ok(name)
}

fn bad(key: &str, value: &str, wanted: &str) -> String {
    format!("{key}={value}: expected {wanted}")
}

/// What a Python programmer means by the word: None, True, a number, or a str.
fn scalar(text: &str) -> Value {
    match text {
        "None" | "" => Value::None,
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        _ => match (text.parse(), text.parse()) {
            (Ok(int), _) => Value::Int(int),
            (_, Ok(float)) => Value::Float(float),
            _ => Value::Str(text.trim_matches(['\'', '"']).to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_says_everything() {
        let spec: QueueSpec =
            "task:answers=result,attempts=0,lease=1.5m,maxsize=9,stop=end".parse().unwrap();
        assert_eq!(spec.typeids, ["get_task_queue", "get_task", "task"]);
        assert_eq!(spec.ack, AckSpec::Answered("result".to_owned()));
        assert_eq!((spec.attempts, spec.maxsize), (0, 9));
        assert_eq!(spec.lease, Some(Duration::from_secs(90)));
        assert_eq!(spec.stop, Value::Str("end".to_owned()));
        assert_eq!(spec.more(), "stop=end");
        let spec: QueueSpec = "jobs:priority,maxbytes=1K,once=1s,expire=24h".parse().unwrap();
        assert_eq!((spec.order, spec.maxbytes), (Order::Priority, 1_024));
        assert_eq!((spec.once.as_secs(), spec.expire.unwrap().as_secs()), (1, 86_400));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("", "'' is no name"),
            ("a b", "'a b' is no name"),
            ("task:ack=sometimes", "queue 'task': ack=sometimes: expected auto"),
            ("task:lease=0", "lease=0: expected 90s"),
            ("task:attempts=-1", "attempts=-1: expected a whole number"),
            ("task:priority,lifo", "queue 'task': priority and lifo: a queue goes by one"),
            ("task:maxbytes=many", "maxbytes=many: expected a size"),
            ("task:expire=never", "expire=never: expected 90s"),
            ("task:colour=red", "'colour=red' is no option"),
        ] {
            let why = text.parse::<QueueSpec>().unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
