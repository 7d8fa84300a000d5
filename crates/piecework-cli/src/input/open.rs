//! From the flags and the words after them to the input of a run.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::Path;

use super::blocks::{Blocks, Size};
use super::borders::Borders;
use super::columns::{Columns, Part, Trim};
use super::lines::{self, Lines};
use super::marks::{self, Linked, Source};
use super::rows::{Row, Rows};
use super::{Input, InputArgs, combine, pack, shuffle};
use crate::template::{Given, Syntax};
use crate::{exit, output};

/// The size of a block unless `--block` says otherwise, as in GNU parallel.
const BLOCK_BYTES: usize = 1 << 20;

/// What a run begins with.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The words of the command.
    pub(crate) command: Vec<OsString>,
    /// How they are to be read.
    pub(crate) syntax: Syntax,
    /// What its tasks are made of.
    pub(crate) input: Input,
}

impl InputArgs {
    /// Parts the words after the options at their marks and opens the sources of arguments. Reads
    /// the header, and all of what must be held in memory. `jobs` is how many commands run at a
    /// time.
    ///
    /// # Errors
    /// If the options do not fit each other, or a source cannot be read.
    pub(crate) fn open(&self, words: &[OsString], jobs: usize) -> anyhow::Result<Opened> {
        let (command, groups) = marks::split(words);
        let given = if self.pipe { Given::OnStdin } else { Given::AsArgument };
        let mut syntax = Syntax::from(given);
        if let Some(placeholder) = &self.replace {
            syntax.placeholder = placeholder.as_bytes().to_vec();
        }
        syntax.repeat_context = self.fill_context || self.max_replace_args.is_some();
        let input = if self.pipe {
            if command.is_empty() {
                return Err(exit::usage("--pipe needs a command to pipe into\nhint: cat, say"));
            }
            Input::Blocks(self.blocks(&groups)?)
        } else {
            Input::Rows(self.rows(groups, &mut syntax.names, jobs)?)
        };
        Ok(Opened { command, syntax, input })
    }

    fn blocks(&self, groups: &[Linked]) -> anyhow::Result<Blocks> {
        let mut sources = groups.iter().flatten();
        let path = match (self.arg_file.as_slice(), sources.next(), sources.next()) {
            ([], None, _) => Path::new("-"),
            ([path], None, _) => path,
            ([], Some(Source::File(path)), None) => path,
            _ => {
                return Err(exit::usage(
                    "--pipe gives the commands blocks of one stream, not arguments\n\
                     hint: leave out ::: and further files; cat FILES | piecework map --pipe ...",
                ));
            }
        };
        let end = match (&self.recend, &self.recstart) {
            (Some(end), _) => end.clone(),
            (None, Some(_)) => Vec::new(),
            (None, None) => b"\n".to_vec(),
        };
        let borders = Borders { end, start: self.recstart.clone().unwrap_or_default() };
        let size = match self.rows_each() {
            Some(0) => return Err(exit::usage("--pipe with -N needs a number from 1")),
            Some(count) => Size::Records(count),
            None => Size::Bytes(self.block.unwrap_or(BLOCK_BYTES)),
        };
        let header_lines = self.header.map_or(0, |header| header.lines.get());
        Blocks::new(lines::open(path)?, borders, size, header_lines)
    }

    fn rows(
        &self,
        groups: Vec<Linked>,
        names: &mut Vec<Vec<u8>>,
        jobs: usize,
    ) -> anyhow::Result<Rows> {
        let columns = self.columns()?;
        let mut combined = Vec::new();
        for group in self.all_groups(groups)? {
            let mut linked = Vec::new();
            for source in group {
                linked.push(self.source(source, &columns, names)?);
            }
            if self.link {
                combined.extend(linked);
            } else {
                combined.push(combine::side_by_side(linked));
            }
        }
        let rows =
            if self.link { combine::wrapped(combined)? } else { combine::product(combined)? };
        let rows = if self.no_run_if_empty { without_empty(rows) } else { rows };
        let rows = if self.shuf { shuffle::shuffled(rows)? } else { rows };
        Ok(match self.rows_each() {
            count if self.fill_context || self.fill => pack::by_size(rows, count, Some(jobs)),
            count if self.xargs => pack::by_size(rows, count, None),
            Some(count) if count != 1 => pack::by_count(rows, count),
            _ => rows,
        })
    }

