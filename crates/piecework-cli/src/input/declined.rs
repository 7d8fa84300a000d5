//! Options of GNU parallel for its input that are not here, each with the reason and what to do
//! instead; better than the bare word that an option is unknown.

use clap::{ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};

/// A declined option: its name, its letter, whether a value follows, and what to do instead.
type Declined = (&'static str, Option<char>, bool, &'static str);

const DECLINED: [Declined; 23] = [
    ("arg-sep", None, true, "the marks are fixed: :::, :::+, :::: and ::::+"),
    ("arg-file-sep", None, true, "the marks are fixed: :::, :::+, :::: and ::::+"),
    ("pipe-part", None, false, "use --pipe: it reads the file once"),
    ("pipepart", None, false, "use --pipe: it reads the file once"),
    ("regexp", None, false, "--recstart and --recend are plain text"),
    ("remove-rec-sep", None, false, "let the command drop them, with tr or sed say"),
    ("rrs", None, false, "let the command drop them, with tr or sed say"),
    ("round-robin", None, false, "--pipe starts one command a block; make the blocks larger"),
    ("tee", None, false, "give the command a file to read"),
    ("cat", None, false, "write standard input to a file in the command: cat > FILE"),
    ("fifo", None, false, "use /dev/stdin as the file"),
    ("shard", None, true, "part the input before, with awk say"),
    ("bin", None, true, "part the input before, with awk say"),
    ("group-by", None, true, "part the input before, with awk say"),
    ("block-timeout", None, true, "use -N: a block goes as soon as its records are read"),
    ("max-chars", Some('s'), true, "use -n for so many arguments"),
    ("max-lines", Some('l'), true, "use -n for so many arguments"),
    ("recsize", Some('L'), true, "use -n for so many arguments, and -N with --pipe"),
    ("eof", Some('E'), true, "end the input before: sed /LINE/Q"),
    ("skip-first-line", None, false, "use tail -n +2, or --header : to name columns by it"),
    ("filter", None, true, "filter the input before, with awk say"),
    ("rpl", None, true, "use a line for the shell: 'x={}; echo ${x%%.*}'"),
    ("plus", None, false, "use a line for the shell: 'x={}; echo ${x%%.*}'"),
];

/// Takes the declined options, in order to refuse them.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclinedArgs;

impl Args for DeclinedArgs {
    fn augment_args(command: Command) -> Command {
        DECLINED.iter().fold(command, |command, &(name, letter, valued, _)| {
            let action = if valued { clap::ArgAction::Append } else { clap::ArgAction::SetTrue };
            let arg = clap::Arg::new(name).long(name).hide(true).action(action);
            command.arg(match letter {
                Some(letter) => arg.short(letter),
                None => arg,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DeclinedArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given =
            |name| matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
        match DECLINED.iter().find(|(name, ..)| given(name)) {
            None => Ok(Self),
            Some((name, letter, _, instead)) => {
                let letter = letter.map(|letter| format!(" (-{letter})")).unwrap_or_default();
                let text = format!(
                    "--{name}{letter} is not taken over from GNU parallel\nhint: {instead}\n"
                );
                Err(clap::Error::raw(ErrorKind::UnknownArgument, text))
            }
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
