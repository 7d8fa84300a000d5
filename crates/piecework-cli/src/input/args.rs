//! The flags that say what the tasks of a run are made of.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use regex::bytes::Regex;

use super::blocks::BLOCK_BYTES_MAX;
use super::columns::Trim;
use super::text;

/// Bytes of one flag, by a name that clap does not take for a flag that is given several times.
type Bytes = Vec<u8>;

/// What the tasks are made of.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// Read arguments from FILE instead of standard input; several: all combinations
    #[arg(short, long, value_name = "FILE")]
    pub(super) arg_file: Vec<PathBuf>,

    /// Read arguments that end with a zero byte instead of a newline
    #[arg(short = '0', long, conflicts_with = "delimiter")]
    pub(super) null: bool,

    /// Read arguments that end with TEXT instead of a newline; \n, \t, \0, \x1f are known
    #[arg(
        short,
        long,
        value_name = "TEXT",
        value_parser = text::separator,
        allow_hyphen_values = true
    )]
    pub(super) delimiter: Option<Bytes>,

    /// Part each line where REGEXP matches into columns {1}, {2}, ...
    #[arg(short = 'C', long, value_name = "REGEXP", allow_hyphen_values = true)]
    pub(super) colsep: Option<Regex>,

    /// Read CSV: columns may be in double quotes; --colsep then is one character [default: ,]
    #[arg(long)]
    pub(super) csv: bool,

    /// Name the columns by the first line, for {NAME}; with --pipe: begin each block with it, or
    /// with the first N lines
    #[arg(long, value_name = ":|N", value_parser = header)]
    pub(super) header: Option<Header>,

    /// Cut white space off arguments: l, r, lr, or n for none [default: n; lr with --colsep]
    #[arg(long, value_name = "WHERE", hide_possible_values = true)]
    pub(super) trim: Option<Trim>,

    /// Give each command the arguments of N lines, {} for all of them
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "max_replace_args")]
    pub(super) max_args: Option<usize>,

    /// Give each command the arguments of N lines, {} with what is around it once for each; with
    /// --pipe: N records
    #[arg(short = 'N', long, value_name = "N")]
    pub(super) max_replace_args: Option<usize>,

    /// Give each command as many arguments as fit, {} with what is around it once for each
    #[arg(short = 'X', conflicts_with_all = ["fill", "xargs"])]
    pub(super) fill_context: bool,

    /// Give each command as many arguments as fit, {} for all of them
    #[arg(short = 'm', conflicts_with = "xargs")]
    pub(super) fill: bool,

    /// As -m, and do not spread the last arguments over the jobs
    #[arg(long)]
    pub(super) xargs: bool,

    /// Combine several sources line by line, shorter ones from their start again
    #[arg(long, alias = "xapply")]
    pub(super) link: bool,

    /// Pass over empty arguments
    #[arg(short = 'r', long)]
    pub(super) no_run_if_empty: bool,

    /// Run in random order; all arguments are held in memory
    #[arg(long)]
    pub(super) shuf: bool,

    /// Replace TEXT instead of {}
    #[arg(short = 'I', long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(super) replace: Option<String>,

    /// Give blocks of standard input to the commands' standard input
    #[arg(
        long,
        alias = "spreadstdin",
        conflicts_with_all = [
            "null", "delimiter", "colsep", "csv", "trim", "fill_context", "fill", "xargs", "link",
            "no_run_if_empty", "shuf", "replace",
        ]
    )]
    pub(super) pipe: bool,

    /// Make blocks of at most SIZE bytes, but one record at least [default: 1M]
    #[arg(
        long,
        alias = "block-size",
        value_name = "SIZE",
        value_parser = block,
        requires = "pipe",
        conflicts_with_all = ["max_args", "max_replace_args"]
    )]
    pub(super) block: Option<usize>,

    /// A record of --pipe starts with TEXT
    #[arg(
        long,
        value_name = "TEXT",
        value_parser = text::unescaped,
        requires = "pipe",
        allow_hyphen_values = true
    )]
    pub(super) recstart: Option<Bytes>,

    /// A record of --pipe ends with TEXT [default: \n, unless --recstart is given]
    #[arg(
        long,
        value_name = "TEXT",
        value_parser = text::unescaped,
        requires = "pipe",
        allow_hyphen_values = true
    )]
    pub(super) recend: Option<Bytes>,
}

/// The argument of `--header`: how many lines it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) lines: NonZeroUsize,
}

fn header(text: &str) -> Result<Header, String> {
    let lines = if text == ":" { Ok(NonZeroUsize::MIN) } else { text.parse() };
    let lines = lines.map_err(|_| "a colon or a number of lines is needed".to_owned())?;
    Ok(Header { lines })
}

fn block(text: &str) -> Result<usize, String> {
    let bytes = text::size(text)?;
    if bytes > BLOCK_BYTES_MAX {
        return Err(format!("a block is held in memory: {BLOCK_BYTES_MAX} bytes at most"));
    }
    Ok(bytes)
}
