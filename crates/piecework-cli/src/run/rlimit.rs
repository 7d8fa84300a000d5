//! `--rlimit` and `--nice`: what a command may use, set by this program in its place before it is
//! started there.
//!
//! Limits that are set from outside, once the command runs, come too late for what it does first.
//! A shell could set them before, but `ulimit` has other letters and units in each. So this program
//! is started instead of the command, limits itself, and becomes the command.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::str::FromStr;

use anyhow::{Context, ensure};
use piecework_server::measure;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::guard::own_program;
use crate::output;

/// The hidden command that limits this program and makes it another.
pub(crate) const LIMITED_COMMAND: &str = "__limited";

/// Stands between the limits and the command.
const COMMAND_MARK: &str = "--";

/// What `env`, `nice` and their like exit with when they themselves fail.
const ERROR_CODE: u8 = 125;

/// The names of the limits that can be set, as in `getrlimit` and the file of `pam_limits`.
const RESOURCES: [(&str, Resource); 8] = [
    ("as", Resource::As),
    ("core", Resource::Core),
    ("cpu", Resource::Cpu),
    ("data", Resource::Data),
    ("fsize", Resource::Fsize),
    ("nofile", Resource::Nofile),
    ("nproc", Resource::Nproc),
    ("stack", Resource::Stack),
];

/// The name of what is no resource and yet a limit.
const NICE: &str = "nice";

/// What every command of a run may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct LimitArgs {
    /// Limit what a command may use: NAME is as, core, cpu, data, fsize, nofile, nproc or stack
    ///
    /// VALUE is a number of bytes, as 500M, of processor seconds, files or processes; or unlimited.
    #[arg(long, value_name = "NAME=VALUE", value_parser = resource)]
    pub(crate) rlimit: Vec<Limit>,

    /// Run commands at this niceness: from 19, which leaves others more of the processor, to -20
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-20..=19)
    )]
    pub(crate) nice: Option<i32>,
}

impl LimitArgs {
    /// Returns all that was asked for.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        self.rlimit.iter().copied().chain(self.nice.map(Limit::Nice)).collect()
    }
}

/// One limit; as text `NAME=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So much of a resource; `None` is no limit.
    Resource(Resource, Option<u64>),
    /// So much nicer than this program.
    Nice(i32),
}

/// Reads the argument of `--rlimit`.
fn resource(text: &str) -> Result<Limit, String> {
    let names = RESOURCES.map(|(name, _)| name).join(", ");
    let Some((name, value)) = text.split_once('=') else {
        return Err(format!("{text} is not NAME=VALUE; hint: nofile=64, with one of {names}"));
    };
    let Some((_, resource)) = RESOURCES.iter().find(|(known, _)| *known == name) else {
        return Err(format!("there is no limit {name}; hint: one of {names}"));
    };
    if value == "unlimited" {
        return Ok(Limit::Resource(*resource, None));
    }
    let Some(count) = measure::bytes(value) else {
        return Err(format!("{value} is no number; hint: 64, 500M or unlimited"));
    };
    Ok(Limit::Resource(*resource, Some(count)))
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((NICE, value)) => {
                value.parse().map(Self::Nice).map_err(|_| format!("{value} is no niceness"))
            }
            _ => resource(text),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nice(by) => write!(f, "{NICE}={by}"),
            Self::Resource(resource, value) => {
                let named = RESOURCES.iter().find(|(_, known)| known == resource);
                let name = named.map_or("?", |(name, _)| name);
                match value {
                    Some(value) => write!(f, "{name}={value}"),
                    None => write!(f, "{name}=unlimited"),
                }
            }
        }
    }
}

impl Limit {
    /// Sets the limit for this process and what it becomes.
    fn apply(self) -> io::Result<()> {
        match self {
            Self::Nice(by) => nice(by).map(drop)?,
            // Both at once, as `ulimit` does: a command cannot raise what it was given.
            Self::Resource(resource, value) => {
                setrlimit(resource, Rlimit { current: value, maximum: value })?;
            }
        }
        Ok(())
    }
}

/// Returns the words to put in front of a command, so that it runs under these limits; none where
/// there are no limits.
///
/// # Errors
/// If the file of this program cannot be found.
pub(crate) fn prefix(limits: &[Limit]) -> io::Result<Vec<OsString>> {
    if limits.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = vec![own_program()?.into_os_string(), LIMITED_COMMAND.into()];
    words.extend(limits.iter().map(|limit| limit.to_string().into()));
    words.push(COMMAND_MARK.into());
    Ok(words)
}

/// Sets the limits and becomes the command; these are the words after [`LIMITED_COMMAND`]. Returns
/// only if that fails.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    match limit_and_become(words) {
        Ok((program, error)) => {
            output::talk(format_args!("cannot run {}: {error}", program.display()));
            ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
        }
        Err(error) => {
            output::talk(format_args!("{error:#}"));
            ExitCode::from(ERROR_CODE)
        }
    }
}

