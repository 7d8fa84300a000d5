//! `--halt`: after how many failures, successes or ends a run is over, and with which exit code.

use std::fmt;
use std::str::FromStr;

use piecework::command::End;

/// What is understood.
const HINT: &str = "hint: never, or now|soon, then fail=|success=|done= and a number or a percentage \
                    from 1, as in now,fail=1 or soon,fail=30%";

/// More failures than this are told by the exit code after it.
const FAILED_CODE_MAX: u64 = 100;

/// When a run is over before its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It is not.
    #[default]
    Never,
    /// As soon as so many have ended so.
    At { when: When, why: Why, much: Much },
}

/// What is done about the commands that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// They are waited for.
    Soon,
    /// They are ended.
    Now,
}

/// Which ends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Those that failed.
    Fail,
    /// Those that did not.
    Success,
    /// All.
    Done,
}

/// How many of them it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Much {
    /// So many.
    Count(u64),
    /// So many in a hundred of all tasks of the run.
    Percent(u64),
}

/// What has ended so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// All.
    pub(crate) done: u64,
    /// Those that failed; `failed <= done`.
    pub(crate) failed: u64,
}

impl Halt {
    /// Tells whether the run is over, once one more task has ended. A percentage is judged only
    /// when the number of all tasks is known, which is when the input has been read to its end.
    pub(crate) fn judge(&self, ended: Ended, total: Option<u64>) -> Option<When> {
        let Self::At { when, why, much } = *self else { return None };
        let count = match why {
            Why::Fail => ended.failed,
            Why::Success => ended.done - ended.failed,
            Why::Done => ended.done,
        };
        let enough = match much {
            Much::Count(enough) => count >= enough,
            Much::Percent(percent) => {
                count > 0 && u128::from(count) * 100 >= u128::from(total?) * u128::from(percent)
            }
        };
        enough.then_some(when)
    }

    /// Returns the exit code of a run that [`judge`](Self::judge) ended, of what had ended at that
    /// moment: commands that end later change nothing. `last` is the end by which it did, `None`
    /// for a command that could not be run.
    pub(crate) fn code_halted(&self, ended: Ended, total: Option<u64>, last: Option<End>) -> u8 {
        match *self {
            Self::At { why: Why::Success, .. } => 0,
            Self::At { much: Much::Count(1), .. } => code_of(last),
            _ => self.code_ended(ended, total),
        }
    }

    /// Returns the exit code of a run that came to its end: how many failed, or for a percentage
    /// how many in a hundred.
    pub(crate) fn code_ended(&self, ended: Ended, total: Option<u64>) -> u8 {
        let told = match self {
            Self::At { much: Much::Percent(_), .. } => {
                let all = total.unwrap_or(ended.done).max(1);
                (u128::from(ended.failed) * 100).div_ceil(u128::from(all))
            }
            _ => ended.failed.min(FAILED_CODE_MAX + 1).into(),
        };
        u8::try_from(told).unwrap_or(u8::MAX)
    }
}

/// The exit code by which a shell tells of an end.
fn code_of(end: Option<End>) -> u8 {
    let code = match end {
        Some(End::Code(code)) => code,
        Some(End::Signal(number)) => 128 + number,
        None => 255,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}

impl FromStr for Halt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = match text {
            "never" | "0" => return Ok(Self::Never),
            "1" => "soon,fail=1",
            "2" => "now,fail=1",
            "-1" => "soon,success=1",
            "-2" => "now,success=1",
            text => text,
        };
        // GNU parallel's older way of saying it.
        let soon = text.ends_with('%') && !text.contains(',');
        let text = if soon { format!("soon,fail={text}") } else { text.to_owned() };
        parse(&text).ok_or_else(|| format!("{text} is not understood; {HINT}"))
    }
}

