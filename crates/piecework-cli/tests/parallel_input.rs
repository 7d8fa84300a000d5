//! The options of GNU parallel that say what tasks are made of: each as its users type it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::piecework;
use tempfile::TempDir;

/// A folder with files to read arguments from.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("abc"), "a\nb\nc\n").unwrap();
    fs::write(folder.path().join("12"), "1\n2\n").unwrap();
    fs::write(folder.path().join("table"), "name age\nada 36\nbob 7\n").unwrap();
    folder
}

/// Runs `map` for each line of a table: what is typed, standard input, and what is printed. Words
/// are parted by spaces, and `_` stands for a space within one.
fn prints(table: &[(&str, &str, &str)]) {
    let folder = files();
    for (typed, input, printed) in table {
        let words = typed.split(' ').map(|word| word.replace('_', " "));
        let ran = piecework(["map", "-j1"]).args(words).in_folder(&folder);
        let ran = ran.run_with(input.as_bytes());
        assert_eq!((ran.code, ran.text().as_str()), (0, *printed), "{typed}: {}", ran.stderr);
    }
}

#[test]
fn places_stand_for_parts_of_the_argument() {
    prints(&[
        ("echo {.} {/} {//} {/.} ::: dir/a.txt", "", "dir/a a.txt dir a\n"),
        ("echo {#}:{%} ::: a b", "", "1:1\n2:1\n"),
        ("echo {2}{1} {1.} {2/} ::: x.y ::: d/e", "", "d/ex.y x e\n"),
        ("echo {-1} ::: a ::: b", "", "b\n"),
        ("echo {1} {1//} {1/.} ::: dir/a.txt", "", "dir/a.txt dir a\n"),
        ("-I @ echo @{} ::: a", "", "a{}\n"),
        ("--replace @ echo @ ::: a", "", "a\n"),
    ]);
}

#[test]
fn sources_are_combined_or_linked() {
    prints(&[
        ("echo ::: a b ::: 1 2", "", "a 1\na 2\nb 1\nb 2\n"),
        ("echo ::: a b :::+ 1 2", "", "a 1\nb 2\n"),
        ("echo :::: abc ::::+ abc", "", "a a\nb b\nc c\n"),
        ("echo :::: 12 ::: x", "", "1 x\n2 x\n"),
        ("--link echo ::: a b c ::: 1 2", "", "a 1\nb 2\nc 1\n"),
        ("--xapply echo ::: a b ::: 1 2", "", "a 1\nb 2\n"),
        ("-a abc echo", "", "a\nb\nc\n"),
        ("--arg-file abc --arg-file 12 echo", "", "a 1\na 2\nb 1\nb 2\nc 1\nc 2\n"),
    ]);
}

#[test]
fn input_is_parted_into_arguments_and_columns() {
    prints(&[
        ("-0 echo", "a b\0c\0", "a b\nc\n"),
        ("--null echo", "a\0", "a\n"),
        ("-d , echo", "a,b", "a\nb\n"),
        ("--delimiter \\t echo", "a\tb", "a\nb\n"),
        ("-C , echo {2}", "a,b\nc,d\n", "b\nd\n"),
        ("--colsep [,;] echo {2}", "a,b\nc;d\n", "b\nd\n"),
        ("--csv echo {2}", "1,\"a, b\"\n", "a, b\n"),
        ("--header : -C _ -a table echo {name} {age}", "", "ada 36\nbob 7\n"),
        ("--trim lr echo <{}>", " a \n", "<a>\n"),
        ("--trim l echo <{}>", " a \n", "<a >\n"),
        ("-r echo", "\na\n", "a\n"),
        ("--no-run-if-empty echo", "\n", ""),
    ]);
}

#[test]
fn a_command_may_have_several_arguments() {
    prints(&[
        ("-n 2 echo x{}", "1\n2\n3\n", "x1 2\nx3\n"),
        ("--max-args 2 echo", "1\n2\n3\n", "1 2\n3\n"),
        ("-N 2 echo x{}", "1\n2\n3\n", "x1 x2\nx3\n"),
        ("--max-replace-args 2 echo {2}{1}", "1\n2\n", "21\n"),
        ("-X echo x{}", "1\n2\n", "x1 x2\n"),
        ("-m echo x{}", "1\n2\n", "x1 2\n"),
        ("--xargs echo x{}", "1\n2\n", "x1 2\n"),
    ]);
}

#[test]
fn all_arguments_come_in_some_order() {
    let ran = piecework(["map", "--shuf", "echo", ":::", "a", "b", "c"]).run();
    let text = ran.text();
    assert_eq!(text.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["a", "b", "c"]));
    // Four thousand arguments are in their old order once in longer than this world will last.
    let input: String = (0..4000).map(|number| format!("{number}\n")).collect();
    let shown = piecework(["map", "--shuf", "--dry-run"]).run_with(input.as_bytes());
    assert_eq!(shown.text().lines().count(), 4000);
    assert_ne!(shown.text(), input);
}

#[test]
fn blocks_of_standard_input_go_to_commands() {
    prints(&[
        ("--pipe -N 2 tr_'\\n'_/;_echo", "1\n2\n3\n", "1/2/\n3/\n"),
        ("--spreadstdin -N 3 wc_-l", "1\n2\n3\n", "3\n"),
        ("--pipe --block 4 tr_'\\n'_/;_echo", "1\n2\n3\n", "1/2/\n3/\n"),
        ("--pipe --block-size 1k cat", "1\n2\n", "1\n2\n"),
        ("--pipe --recend ; -N 1 cat;_echo", "a;b;", "a;\nb;\n"),
        ("--pipe --recstart > -N 1 cat;_echo", ">a>b", ">a\n>b\n"),
        ("--pipe --header 1 -N 1 tr_'\\n'_/;_echo", "h\n1\n2\n", "h/1/\nh/2/\n"),
    ]);
}

#[test]
fn a_dry_run_shows_lines_that_a_shell_would_run() {
    prints(&[
        ("--dry-run echo {} ::: a b_c", "", "echo a\necho 'b c'\n"),
        ("--dry-run touch {} ::: file", "", "touch file\n"),
        ("--dry-run wc_<_{}_>_{.}.n ::: a_b.txt", "", "wc < 'a b.txt' > 'a b'.n\n"),
    ]);
    let folder = files();
    piecework(["map", "--dry-run", "touch", "new", ":::", "a"]).in_folder(&folder).run();
    assert!(!folder.path().join("new").exists());
}
