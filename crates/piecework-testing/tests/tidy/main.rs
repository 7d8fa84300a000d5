//! The rules of the house that no compiler holds. Each rule is a pure function over the files of
//! the tree, beside a test that shows it a file that breaks it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod circles;
mod docs;
mod examples;
mod first_line;
mod layers;
mod paths;
mod statements;
mod tree;
mod words;

use tree::{Offence, SourceFile, Tree};

/// Fails with one line per offence, `file:line: what is wrong`.
fn hold(rule: impl Fn(&Tree) -> Vec<Offence>) {
    let offences = rule(&Tree::read());
    let lines: Vec<_> = offences.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} offences\n{}", lines.len(), lines.join("\n"));
}

/// A rule that looks at one file at a time.
fn hold_in_each_file(rule: impl Fn(&SourceFile) -> Vec<Offence>) {
    hold(|tree| tree.files.iter().flat_map(&rule).collect());
}

#[test]
fn each_file_says_first_what_it_is_for() {
    hold_in_each_file(first_line::says_what_for);
}

#[test]
fn lines_are_short() {
    hold_in_each_file(statements::lines_are_short);
}

#[test]
fn files_are_short() {
    hold_in_each_file(statements::files_are_short);
}

#[test]
fn no_matches_stands_bare() {
    hold_in_each_file(statements::no_bare_matches);
}

#[test]
fn tests_do_not_sleep() {
    hold_in_each_file(statements::no_sleep_in_tests);
}

#[test]
fn words_that_do_not_belong_are_absent() {
    hold_in_each_file(words::none_banned);
}

#[test]
fn layers_keep_their_borders() {
    hold(layers::dependencies_go_one_way);
}

#[test]
fn inner_layers_are_pure() {
    hold_in_each_file(layers::inner_layers_are_pure);
}

#[test]
fn dependencies_say_what_they_are_for() {
    hold(layers::dependencies_say_what_for);
}

#[test]
fn crates_import_each_other_in_no_circle() {
    hold(circles::none_between_crates);
}

#[test]
fn modules_import_each_other_in_no_circle() {
    hold(circles::none_between_modules);
}

#[test]
fn links_in_docs_resolve() {
    hold(docs::links_resolve);
}

#[test]
fn docs_name_only_files_that_exist() {
    hold(docs::named_files_exist);
}

#[test]
fn examples_stand_in_docs() {
    hold_in_each_file(examples::stand_in_docs);
}
