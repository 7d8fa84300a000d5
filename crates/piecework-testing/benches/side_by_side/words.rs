//! The words of the command line: what to measure, with whom, how often and for how long.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::load::Window;

const USAGE: &str = "usage: side_by_side WHAT --folder DIR --rounds N --millis N \
                     [--program NAME=PATH]... [--quick]";

/// A load warms up for a quarter of the time that is counted.
const WARM_UP_PART: u32 = 4;

/// What was said.
#[derive(Debug)]
pub(crate) struct Words {
    /// What is measured.
    pub(crate) what: String,
    /// Where servers have their files while they run, in a folder within.
    pub(crate) folder: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) window: Window,
    /// Only to see that everything runs: what is counted and not timed is less.
    pub(crate) is_quick: bool,
    /// The programs there are, by name.
    pub(crate) programs: BTreeMap<String, PathBuf>,
}

impl Words {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        // Cargo adds a word of its own.
        let mut words = words.filter(|word| word != "--bench");
        let what = words.next().ok_or(USAGE)?;
        let (mut options, mut programs, mut is_quick) = (BTreeMap::new(), BTreeMap::new(), false);
        while let Some(option) = words.next() {
            if option == "--quick" {
                is_quick = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{option}: a value is due\n{USAGE}"))?;
            match (option.as_str(), value.split_once('=')) {
                ("--program", Some((name, path))) => {
                    programs.insert(name.to_owned(), PathBuf::from(path));
                }
                ("--folder" | "--rounds" | "--millis", _) => {
                    options.insert(option, value);
                }
                _ => return Err(format!("unknown: `{option} {value}`\n{USAGE}")),
            }
        }
        let number = |name: &str| {
            let number = options.get(name).and_then(|value| value.parse::<u32>().ok());
            number.filter(|number| *number > 0).ok_or_else(|| format!("{name} is due\n{USAGE}"))
        };
        let counted = Duration::from_millis(number("--millis")?.into());
        Ok(Self {
            what,
            folder: options.get("--folder").ok_or(USAGE)?.into(),
            rounds: number("--rounds")? as usize,
            window: Window { warm_up: counted / WARM_UP_PART, counted },
            is_quick,
            programs,
        })
    }

    /// How much it takes for figures, or else to see that everything runs.
    pub(crate) fn amount<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Words, String> {
        Words::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn words_say_what_to_measure() {
        let words = "durable --folder /a --rounds 3 --millis 200 --program nats=/b=c --bench";
        let words = parse(words).unwrap();
        assert_eq!((words.what.as_str(), words.rounds), ("durable", 3));
        assert_eq!(words.window.warm_up, Duration::from_millis(50));
        assert_eq!(words.programs["nats"], PathBuf::from("/b=c"));
        assert_eq!(words.amount(5, 1), 5);
        let words = parse("core --quick --folder /a --rounds 3 --millis 200").unwrap();
        assert_eq!((words.amount(5, 1), words.rounds), (1, 3));
    }

    #[test]
    fn what_is_missing_or_unknown_is_an_error() {
        let wrongs = [
            "durable",
            "durable --folder /a --rounds 0 --millis 1",
            "durable --folder /a --rounds 1 --millis 1 --program nats",
            "durable --folder /a --rounds 1 --millis 1 --fast yes",
            "durable --folder",
        ];
        for wrong in wrongs {
            assert!(parse(wrong).unwrap_err().contains("usage"), "{wrong}");
        }
    }
}
