//! The page for users of GNU parallel says what is so: every option of `map` is on it, every option
//! that it says is taken is taken and tested, and every other is refused with a hint.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use piecework_cli::Arguments;
use support::piecework;

/// A row of a table: its cells.
type Row = Vec<String>;

/// The rows of the two tables: GNU parallel's options, and what is only here.
fn tables() -> (Vec<Row>, Vec<Row>) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/parallel.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `") && !line.ends_with("---|"));
    let cells = |line: &str| -> Row {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let rows: Vec<Row> = rows.map(cells).filter(|row| row[0] != "`piecework map`").collect();
    rows.into_iter().partition(|row| row.len() == 4)
}

/// The options among the words in backticks.
fn options(cell: &str) -> Vec<&str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.starts_with('-')).collect()
}

/// The options of `map`: those that the help shows, and all that it takes.
fn taken() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut root = Arguments::command();
    root.build();
    let (mut shown, mut all) = (BTreeSet::new(), BTreeSet::new());
    for arg in root.find_subcommand("map").unwrap().get_arguments() {
        let long = |name: &str| format!("--{name}");
        all.extend(
            arg.get_long().into_iter().chain(arg.get_all_aliases().unwrap_or_default()).map(long),
        );
        let short = arg.get_short().into_iter();
        let short = short.chain(arg.get_all_short_aliases().unwrap_or_default());
        all.extend(short.map(|letter| format!("-{letter}")));
        if !arg.is_hide_set() {
            shown.extend(arg.get_long().map(long));
            shown.extend(arg.get_short().map(|letter| format!("-{letter}")));
        }
    }
    (shown, all)
}

/// All our tests, as one text.
fn sources() -> String {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text += &fs::read_to_string(path).unwrap();
            }
        }
    }
    text
}

#[test]
fn every_option_of_ours_is_on_the_page() {
    let (theirs, ours) = tables();
    let first = |row: &Row| options(&row[0]).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let told: BTreeSet<String> = theirs.iter().chain(&ours).flat_map(first).collect();
    let (shown, _) = taken();
    let missing: Vec<_> = shown.difference(&told).collect();
    assert!(missing.is_empty(), "not in docs/parallel.md: {missing:?}");
}

#[test]
fn every_option_that_the_page_claims_is_taken_and_tested() {
    let (theirs, ours) = tables();
    assert!(theirs.len() > 100 && ours.len() > 5, "the tables are not read");
    let (_, all) = taken();
    let sources = sources();
    for row in theirs.iter().filter(|row| row[1] != "no").chain(&ours) {
        for option in options(&row[0]) {
            assert!(all.contains(option), "{option} is said to be taken");
        }
        let test = row.last().unwrap().trim_matches('`');
        assert!(!test.is_empty(), "{}: no test is named", row[0]);
        assert!(sources.contains(&format!("fn {test}()")), "{}: there is no test {test}", row[0]);
    }
}

#[test]
fn every_option_that_is_declined_says_what_to_do_instead() {
    let (theirs, _) = tables();
    let declined: Vec<_> = theirs.iter().filter(|row| row[1] == "no").collect();
    assert!(declined.len() > 50, "the tables are not read");
    for row in declined {
        assert!(!row[2].is_empty(), "{}: no reason is given", row[0]);
        for option in options(&row[0]) {
            let ran = piecework(["map", option, "echo", ":::", "a"]).run();
            ran.expect(2, "");
            let told = format!("{option} is not taken over from GNU parallel\nhint: ");
            assert!(ran.stderr.contains(&told), "{option}: {}", ran.stderr);
        }
    }
}
