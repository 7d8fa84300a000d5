//! `--results`: what each task printed, kept in folders, a table, or lines of JSON.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::folders::{Filler, Layout};
use super::json_lines::JsonLines;
use super::stream::Written;
use super::table::Table;
use crate::run::piece::Finished;

/// Where results go.
#[derive(Debug)]
pub(super) enum Results {
    /// A folder for each task.
    Folders(Layout),
    /// A row for each task.
    Table(Table),
    /// An object for each task.
    Lines(JsonLines),
}

/// What the name that is given to `--results` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Folders below it.
    Folders,
    /// A table with this separator.
    Table(u8),
    /// Lines of JSON.
    Lines,
}

impl Form {
    /// Reads it from the end of the name, in any case.
    ///
    /// # Errors
    /// If the end names a form that is GNU parallel's and not ours.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().map(|ending| ending.to_ascii_lowercase());
        Ok(match extension.as_ref().and_then(|ending| ending.to_str()) {
            Some("csv") => Self::Table(b','),
            Some("tsv") => Self::Table(b'\t'),
            Some("jsonl") => Self::Lines,
            Some("json") => bail!(
                "--results {}: a file of results has an object on each line\n\
                 hint: name it {}",
                path.display(),
                path.with_extension("jsonl").display()
            ),
            _ => Self::Folders,
        })
    }
}

impl Results {
    /// Opens the place that is named, which is emptied unless the results go on. `-.csv`,
    /// `-.tsv` and `-.jsonl` are standard output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn open(
        path: &Path,
        names: &[Vec<u8>],
        filler: Option<Filler>,
        goes_on: bool,
    ) -> anyhow::Result<Self> {
        let file = if is_stdout(path) { PathBuf::from("-") } else { path.to_owned() };
        Ok(match Form::of(path)? {
            Form::Folders => Self::Folders(Layout::new(path, names, filler)),
            Form::Table(separator) => Self::Table(Table::open(&file, separator, names, goes_on)?),
            Form::Lines => Self::Lines(JsonLines::open(&file, goes_on)?),
        })
    }

    /// Adds the result of a task.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn add(
        &mut self,
        finished: &Finished,
        command: &[u8],
        written: &mut Written<'_>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Folders(layout) => {
                layout.place(finished.seq, &finished.args).fill(finished.seq, written)
            }
            Self::Table(table) => table.add(finished, command, written),
            Self::Lines(lines) => lines.add(finished, command, written),
        }
    }
}

/// Whether the results take the place of what the commands print.
pub(super) fn is_stdout(path: &Path) -> bool {
    path.parent() == Some(Path::new(""))
        && path.file_stem().is_some_and(|stem| stem == "-")
        && !matches!(Form::of(path), Ok(Form::Folders))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_name_tells_the_form() {
        for (name, form) in [
            ("out", Form::Folders),
            ("out/{1}.txt", Form::Folders),
            ("a.csv", Form::Table(b',')),
            ("a.b.TSV", Form::Table(b'\t')),
            ("dir/a.jsonl", Form::Lines),
            (".csv", Form::Folders),
        ] {
            assert_eq!(Form::of(Path::new(name)).unwrap(), form, "{name}");
        }
        let error = Form::of(Path::new("d/a.json")).unwrap_err().to_string();
        assert!(error.ends_with("hint: name it d/a.jsonl"), "{error}");
    }

    #[test]
    fn a_dash_is_standard_output() {
        let stdout = ["-.csv", "-.tsv", "-.jsonl", "-", "-.txt", "x/-.csv", "a.csv"]
            .map(|name| is_stdout(Path::new(name)));
        assert_eq!(stdout, [true, true, true, false, false, false, false]);
    }
}
