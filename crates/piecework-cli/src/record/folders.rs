//! `--results DIR`: a folder for each task, laid out as GNU parallel does it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::failed;
use super::stream::{Written, copy};

/// The longest name that file systems commonly take. Longer arguments are cut, as GNU parallel cuts
/// them: two that differ only behind it share their folder.
const NAME_BYTES_MAX: usize = 255;

/// Fills in the replacement strings of `--results` for a task, given its number and arguments.
pub(crate) type Filler = Arc<dyn Fn(u64, &[Vec<u8>]) -> Vec<u8> + Send + Sync>;

/// Where the output of each task goes.
#[derive(Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    /// The names of the columns; those that have none are numbered.
    names: Vec<Vec<u8>>,
    /// What makes the whole path, where `--results` has replacement strings.
    filler: Option<Filler>,
}

/// Where the output of one task goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    stdout: PathBuf,
    stderr: PathBuf,
    seq: PathBuf,
}

impl Layout {
    /// Makes the layout of `--results ROOT`.
    pub(super) fn new(root: &Path, names: &[Vec<u8>], filler: Option<Filler>) -> Self {
        Self { root: root.to_owned(), names: names.to_vec(), filler }
    }

    /// Tells where the output of a task goes.
    pub(super) fn place(&self, seq: u64, args: &[Vec<u8>]) -> Place {
        match &self.filler {
            Some(filler) => {
                let path = filler(seq, args);
                let prefix = OsStr::from_bytes(&path);
                if path.ends_with(b"/") { Place::folder(prefix) } else { Place::file(prefix) }
            }
            None => Place::folder(self.folder(args)),
        }
    }

    /// `ROOT/NAME/ARG/NAME/ARG`, sorted by the names.
    fn folder(&self, args: &[Vec<u8>]) -> PathBuf {
        let numbered = (1..=args.len()).map(|number| number.to_string().into_bytes());
        let names =
            numbered.enumerate().map(|(at, number)| self.names.get(at).cloned().unwrap_or(number));
        let mut columns: Vec<_> = names.zip(args).collect();
        columns.sort_by(|(one, _), (other, _)| {
            leading_number(one).total_cmp(&leading_number(other)).then_with(|| one.cmp(other))
        });
        let mut folder = self.root.clone();
        for (name, arg) in columns {
            folder.push(OsStr::from_bytes(&file_name(&name)));
            folder.push(OsStr::from_bytes(&file_name(arg)));
        }
        folder
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Layout").field(&self.root).finish()
    }
}

impl Place {
    fn folder(folder: impl AsRef<Path>) -> Self {
        let file = |name| folder.as_ref().join(name);
        Self { stdout: file("stdout"), stderr: file("stderr"), seq: file("seq") }
    }

    fn file(path: &OsStr) -> Self {
        Self {
            stdout: path.into(),
            stderr: with_ending(path, ".err"),
            seq: with_ending(path, ".seq"),
        }
    }

    /// Whether a task has left its output here.
    pub(super) fn is_filled(&self) -> bool {
        self.stdout.exists()
    }

    /// Puts the output of a task here.
    ///
    /// # Errors
    /// If it cannot be written, or not be read.
    pub(super) fn fill(&self, seq: u64, written: &mut Written<'_>) -> anyhow::Result<()> {
        write(&self.seq, |out| write!(out, "{seq}"))?;
        write(&self.stderr, |out| copy(written.stderr, out))?;
        // Standard output tells `--resume` that a task is done, so it appears last and whole.
        let part = with_ending(self.stdout.as_os_str(), ".part");
        write(&part, |out| copy(written.stdout, out))?;
        std::fs::rename(&part, &self.stdout).map_err(|error| failed("make", &self.stdout, &error))
    }
}

/// Writes a file, and makes its folders where they are missing.
fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let created = match (File::create(path), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).and_then(|()| File::create(path))
        }
        (created, _) => created,
    };
    let mut file = created.map_err(|error| failed("create", path, &error))?;
    write(&mut file).map_err(|error| failed("write to", path, &error))
}

fn with_ending(path: &OsStr, ending: &str) -> PathBuf {
    let mut path = path.to_owned();
    path.push(ending);
    path.into()
}