/// The program that could not be started, and why.
fn limit_and_become(words: &[OsString]) -> anyhow::Result<(OsString, io::Error)> {
    let mut parts = words.splitn(2, |word| word == COMMAND_MARK);
    let limits = parts.next().unwrap_or_default();
    let (program, arguments) =
        parts.next().and_then(<[OsString]>::split_first).context("no command to limit")?;
    // Made before there is a limit, which may leave no memory for it.
    let mut command = Command::new(program);
    command.args(arguments);
    for limit in limits {
        let text = limit.to_string_lossy();
        let limit: Limit = text.parse().map_err(anyhow::Error::msg)?;
        limit.apply().with_context(|| {
            format!("cannot set the limit {text}; hint: only root may raise what ulimit -H shows")
        })?;
    }
    ensure!(!program.is_empty(), "the name of the command is empty");
    Ok((program.clone(), command.exec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Set in the second process of the test below: what it limits and becomes.
    const WORDS_VARIABLE: &str = "LIMITED_WORDS";

    /// Runs this very test in a process of its own, where it becomes a limited command.
    fn limited(words: &str) -> std::process::Output {
        let name = "run::rlimit::tests::a_command_runs_under_its_limits_and_no_other_does";
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", name, "--nocapture"]).env(WORDS_VARIABLE, words).output().unwrap()
    }

    #[test]
    fn a_command_runs_under_its_limits_and_no_other_does() {
        if let Some(words) = std::env::var_os(WORDS_VARIABLE) {
            let words = words.into_string().unwrap();
            let words: Vec<OsString> = words.split('|').map(OsString::from).collect();
            let _ = run(&words);
            std::process::exit(125);
        }
        let before = rustix::process::getrlimit(Resource::Nofile);
        let script = "echo files $(ulimit -n) $(ulimit -Hn) niceness $(nice)";
        let output = limited(&format!("nofile=64|core=0|nice=3|--|sh|-c|{script}"));
        let text = String::from_utf8(output.stdout).unwrap();
        let base: i32 = rustix::process::getpriority_process(None).unwrap();
        let niceness = (base + 3).min(19);
        assert!(text.contains(&format!("files 64 64 niceness {niceness}\n")), "{text}");
        assert!(output.status.success());
        assert_eq!(rustix::process::getrlimit(Resource::Nofile), before);
        for (words, part) in [
            ("nofile=64|--|no-such-program", "cannot run no-such-program"),
            ("nofile=64", "no command"),
            ("disk=1|--|true", "no limit disk"),
            ("nofile=99999999999999|--|true", "cannot set the limit nofile=99999999999999; hint"),
        ] {
            let output = limited(words);
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.contains(part) && !output.status.success(), "{words}: {text}");
        }
    }

    #[test]
    fn limits_read_as_they_are_written() {
        for (name, resource) in RESOURCES {
            for (text, value) in [("0", Some(0)), ("2048", Some(2048)), ("unlimited", None)] {
                let limit: Limit = format!("{name}={text}").parse().unwrap();
                assert_eq!(limit, Limit::Resource(resource, value));
                assert_eq!(limit.to_string(), format!("{name}={text}"));
            }
        }
        assert_eq!("as=2K".parse(), Ok(Limit::Resource(Resource::As, Some(2048))));
        assert_eq!(Limit::Nice(-5).to_string().parse(), Ok(Limit::Nice(-5)));
        for wrong in ["", "nofile", "nofile=", "nofile=-1", "disk=1", "=1", "nice=x"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_options_are_checked_at_the_door() {
        #[derive(Debug, clap::Parser)]
        struct Flags {
            #[command(flatten)]
            limits: LimitArgs,
        }
        let parse = |words: &str| {
            let flags = Flags::try_parse_from(std::iter::once("x").chain(words.split(' ')));
            flags
                .map(|flags| flags.limits.limits().iter().map(Limit::to_string).collect::<Vec<_>>())
        };
        assert_eq!(
            parse("--nice -5 --rlimit as=1M --rlimit cpu=unlimited").unwrap(),
            ["as=1048576", "cpu=unlimited", "nice=-5"]
        );
        for (wrong, part) in [
            ("--rlimit disk=1", "nofile"),
            ("--nice 20", "19"),
            ("--rlimit nice=3", "no limit nice"),
        ] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_command_without_limits_needs_no_words_in_front() {
        assert!(prefix(&[]).unwrap().is_empty());
        let words = prefix(&["nofile=64".parse().unwrap(), Limit::Nice(1)]).unwrap();
        assert_eq!(words[1..], ["__limited", "nofile=64", "nice=1", "--"]);
    }
}
