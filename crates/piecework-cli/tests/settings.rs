//! Settings from files and the environment, completions and manual pages, from outside.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
#![allow(clippy::print_stdout, reason = "says which program it could not ask")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{TestCommand, commands, piecework};
use tempfile::TempDir;

/// A user with a home and a project, each with its file of settings.
struct User {
    folder: TempDir,
}

impl User {
    fn new(own: &str, project: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let user = Self { folder };
        fs::create_dir_all(user.path("config/piecework")).unwrap();
        fs::create_dir(user.path("project")).unwrap();
        fs::write(user.path("config/piecework/config.toml"), own).unwrap();
        fs::write(user.path("project/piecework.toml"), project).unwrap();
        user
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A command in the folder of the project.
    fn command(&self, words: &[&str]) -> TestCommand {
        let command = piecework(words).in_folder(self.path("project"));
        let command = command.without("PIECEWORK_CONFIG").without("PIECEWORK_SERVE_ENGINE");
        command.env("XDG_CONFIG_HOME", self.path("config"))
    }
}

#[test]
fn what_is_nearer_wins() {
    let user = User::new("[map]\ntag = true\njobs = 1\n", "[map]\njobs = 2\n");
    user.command(&["map", "echo", ":::", "a"]).run().expect(0, "a\ta\n");
    user.command(&["map", "echo", ":::", "a"]).env("PIECEWORK_MAP_TAG", "0").run().expect(0, "a\n");
    let own = user.path("config/piecework/config.toml");
    let shown = user.command(&["config", "show", "--origin", "--json"]).run().text();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let of = |key: &str| shown.as_array().unwrap().iter().find(|it| it["key"] == key).unwrap();
    assert_eq!(
        (&of("jobs")["value"], &of("jobs")["origin"]),
        (&2.into(), &"./piecework.toml".into())
    );
    assert_eq!(of("tag")["origin"], own.to_str().unwrap());
    let home = user.command(&["config", "show"]).without("XDG_CONFIG_HOME");
    home.env("HOME", user.path("nowhere")).run().expect(0, "[map]\njobs = 2\n");
}

#[test]
fn one_file_can_be_named_or_none() {
    let user = User::new("[map]\ntag = true\n", "[map]\ntag = true\n");
    let other = user.path("other.toml");
    fs::write(&other, "[map]\njobs = 3\n").unwrap();
    let show = || user.command(&["config", "show"]);
    show().env("PIECEWORK_CONFIG", &other).run().expect(0, "[map]\njobs = 3\n");
    let none = show().env("PIECEWORK_CONFIG", "").run();
    none.expect(0, "# nothing is set: every flag has its default\n");
    let missing = show().env("PIECEWORK_CONFIG", "/no/such/file").run();
    missing.expect(2, "");
    let told = "piecework: PIECEWORK_CONFIG: there is no file /no/such/file\n";
    assert_eq!(missing.stderr, told);
}

#[test]
fn a_mistake_names_its_file_and_key() {
    let user = User::new("", "[map]\njosb = 2\n");
    let ran = user.command(&["map", "echo", ":::", "a"]).run();
    ran.expect(2, "");
    let told = "piecework: ./piecework.toml: map.josb: unknown key; hint: the nearest is jobs\n";
    assert_eq!(ran.stderr, told);
    let user = User::new("[map]\njobs = 'x'\n", "");
    let ran = user.command(&["map", "echo", ":::", "a"]).run();
    ran.expect(2, "");
    let told = "config/piecework/config.toml: map.jobs: invalid value 'x' for '--jobs <N>'";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let user = User::new("", "authkey = 'secret'\n");
    let ran = user.command(&["queues"]).run();
    ran.expect(2, "");
    assert!(ran.stderr.contains("a secret has no place"), "{}", ran.stderr);
}

/// A program of the machine, if it is there; else the test says that it did not ask it.
fn program(name: &str) -> Option<Command> {
    let mut ask = Command::new("sh");
    ask.args(["-c", "command -v \"$0\"", name]).stdout(Stdio::null());
    if ask.status().unwrap().success() {
        return Some(Command::new(name));
    }
    println!("{name} is not installed: not asked");
    None
}

#[test]
fn completions_are_scripts_of_their_shell() {
    let folder = tempfile::tempdir().unwrap();
    let shells = [("bash", "COMPREPLY"), ("zsh", "#compdef piecework"), ("fish", "complete -c")];
    for (shell, own) in shells {
        let script = piecework(["completions", shell]).run();
        assert_eq!(script.code, 0, "{}", script.stderr);
        for word in [own, "worker", "unordered"] {
            assert!(script.text().contains(word), "{word} in {shell}");
        }
        let file = folder.path().join(shell);
        fs::write(&file, &script.stdout).unwrap();
        if let Some(mut shell) = program(shell) {
            let checked = shell.arg("-n").arg(&file).output().unwrap();
            assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");
        }
    }
    completes(&folder.path().join("bash"));
}

/// Has bash itself complete `piecework map --uno`.
fn completes(script: &Path) {
    let ask = "source \"$0\"; COMP_WORDS=(piecework map --uno); COMP_CWORD=2; \
               _piecework piecework --uno map; echo \"${COMPREPLY[@]}\"";
    let Some(mut bash) = program("bash") else { return };
    let told = bash.args(["--norc", "-c", ask]).arg(script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&told.stdout), "--unordered\n", "{told:?}");
}

#[test]
fn every_command_has_a_page_that_groff_has_nothing_to_say_against() {
    let folder = tempfile::tempdir().unwrap();
    piecework(["man"]).args([folder.path()]).run().expect(0, "");
    let first = fs::read_to_string(folder.path().join("piecework.1")).unwrap();
    assert_eq!(piecework(["man"]).run().text(), first);
    for words in commands() {
        let page = folder.path().join(format!("piecework-{}.1", words.join("-")));
        assert!(page.is_file(), "{}", page.display());
    }
    for page in fs::read_dir(folder.path()).unwrap() {
        let page = page.unwrap().path();
        if let Some(mut groff) = program("groff") {
            let rendered = groff.args(["-man", "-ww", "-Tutf8"]).arg(&page).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&rendered.stderr), "", "{}", page.display());
            assert!(rendered.stdout.len() > 100, "{}", page.display());
        }
    }
}