    /// How many lines or records each command gets.
    fn rows_each(&self) -> Option<usize> {
        self.max_args.or(self.max_replace_args)
    }

    fn columns(&self) -> anyhow::Result<Columns> {
        let part = match (&self.colsep, self.csv) {
            (None, false) => Part::Whole,
            (Some(regexp), false) => Part::Regexp(regexp.clone()),
            (None, true) => Part::Csv(b','),
            (Some(comma), true) => match comma.as_str().as_bytes() {
                [b'\\', b't'] => Part::Csv(b'\t'),
                [comma] if *comma != b'"' => Part::Csv(*comma),
                _ => {
                    return Err(exit::usage(format!(
                        "--csv takes one character between columns, not {comma}\n\
                         hint: such as --colsep ';' or --colsep '\\t'"
                    )));
                }
            },
        };
        let trim = match (self.trim, &part) {
            (Some(trim), _) => trim,
            (None, Part::Regexp(_)) => Trim::Lr,
            (None, Part::Whole | Part::Csv(_)) => Trim::N,
        };
        Ok(Columns { part, trim })
    }

    /// The files of `-a`, then what the marks name, else standard input.
    fn all_groups(&self, marked: Vec<Linked>) -> anyhow::Result<Vec<Linked>> {
        let files = self.arg_file.iter().map(|path| vec![Source::File(path.clone())]);
        let mut groups: Vec<_> = files.chain(marked).collect();
        if groups.is_empty() {
            if output::input_is_typed() {
                output::talk("reading arguments from the terminal, one a line; Ctrl-D ends them");
            }
            groups.push(vec![Source::File("-".into())]);
        }
        let stdin = Source::File("-".into());
        if groups.iter().flatten().filter(|source| **source == stdin).count() > 1 {
            return Err(exit::usage(
                "standard input (-) is named twice as a source of arguments\n\
                 hint: it can be read once; write it to a file before",
            ));
        }
        Ok(groups)
    }

    /// Opens one source; where there is a header, its columns are added to the names.
    fn source(
        &self,
        source: Source,
        columns: &Columns,
        names: &mut Vec<Vec<u8>>,
    ) -> anyhow::Result<Rows> {
        let columns = columns.clone();
        let mut rows = match source {
            Source::List(list) => {
                let list: Vec<_> = match &self.delimiter {
                    Some(separator) => {
                        list.iter().flat_map(|word| words_of(word, separator)).collect()
                    }
                    None => list,
                };
                let len = list.len() as u64;
                let rows = list.into_iter().map(move |word| columns.of(word));
                Rows::counted(rows, Some(len))
            }
            Source::File(path) => {
                let (reader, name) = lines::open(&path)?;
                let separator = match &self.delimiter {
                    Some(separator) => separator.clone(),
                    None if self.null => vec![0],
                    None => vec![b'\n'],
                };
                let lines = Lines::new(reader, name, separator, self.csv);
                Rows::stream(lines.map(move |line| columns.of(line?)))
            }
        };
        if let Some(header) = self.header {
            if header.lines.get() > 1 {
                return Err(exit::usage(
                    "the names of columns are one line\nhint: --header : without --pipe",
                ));
            }
            names.extend(rows.next().transpose()?.unwrap_or_default());
        }
        Ok(rows)
    }
}

/// Parts a word of the command line as a file would be; an empty word stays one.
fn words_of(word: &[u8], separator: &[u8]) -> Vec<Vec<u8>> {
    if word.is_empty() {
        return vec![Vec::new()];
    }
    let reader = Box::new(Cursor::new(word.to_vec()));
    let lines = Lines::new(reader, "the command line".to_owned(), separator.to_vec(), false);
    lines.filter_map(Result::ok).collect()
}

