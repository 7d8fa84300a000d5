//! The signals that have a name everywhere, by that name and by number.

use std::fmt;
use std::str::FromStr;

use rustix::process::Signal as Number;

/// Every signal that can be sent, with the name that `kill -l` has for it.
const NAMES: [(&str, Number); 29] = [
    ("HUP", Number::HUP),
    ("INT", Number::INT),
    ("QUIT", Number::QUIT),
    ("ILL", Number::ILL),
    ("TRAP", Number::TRAP),
    ("ABRT", Number::ABORT),
    ("BUS", Number::BUS),
    ("FPE", Number::FPE),
    ("KILL", Number::KILL),
    ("USR1", Number::USR1),
    ("SEGV", Number::SEGV),
    ("USR2", Number::USR2),
    ("PIPE", Number::PIPE),
    ("ALRM", Number::ALARM),
    ("TERM", Number::TERM),
    ("CHLD", Number::CHILD),
    ("CONT", Number::CONT),
    ("STOP", Number::STOP),
    ("TSTP", Number::TSTP),
    ("TTIN", Number::TTIN),
    ("TTOU", Number::TTOU),
    ("URG", Number::URG),
    ("XCPU", Number::XCPU),
    ("XFSZ", Number::XFSZ),
    ("VTALRM", Number::VTALARM),
    ("PROF", Number::PROF),
    ("WINCH", Number::WINCH),
    ("IO", Number::IO),
    ("SYS", Number::SYS),
];

/// A signal that a process can be sent.
///
/// ```
/// use piecework::command::Signal;
///
/// let signal: Signal = "SIGTERM".parse()?;
/// assert_eq!(signal, Signal::TERM);
/// assert_eq!((signal.to_string(), signal.number()), ("TERM".to_owned(), 15));
/// # Ok::<(), piecework::command::UnknownSignal>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub(super) Number);

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(Number::TERM);
    /// Ends a process at once.
    pub const KILL: Self = Self(Number::KILL);

    /// Finds a signal by its number; `None` for those without a name, as real-time signals are.
    ///
    /// ```
    /// use piecework::command::Signal;
    ///
    /// assert_eq!(Signal::from_number(9), Some(Signal::KILL));
    /// assert_eq!(Signal::from_number(0), None);
    /// ```
    pub fn from_number(number: i32) -> Option<Self> {
        let mut signals = NAMES.into_iter().map(|(_, signal)| Self(signal));
        signals.find(|signal| signal.number() == number)
    }

    /// Returns its number on this system.
    ///
    /// ```
    /// # use piecework::command::Signal;
    /// assert_eq!(Signal::TERM.number(), 15);
    /// ```
    pub fn number(self) -> i32 {
        self.0.as_raw()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, signal)| *signal == self.0) {
            Some((name, _)) => formatter.write_str(name),
            None => self.number().fmt(formatter),
        }
    }
}

/// A text that names no signal.
///
/// ```
/// use piecework::command::{Signal, UnknownSignal};
///
/// let unknown: UnknownSignal = "TREM".parse::<Signal>().unwrap_err();
/// assert!(unknown.to_string().starts_with("there is no signal TREM"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no signal {0} (hint: a name such as TERM or SIGTERM, or a number; see kill -l)")]
pub struct UnknownSignal(String);

impl FromStr for Signal {
    type Err = UnknownSignal;

    /// Reads a name, with or without `SIG`, in letters of any case, or a number.
    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let upper = text.to_ascii_uppercase();
        let wanted = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = NAMES.into_iter().find(|(name, _)| *name == wanted);
        named
            .map(|(_, signal)| Self(signal))
            .or_else(|| Self::from_number(text.parse().ok()?))
            .ok_or_else(|| UnknownSignal(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_found_by_name_and_by_number() {
        for (name, signal) in NAMES {
            let signal = Signal(signal);
            assert_eq!(name.parse(), Ok(signal));
            assert_eq!(format!("sig{name}").parse(), Ok(signal));
            assert_eq!(signal.number().to_string().parse(), Ok(signal));
            assert_eq!(signal.to_string(), name);
        }
    }

    #[test]
    fn what_names_no_signal_is_told() {
        for wrong in ["", "SIG", "TREM", "0", "-9", "64", "TERM "] {
            let error = wrong.parse::<Signal>().unwrap_err().to_string();
            assert!(error.contains(&format!("signal {wrong} (hint")), "{error}");
        }
    }
}