/// An argument as the name of a file, quoted as GNU parallel quotes it. It lets `.` and `..` be;
/// here they are quoted too, so that no argument leads out of the folder.
fn file_name(arg: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(arg.len());
    if arg == b"." || arg == b".." {
        name.push(b'\\');
    }
    for byte in arg {
        match byte {
            b'\\' => name.extend(b"\\\\"),
            b'\t' => name.extend(b"\\t"),
            0 => name.extend(b"\\0"),
            b'/' => name.extend(b"\\_"),
            byte => name.push(*byte),
        }
    }
    name.truncate(NAME_BYTES_MAX);
    name
}

/// The number with which a name begins, as Perl reads it; 0 where there is none.
fn leading_number(name: &[u8]) -> f64 {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    name.get(..digits)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn args(args: &[&str]) -> Vec<Vec<u8>> {
        args.iter().map(|arg| arg.as_bytes().to_vec()).collect()
    }

    fn stdout_of(names: &[&str], values: &[&str]) -> String {
        let layout = Layout::new(Path::new("out"), &args(names), None);
        layout.place(1, &args(values)).stdout.to_str().unwrap().to_owned()
    }

    #[test]
    fn folders_are_those_of_gnu_parallel() {
        for (names, values, path) in [
            (&[][..], &["a"][..], "out/1/a/stdout"),
            (&[], &["a/b", "c d"], r"out/1/a\_b/2/c d/stdout"),
            (&[], &["a\\b", "x\ty", "n\nl"], "out/1/a\\\\b/2/x\\ty/3/n\nl/stdout"),
            (&[], &["", "x"], "out/1/2/x/stdout"),
            (&[], &[], "out/stdout"),
            (&["b", "a"], &["1", "2"], "out/a/2/b/1/stdout"),
            (&["11b", "1b", "11a"], &["1", "2", "3"], "out/1b/2/11a/3/11b/1/stdout"),
            (&["b"], &["1", "2"], "out/b/1/2/2/stdout"),
        ] {
            assert_eq!(stdout_of(names, values), path, "{names:?} {values:?}");
        }
    }

    #[test]
    fn no_argument_leads_out_of_the_folder() {
        assert_eq!(stdout_of(&[], &["..", "."]), r"out/1/\../2/\./stdout");
        assert_eq!(stdout_of(&[], &["/etc"]), r"out/1/\_etc/stdout");
        assert_eq!(stdout_of(&[".."], &["x"]), r"out/\../x/stdout");
    }

    #[test]
    fn long_arguments_are_cut() {
        let long = "0".repeat(300);
        assert_eq!(stdout_of(&[], &[&long]), format!("out/1/{}/stdout", "0".repeat(255)));
    }

    #[test]
    fn replacement_strings_make_files_or_folders() {
        let filled = |path: &'static str| {
            let filler: Filler = Arc::new(|_, _| path.into());
            Layout::new(Path::new("not used"), &[], Some(filler)).place(1, &[])
        };
        assert_eq!(filled("o/1.txt"), Place::file(OsStr::new("o/1.txt")));
        assert_eq!(filled("o/1.txt").stderr, Path::new("o/1.txt.err"));
        assert_eq!(filled("o/1.txt").seq, Path::new("o/1.txt.seq"));
        assert_eq!(filled("o/1/"), Place::folder("o/1"));
    }

    #[test]
    fn what_is_put_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = Layout::new(folder.path(), &[], None).place(7, &args(&["a"]));
        assert!(!place.is_filled());
        for text in ["first", "second"] {
            let (mut stdout, mut stderr) = (Cursor::new(text), Cursor::new("oh"));
            place.fill(7, &mut Written { stdout: &mut stdout, stderr: &mut stderr }).unwrap();
            assert!(place.is_filled());
            let inside = std::fs::read_dir(folder.path().join("1/a")).unwrap();
            let mut inside: Vec<_> = inside
                .map(|entry| entry.unwrap())
                .map(|entry| (entry.file_name(), std::fs::read_to_string(entry.path()).unwrap()))
                .collect();
            inside.sort();
            let expected = [("seq", "7"), ("stderr", "oh"), ("stdout", text)];
            assert_eq!(inside, expected.map(|(name, text)| (name.into(), text.to_owned())));
        }
    }

    #[test]
    fn a_place_that_cannot_be_made_is_named() {
        let place = Layout::new(Path::new("/dev/null"), &[], None).place(1, &args(&["a"]));
        let none: &[u8] = b"";
        let mut written =
            Written { stdout: &mut Cursor::new(none), stderr: &mut Cursor::new(none) };
        let error = place.fill(1, &mut written).unwrap_err().to_string();
        assert!(error.starts_with("cannot create /dev/null/1/a/seq: "), "{error}");
    }
}
