//! The files of settings: where they are, whom they may belong to, what may stand in them.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use toml::{Table, Value};

use crate::config::environment::Variables;
use crate::config::keys::{Key, Keys};
use crate::exit;

/// The file of a project, in the folder that a command is started in.
const HERE: &str = "./piecework.toml";

/// The file of a machine.
const SYSTEM: &str = "/etc/piecework/config.toml";

/// Names one file to be read in place of all; empty, none is.
const VARIABLE: &str = "PIECEWORK_CONFIG";

/// Nobody writes so many settings; a device that was named by mistake has no end.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Keys that people try for what must not stand in a file that is copied and committed.
const SECRETS: [&str; 5] = ["authkey", "key", "password", "secret", "token"];

/// The share of letters that must be right in a name for it to be taken for a slip of the finger.
const LIKENESS_MIN: f64 = 0.5;

/// A file of settings.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    table: Table,
}

/// Reads the files there are, the nearest first.
pub(crate) fn read(variables: &Variables) -> anyhow::Result<Vec<File>> {
    let variable = |name: &str| variables.get(OsStr::new(name));
    if let Some(named) = variable(VARIABLE) {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let path = PathBuf::from(named);
        let file = File::read(&path)?;
        let missing = || exit::usage(format!("{VARIABLE}: there is no file {}", path.display()));
        return Ok(vec![file.ok_or_else(missing)?]);
    }
    let own = match (variable("XDG_CONFIG_HOME").map(Path::new), variable("HOME")) {
        (Some(folder), _) if folder.is_absolute() => Some(folder.to_owned()),
        (_, Some(home)) => Some(Path::new(home).join(".config")),
        _ => None,
    };
    let own = own.map(|folder| folder.join("piecework/config.toml"));
    let here = Path::new(HERE);
    check_trust(here)?;
    let paths = [Some(here.to_owned()), own, Some(SYSTEM.into())];
    let files = paths.into_iter().flatten().map(|path| File::read(&path));
    files.filter_map(Result::transpose).collect()
}

/// Whoever can write in the folder that a command is started in, `/tmp` say, must not say what it
/// does: the file there is used only if nobody but this user and root can have written it.
fn check_trust(path: &Path) -> anyhow::Result<()> {
    let Ok(metadata) = path.metadata() else { return Ok(()) };
    let is_ours = [0, geteuid().as_raw()].contains(&metadata.uid());
    if is_ours && metadata.mode() & 0o002 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(exit::usage(format!(
        "{path} could have been written by another user; hint: if you trust it, say \
         {VARIABLE}={path}; {VARIABLE}= reads no file at all"
    )))
}

impl File {
    /// Reads a file; None if there is none.
    fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let failed = |why: &dyn std::fmt::Display| {
            exit::usage(format!("cannot read the settings in {}: {why}", path.display()))
        };
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
            Ok(bytes) if bytes as u64 > FILE_BYTES_MAX => {
                return Err(failed(&format_args!("it has more than {FILE_BYTES_MAX} bytes")));
            }
            Ok(_) => {}
        }
        let table = text.parse().map_err(|error: toml::de::Error| failed(&error))?;
        Ok(Some(Self { path: path.to_owned(), table }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Insists that every key is known and every value is of its kind.
    pub(crate) fn check(&self, keys: &Keys<'_>) -> anyhow::Result<()> {
        for (name, value) in &self.table {
            match value {
                Value::Table(table) if keys.commands().any(|command| command == name) => {
                    for (key, value) in table {
                        let known: Vec<_> = keys.of_command(name).collect();
                        self.check_one(Some(name), key, value, &known, keys)?;
                    }
                }
                Value::Table(_) => {
                    let nearest = nearest(name, keys.commands());
                    let hint = nearest.map_or_else(String::new, |is| format!("; hint: [{is}]"));
                    return Err(self.wrong(name, &format!("there is no such command{hint}")));
                }
                value => self.check_one(None, name, value, &keys.shared().collect(), keys)?,
            }
        }
        Ok(())
    }

    fn check_one(
        &self,
        table: Option<&str>,
        name: &str,
        value: &Value,
        known: &Vec<&Key<'_>>,
        keys: &Keys<'_>,
    ) -> anyhow::Result<()> {
        let path = table.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}"));
        let Some(key) = known.iter().find(|key| key.name() == name) else {
            return Err(self.wrong(&path, &unknown(table, name, known, keys)));
        };
        if key.words(value).is_none() {
            let told = format!("{} is expected, not {value}", key.kind().wanted());
            return Err(self.wrong(&path, &told));
        }
        Ok(())
    }

    fn wrong(&self, path: &str, told: &str) -> anyhow::Error {
        exit::usage(format!("{}: {path}: {told}", self.path.display()))
    }

    /// The value of a key: in the table of its command, else above the tables.
    pub(crate) fn get(&self, key: &Key<'_>) -> Option<&Value> {
        let own = self.table.get(key.command()).and_then(|table| table.get(key.name()));
        own.or_else(|| self.shared(key))
    }

    /// The value above the tables.
    pub(crate) fn shared(&self, key: &Key<'_>) -> Option<&Value> {
        self.table.get(key.name()).filter(|_| key.is_shared())
    }
}