fn parse(text: &str) -> Option<Halt> {
    let (when, condition) = text.split_once(',')?;
    let (why, much) = condition.split_once('=')?;
    let when = match when {
        "now" => When::Now,
        "soon" => When::Soon,
        _ => return None,
    };
    let why = match why {
        "fail" => Why::Fail,
        "success" => Why::Success,
        "done" => Why::Done,
        _ => return None,
    };
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number| plain && *number > 0)
    };
    let much = match much.strip_suffix('%') {
        Some(percent) => Much::Percent(number(percent).filter(|percent| *percent <= 100)?),
        None => Much::Count(number(much)?),
    };
    Some(Halt::At { when, why, much })
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::At { when, why, much } = self else { return f.write_str("never") };
        let when = match when {
            When::Soon => "soon",
            When::Now => "now",
        };
        let why = match why {
            Why::Fail => "fail",
            Why::Success => "success",
            Why::Done => "done",
        };
        match much {
            Much::Count(count) => write!(f, "{when},{why}={count}"),
            Much::Percent(percent) => write!(f, "{when},{why}={percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs tasks with these exit codes one after the other, as `-j1` does, and tells the exit code
    /// of the run and how many tasks it took.
    fn run(halt: &str, codes: &[i32]) -> (u8, u64) {
        let halt: Halt = halt.parse().unwrap();
        let total = Some(codes.len() as u64);
        let mut ended = Ended::default();
        for code in codes {
            ended.done += 1;
            ended.failed += u64::from(*code != 0);
            if halt.judge(ended, total).is_some() {
                return (halt.code_halted(ended, total, Some(End::Code(*code))), ended.done);
            }
        }
        (halt.code_ended(ended, total), ended.done)
    }

    #[test]
    fn exit_codes_are_those_of_gnu_parallel() {
        for (halt, codes, code, tasks) in [
            ("never", &[3, 4, 4][..], 3, 3),
            ("now,fail=1", &[0, 0, 7, 3], 7, 3),
            ("soon,fail=1", &[0, 0, 7, 3], 7, 3),
            ("now,done=1", &[7, 3], 7, 1),
            ("now,done=2", &[7, 3, 3], 2, 2),
            ("now,fail=2", &[7, 3, 3], 2, 2),
            ("now,fail=50%", &[0, 1, 1, 0, 0], 40, 5),
            ("now,fail=30%", &[0, 1, 0, 0, 0, 0], 17, 6),
            ("now,fail=5", &[0, 1, 1, 0], 2, 4),
            ("now,success=1", &[5, 5, 0, 5], 0, 3),
            ("now,success=3", &[5, 5, 0, 5], 3, 4),
            ("now,success=50%", &[5, 5, 0, 5], 75, 4),
            ("soon,success=50%", &[0, 5, 0, 5], 0, 3),
            ("now,done=50%", &[5, 5, 0, 5], 50, 2),
        ] {
            assert_eq!(run(halt, codes), (code, tasks), "{halt} {codes:?}");
        }
        assert_eq!(run("never", &[1; 100]).0, 100);
        assert_eq!(run("now,fail=500", &[1; 300]).0, 101);
        assert_eq!(run("now,fail=100%", &[1; 300]).0, 100);
    }

    #[test]
    fn the_end_that_halts_is_told_as_a_shell_tells_it() {
        let halt: Halt = "now,fail=1".parse().unwrap();
        let ended = Ended { done: 1, failed: 1 };
        let code = |last| halt.code_halted(ended, None, last);
        assert_eq!(code(Some(End::Signal(9))), 137);
        assert_eq!(code(Some(End::Code(255))), 255);
        assert_eq!(code(None), 255);
    }

    #[test]
    fn a_percentage_waits_until_the_number_of_tasks_is_known() {
        let halt: Halt = "soon,fail=10%".parse().unwrap();
        let ended = Ended { done: 50, failed: 50 };
        assert_eq!(halt.judge(ended, None), None);
        assert_eq!(halt.judge(ended, Some(501)), None);
        assert_eq!(halt.judge(ended, Some(500)), Some(When::Soon));
        assert_eq!(halt.judge(Ended::default(), Some(0)), None);
    }

    #[test]
    fn what_is_understood_is_shown_as_it_is_written() {
        for (text, shown) in [
            ("never", "never"),
            ("0", "never"),
            ("1", "soon,fail=1"),
            ("2", "now,fail=1"),
            ("-1", "soon,success=1"),
            ("-2", "now,success=1"),
            ("30%", "soon,fail=30%"),
            ("now,done=100%", "now,done=100%"),
            ("soon,success=12", "soon,success=12"),
        ] {
            assert_eq!(text.parse::<Halt>().unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            "now",
            "soon,",
            "now,fail",
            "now,fail=",
            "now,fail=0",
            "now,fail=+1",
            "now,fail=-1",
            "later,fail=1",
            "now,ok=1",
            "now,fail=101%",
            "now,fail=0%",
            "3",
            "now,fail=1.5",
            "%",
        ] {
            let error = wrong.parse::<Halt>().unwrap_err();
            assert!(error.contains("not understood; hint"), "{wrong}: {error}");
        }
    }
}
