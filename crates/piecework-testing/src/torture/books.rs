//! The books: what the masters put, what the collectors got, and whether the two agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::{fs, io};

/// The ending of a journal, which a thread of a master keeps.
pub(crate) const JOURNAL: &str = "journal";
/// The ending of what a collector keeps.
pub(crate) const RESULTS: &str = "results";

/// What was tried, confirmed and recorded.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Each key, how often its put was begun, and whether the manager confirmed it.
    tasks: HashMap<String, Put>,
    /// Puts of a key for the first time that were taken for a second one.
    pub(crate) refused: BTreeSet<String>,
    /// Confirmed only after a put whose reply was lost, and known to the manager by then.
    pub(crate) known: usize,
    /// The results by the id of their item in the manager.
    results: BTreeMap<u64, String>,
    /// Deliveries of a result that a collector had recorded already.
    pub(crate) redelivered: usize,
    /// Ids under which two different results came.
    pub(crate) ids_reused: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct Put {
    number: u64,
    tries: usize,
    confirmed: bool,
}

/// What does not agree.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Balance {
    /// Keys of tasks that are confirmed and have no result.
    pub(crate) lost: Vec<String>,
    /// Results beyond the first of their key, each with its item's id.
    pub(crate) duplicates: Vec<(u64, String)>,
    /// Results that belong to no task, or are no answer to it.
    pub(crate) strange: Vec<(u64, String)>,
    /// Keys whose put was begun and never confirmed.
    pub(crate) unconfirmed: Vec<String>,
}

impl Books {
    /// Reads the journals and results of this folder.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut books = Self::default();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let text = || fs::read_to_string(&path);
            match path.extension().and_then(|ending| ending.to_str()) {
                Some(JOURNAL) => text()?.lines().for_each(|line| books.journal(line)),
                Some(RESULTS) => text()?.lines().for_each(|line| books.result(line)),
                _ => {}
            }
        }
        Ok(books)
    }

    /// `try KEY NUMBER .`, and the same with `put` or `known`; a line without its dot was cut by a
    /// kill.
    fn journal(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let [word, key, number, "."] = *words.as_slice() else { return };
        let put = self.tasks.entry(key.to_owned()).or_default();
        put.number = number.parse().unwrap_or_default();
        match word {
            "try" => put.tries += 1,
            _ => put.confirmed = true,
        }
        if word == "known" {
            self.known += 1;
            if put.tries == 1 {
                self.refused.insert(key.to_owned());
            }
        }
    }

    /// `ID RESULT .`
    fn result(&mut self, line: &str) {
        let Some((id, result)) = line.strip_suffix(" .").and_then(|line| line.split_once(' '))
        else {
            return;
        };
        let Ok(id) = id.parse() else { return };
        match self.results.get(&id) {
            Some(known) if known == result => self.redelivered += 1,
            Some(_) => drop(self.ids_reused.insert(id)),
            None => drop(self.results.insert(id, result.to_owned())),
        }
    }

    /// How many tasks the manager has confirmed.
    pub(crate) fn confirmed(&self) -> usize {
        self.tasks.values().filter(|put| put.confirmed).count()
    }

    /// How many results there are.
    pub(crate) fn results(&self) -> usize {
        self.results.len()
    }

    /// Holds results against tasks.
    pub(crate) fn balance(&self) -> Balance {
        let mut balance = Balance::default();
        let mut answered = BTreeSet::new();
        for (id, result) in &self.results {
            let key = result.split(' ').next().unwrap_or_default();
            if !self.tasks.get(key).is_some_and(|put| put.is_answered_by(result)) {
                balance.strange.push((*id, result.clone()));
            } else if !answered.insert(key) {
                balance.duplicates.push((*id, result.clone()));
            }
        }
        for (key, put) in &self.tasks {
            if !put.confirmed {
                balance.unconfirmed.push(key.clone());
            } else if !answered.contains(key.as_str()) {
                balance.lost.push(key.clone());
            }
        }
        balance.lost.sort();
        balance.unconfirmed.sort();
        balance
    }
}

impl Put {
    /// Whether this is `KEY SQUARE WORKER` with the square of this task's own number.
    fn is_answered_by(&self, result: &str) -> bool {
        let words: Vec<_> = result.split(' ').collect();
        matches!(*words.as_slice(), [_, square, _] if square.parse() == Ok(self.number.pow(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(journal: &[&str], results: &[&str]) -> Books {
        let mut books = Books::default();
        journal.iter().for_each(|line| books.journal(line));
        results.iter().for_each(|line| books.result(line));
        books
    }

    #[test]
    fn each_task_with_one_result_balances_however_often_it_was_tried_or_delivered() {
        let books = books(
            &[
                "try a 7 .",
                "put a 7 .",
                "try b 2 .",
                "",
                "try b 2 .",
                "known b 2 .",
                "try c 3",
                "put",
            ],
            &["7 a 49 w1 .", "9 b 4 w2 .", "9 b 4 w2 .", "12 b 4"],
        );
        assert_eq!(books.balance(), Balance::default());
        assert_eq!((books.confirmed(), books.results()), (2, 2));
        assert_eq!((books.known, books.redelivered, books.refused.len()), (1, 1, 0));
    }

    #[test]
    fn what_does_not_balance_is_named() {
        let books = books(
            &["try a 2 .", "put a 2 .", "try b 2 .", "put b 2 .", "try c 3 ."],
            &["1 a 4 w1 .", "2 a 4 w2 .", "3 z 4 w1 .", "4 b 5 w1 ."],
        );
        let balance = books.balance();
        assert_eq!(balance.lost, ["b"]);
        assert_eq!(balance.duplicates, [(2, "a 4 w2".to_owned())]);
        assert_eq!(balance.strange, [(3, "z 4 w1".to_owned()), (4, "b 5 w1".to_owned())]);
        assert_eq!(balance.unconfirmed, ["c"]);
    }

    #[test]
    fn a_new_key_that_was_taken_for_a_known_one_is_seen() {
        assert!(books(&["try a 1 .", "known a 1 ."], &[]).refused.contains("a"));
    }

    #[test]
    fn an_id_that_stands_for_two_results_is_seen() {
        let books = books(&[], &["1 a 4 w1 .", "1 b 4 w1 ."]);
        assert!(books.ids_reused.contains(&1));
    }
}