/// What is said of a key that is not known: where it belongs, or which one may be meant.
fn unknown(table: Option<&str>, name: &str, known: &[&Key<'_>], keys: &Keys<'_>) -> String {
    if SECRETS.contains(&name) {
        return "a secret has no place in a file of settings; hint: authkey-file = \"FILE\" names \
                one that only you can read"
            .to_owned();
    }
    let hint = if let Some(key) = nearest(name, known.iter().map(|key| key.name())) {
        format!("the nearest is {key}")
    } else if keys.shared().any(|key| key.name() == name) {
        "it belongs above the tables".to_owned()
    } else if keys.all().any(|key| key.name() == name) {
        let homes = keys.all().filter(|key| key.name() == name);
        let homes: Vec<_> = homes.map(|key| format!("[{}]", key.command())).collect();
        format!("it belongs in {}", homes.join(" or "))
    } else {
        let command = table.map_or_else(String::new, |table| format!("{table} "));
        format!("`piecework {command}--help` names what can be set")
    };
    format!("unknown key; hint: {hint}")
}

/// The name that is most like this one, if any is like it at all.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let likeness = |other: &&str| strsim::normalized_damerau_levenshtein(name, other);
    let like = known.filter(|other| likeness(other) >= LIKENESS_MIN);
    like.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction, Command};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn root() -> Command {
        let connect = Arg::new("connect").long("connect").env("PIECEWORK_CONNECT");
        let jobs = Arg::new("jobs").long("jobs");
        let quiet = Arg::new("quiet").long("quiet").action(ArgAction::SetTrue);
        let to = Arg::new("to").long("to").action(ArgAction::Append);
        let map = Command::new("map").args([jobs, quiet, to]);
        let get = Command::new("get").args([connect]);
        Command::new("test").subcommands([map, get, Command::new("bare")])
    }

    /// The complaint about a file with this text.
    fn complaint(text: &str) -> String {
        let file = File { path: "F".into(), table: text.parse().unwrap() };
        let root = root();
        file.check(&Keys::of(&root)).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_fits_is_taken() {
        let text =
            "connect = 'x'\n[map]\njobs = 8\nquiet = true\nto = ['a', 1]\n[get]\nconnect='y'";
        assert_eq!(complaint(text), "");
        assert_eq!(complaint("[map]\njobs = '8'\nto = 'one'\n[bare]\n"), "");
    }

    #[test]
    fn an_unknown_key_is_told_with_the_nearest_or_its_place() {
        let nearest = "F: map.jbos: unknown key; hint: the nearest is jobs";
        assert_eq!(complaint("[map]\njbos = 1"), nearest);
        assert_eq!(complaint("conect = 1"), "F: conect: unknown key; hint: the nearest is connect");
        assert_eq!(complaint("[mpa]\n"), "F: mpa: there is no such command; hint: [map]");
        assert_eq!(complaint("jobs = 1"), "F: jobs: unknown key; hint: it belongs in [map]");
        assert_eq!(
            complaint("[get]\njobs = 1"),
            "F: get.jobs: unknown key; hint: it belongs in [map]"
        );
        let above = "F: map.connect: unknown key; hint: it belongs above the tables";
        assert_eq!(complaint("[map]\nconnect = 1"), above);
        let help = "F: bare.x: unknown key; hint: `piecework bare --help` names what can be set";
        assert_eq!(complaint("[bare]\nx = 1"), help);
        let help = "F: x: unknown key; hint: `piecework --help` names what can be set";
        assert_eq!(complaint("x = 1"), help);
    }

    #[test]
    fn a_secret_is_refused_wherever_it_stands() {
        for text in ["authkey = 'x'", "[map]\nauthkey = 'x'", "token = 'x'"] {
            assert!(complaint(text).contains("a secret has no place"), "{text}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        let cases = [
            ("[map]\nquiet = 'yes'", "F: map.quiet: true or false is expected, not \"yes\""),
            ("[map]\njobs = [1]", "F: map.jobs: a text or a number is expected, not [1]"),
            ("[map]\njobs = true", "F: map.jobs: a text or a number is expected, not true"),
            ("[map]\nto = [[1]]", "F: map.to: a list of texts or numbers is expected, not [[1]]"),
        ];
        for (text, told) in cases {
            assert_eq!(complaint(text), told);
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.toml");
        assert!(File::read(&path).unwrap().is_none());
        let told = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            File::read(&path).unwrap_err().to_string()
        };
        let wrong = told(b"[map]\njobs = = 8\n");
        assert!(wrong.contains("it.toml") && wrong.contains("line 2"), "{wrong}");
        assert!(told(&[0xff]).contains("UTF-8"));
        assert!(told(&vec![b'#'; FILE_BYTES_MAX as usize + 1]).contains("more than"));
        let named = [(VARIABLE.into(), "/no/such/file".into())].into();
        let missing = read(&named).unwrap_err().to_string();
        assert_eq!(missing, "PIECEWORK_CONFIG: there is no file /no/such/file");
    }

    #[test]
    fn a_file_that_others_can_write_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("piecework.toml");
        assert!(check_trust(&path).is_ok(), "there is none");
        fs::write(&path, "").unwrap();
        assert!(check_trust(&path).is_ok());
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        assert!(check_trust(&path).unwrap_err().to_string().contains("another user"));
    }
}
