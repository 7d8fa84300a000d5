//! How a benchmark is run: the words that are the same for each.

use crate::step::Outcome;

/// Rounds, if nobody says how many: the fewest whose median passes over two bad ones.
const ROUNDS: usize = 5;

/// What to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Only to see that everything runs.
    pub(crate) is_quick: bool,
    /// The page is to have the figures.
    pub(crate) writes: bool,
}

impl Plan {
    /// Reads the words after the benchmark's name.
    pub(crate) fn parse(name: &str, words: &[&str]) -> Outcome<Self> {
        let usage = format!("usage: cargo xtask bench {name} [--rounds N] [--write] | --quick");
        let mut plan = Self { rounds: ROUNDS, is_quick: false, writes: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--quick" => plan.is_quick = true,
                "--write" => plan.writes = true,
                "--rounds" => {
                    let number = words.next().and_then(|number| number.parse().ok());
                    let rounds = number.filter(|rounds| *rounds > 0);
                    plan.rounds =
                        rounds.ok_or_else(|| format!("--rounds: a number is due\n{usage}"))?;
                }
                unknown => return Err(format!("unknown word `{unknown}`\n{usage}")),
            }
        }
        match (plan.is_quick, plan.writes) {
            (true, true) => {
                Err(format!("--quick: no figures to --write come out of that\n{usage}"))
            }
            (true, false) => Ok(Self { rounds: 1, ..plan }),
            (false, _) => Ok(plan),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_made_of_words() {
        let plan = |words: &[&str]| Plan::parse("commands", words);
        let whole = plan(&[]).unwrap();
        assert_eq!(whole, Plan { rounds: ROUNDS, is_quick: false, writes: false });
        let asked = plan(&["--write", "--rounds", "9"]).unwrap();
        assert_eq!((asked.rounds, asked.writes), (9, true));
        let quick = plan(&["--quick"]).unwrap();
        assert_eq!((quick.rounds, quick.is_quick), (1, true));
        for wrong in [&["--rounds"][..], &["--rounds", "0"], &["fast"], &["--quick", "--write"]] {
            let error = plan(wrong).unwrap_err();
            assert!(error.contains("usage") && error.contains(wrong[0]), "{error}");
        }
    }
}