fn without_empty(rows: Rows) -> Rows {
    let is_empty = |row: &Row| row.iter().all(|arg| arg.trim_ascii().is_empty());
    Rows::stream(rows.filter(move |row| !row.as_ref().is_ok_and(is_empty)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Filling, Template};
    use clap::Parser;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        input: InputArgs,
        #[arg(trailing_var_arg = true)]
        words: Vec<OsString>,
    }

    fn opened(words: &[&str], jobs: usize) -> anyhow::Result<Opened> {
        let line = Line::try_parse_from([&["map"], words].concat())?;
        line.input.open(&line.words, jobs)
    }

    /// The command lines of all tasks, as `--dry-run` would show them.
    fn lines(words: &[&str]) -> Vec<String> {
        let Opened { command, syntax, input } = opened(words, 2).unwrap();
        let template = Template::new(command, syntax);
        let line = |(seq, record): (u64, anyhow::Result<super::super::Record>)| {
            let record = record.unwrap();
            let line = template.line(&Filling { args: &record.args, seq, slot: 1 });
            String::from_utf8(line).unwrap()
        };
        (1..).zip(input).map(line).collect()
    }

    fn file(text: &str) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let name = file.path().to_str().unwrap().to_owned();
        (file, name)
    }

    #[test]
    fn lists_are_combined_as_in_gnu_parallel() {
        let table: [(&[&str], &[&str]); 14] = [
            (&["e", ":::", "a", "b c"], &["e a", "e 'b c'"]),
            (&["e", ":::"], &[]),
            (&["e", ":::", "a", ":::"], &["e a ''"]),
            (&["e", "{2}", ":::", "a", ":::", "b", "c"], &["e b", "e c"]),
            (&["e", ":::", "a", "b", ":::+", "c", "d", ":::", "x"], &["e a c x", "e b d x"]),
            (&["--link", "e", ":::", "a", "b", "c", ":::", "d", "e"], &["e a d", "e b e", "e c d"]),
            (&["-n2", "e", ":::", "1", "2", "3"], &["e 1 2", "e 3"]),
            (&["-N2", "e", "{2}-{1}", ":::", "1", "2", "3"], &["e 2-1", "e -3"]),
            (&["-n2", "e", "x{}", ":::", "1", "2", "3"], &["e x1 2", "e x3"]),
            (&["-N2", "e", "x{}", ":::", "1", "2", "3"], &["e x1 x2", "e x3"]),
            (&["-n0", "e", ":::", "1", "2"], &["e", "e"]),
            (&["-X", "e", "x{}", ":::", "1", "2", "3"], &["e x1 x2", "e x3"]),
            (&["-m", "e", "x{}", ":::", "1", "2", "3"], &["e x1 2", "e x3"]),
            (&["--xargs", "e", "x{}", ":::", "1", "2", "3"], &["e x1 2 3"]),
        ];
        for (words, expected) in table {
            assert_eq!(lines(words), expected, "{words:?}");
        }
    }

    #[test]
    fn lines_become_columns() {
        let table: [(&[&str], &[&str]); 9] = [
            (&["-C", ",", "e", "{2}-{1}", ":::", "1,2", " 3 "], &["e 2-1", "e -3"]),
            (&["-C,", "--trim=n", "e", "{2}", ":::", "1, 2"], &["e ' 2'"]),
            (&["-C,", "e", ":::", "1,2", ":::", "a", "b,c"], &["e 1 2 a", "e 1 2 b c"]),
            (&["--csv", "e", ":::", "1,\"a, b\""], &["e 1 'a, b'"]),
            (&["--csv", "-C;", "e", ":::", "1,2;\"a\"\"\""], &["e '1,2' 'a\"'"]),
            (&["-d,", "e", ":::", "a,b", "c"], &["e a", "e b", "e c"]),
            (&["-d,", "e", ":::", "", "a,"], &["e ''", "e a"]),
            (&["-r", "e", ":::", "", " ", "a"], &["e a"]),
            (&["-I", "@", "e", "@{}", ":::", "a"], &["e a'{}'"]),
        ];
        for (words, expected) in table {
            assert_eq!(lines(words), expected, "{words:?}");
        }
    }

    #[test]
    fn the_header_names_the_columns() {
        let (_kept, table) = file("a,b\n1,2.x\n3,4.y\n");
        let columns = ["--header", ":", "-C,", "-a", &table, "e", "{b.}", "{a}", "{c}"];
        assert_eq!(lines(&columns), ["e 2 1 '{c}'", "e 4 3 '{c}'"]);
        let two = ["--header", ":", "e", "{y}{x}", ":::", "x", "1", ":::", "y", "2", "3"];
        assert_eq!(lines(&two), ["e 21", "e 31"]);
    }

    #[test]
    fn files_and_lists_are_mixed() {
        let (_kept, three) = file("1\n2\n3");
        assert_eq!(lines(&["-a", &three, "e", ":::", "x"]), ["e 1 x", "e 2 x", "e 3 x"]);
        assert_eq!(lines(&["e", ":::", "x", "y", "::::+", &three]), ["e x 1", "e y 2"]);
        assert_eq!(lines(&["e", "::::", &three]), ["e 1", "e 2", "e 3"]);
    }

    #[test]
    fn the_count_is_known_where_it_can_be() {
        let (_kept, three) = file("1\n2\n3");
        let len = |words: &[&str]| opened(words, 2).unwrap().input.len();
        assert_eq!(len(&["e", ":::", "a", "b", "c", ":::", "d", "e"]), Some(6));
        assert_eq!(len(&["-n4", "e", ":::", "a", "b", "c", ":::", "d", "e"]), Some(2));
        assert_eq!(len(&["--header=:", "e", ":::", "a", "b"]), Some(1));
        assert_eq!(len(&["e", "::::", &three]), None);
        assert_eq!(len(&["--shuf", "e", "::::", &three]), Some(3));
        assert_eq!(len(&["e", ":::", "a", "::::", &three]), Some(3));
    }

    #[test]
    fn a_pipe_is_cut_into_blocks() {
        let (_kept, text) = file("h\n1\n2\n3\n");
        let words = ["--pipe", "--header=:", "-N2", "-a", &text, "wc {} {#}"];
        let Opened { command, syntax, input } = opened(&words, 2).unwrap();
        let records: Vec<_> = input.map(Result::unwrap).collect();
        let stdin: Vec<_> = records.iter().map(|one| one.stdin.as_deref().unwrap()).collect();
        assert_eq!(stdin, [&b"h\n1\n2\n"[..], b"h\n3\n"]);
        let filling = Filling { args: &records[0].args, seq: 1, slot: 1 };
        assert_eq!(Template::new(command, syntax).line(&filling), b"wc {} 1");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_hint() {
        let table: [(&[&str], &str); 12] = [
            (&["--pipe", "--", ":::", "a"], "--pipe needs a command"),
            (&["--pipe", "cat", ":::", "a"], "blocks of one stream"),
            (&["--pipe", "-N0", "cat"], "from 1"),
            (&["--pipe", "-0", "cat"], "cannot be used with"),
            (&["--block", "1M", "cat"], "--pipe"),
            (&["--pipe", "--block", "1G", "cat"], "held in memory"),
            (&["--csv", "-C", "ab", "e"], "one character"),
            (&["--header", "x", "e"], "a colon"),
            (&["--header", "2", "e", ":::", "a"], "one line"),
            (&["-a", "-", "e", "::::", "-"], "named twice"),
            (&["-a", "/no/such/file", "e"], "/no/such/file"),
            (&["-C", "(", "e"], "unclosed group"),
        ];
        for (words, part) in table {
            let error = format!("{:#}", opened(words, 2).unwrap_err());
            assert!(error.contains(part), "{words:?}: {error}");
        }
    }
}
