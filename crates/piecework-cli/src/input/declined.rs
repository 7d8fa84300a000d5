//! Options of GNU parallel for its input that are not here, each with the reason and what to do
//! instead; better than the bare word that an option is unknown.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A declined option: its names, its letter, whether a value follows, and what to do instead.
type Declined = (&'static [&'static str], Option<char>, bool, &'static str);

const MARKS: &str = "the marks are fixed: :::, :::+, :::: and ::::+";
const PLACES: &str = "the places are fixed; -I names another word than {}";
const AWK: &str = "part the input before, with awk say";
const SHELL: &str = "use a line for the shell: 'x={}; echo ${x%%.*}'";
const COUNT: &str = "use -n for so many arguments, and -N with --pipe";

const DECLINED: [Declined; 27] = [
    (&["arg-sep"], None, true, MARKS),
    (&["arg-file-sep"], None, true, MARKS),
    (&["pipe-part", "pipepart"], None, false, "use --pipe: it reads the file once"),
    (&["regexp"], None, false, "--recstart and --recend are plain text"),
    (&["remove-rec-sep", "removerecsep", "rrs"], None, false, "let the command drop them: tr, sed"),
    (&["round-robin", "round"], None, false, "--pipe starts one command a block; make them larger"),
    (&["tee"], None, false, "give each command a file to read"),
    (&["cat"], None, false, "write standard input to a file in the command: cat > FILE"),
    (&["fifo"], None, false, "use /dev/stdin as the file"),
    (&["shard"], None, true, AWK),
    (&["bin"], None, true, AWK),
    (&["group-by"], None, true, AWK),
    (&["filter"], None, true, "filter the input before, with awk say"),
    (&["block-timeout", "bt"], None, true, "use -N: a block goes as soon as its records are read"),
    (&["max-chars"], Some('s'), true, "use -n for so many arguments"),
    (&["max-lines"], Some('l'), true, COUNT),
    (&["recsize"], Some('L'), true, COUNT),
    (&["eof"], Some('E'), true, "end the input before: sed /LINE/Q"),
    (&["skip-first-line"], None, false, "use tail -n +2, or --header : to name columns by it"),
    (&["rpl"], None, true, SHELL),
    (&["plus"], None, false, SHELL),
    (&["parens"], None, true, PLACES),
    (&["seqreplace"], None, true, PLACES),
    (&["slotreplace"], None, true, PLACES),
    (&["basenamereplace", "bnr", "basenameextensionreplace", "bner"], None, true, PLACES),
    (&["dirnamereplace", "dnr"], None, true, PLACES),
    (&["extensionreplace", "er"], None, true, PLACES),
];

/// Takes the declined options, in order to refuse them.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclinedArgs;

impl Args for DeclinedArgs {
    fn augment_args(command: Command) -> Command {
        DECLINED.iter().fold(command, |command, &(names, letter, valued, _)| {
            let (name, others) = names.split_first().expect("each option has a name");
            let action = if valued { ArgAction::Append } else { ArgAction::SetTrue };
            let arg = Arg::new(*name).long(*name).short(letter).hide(true).action(action);
            command.arg(arg.aliases(others.iter().copied()))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DeclinedArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: &&&str| matches.value_source(name) == Some(ValueSource::CommandLine);
        for (names, letter, _, instead) in &DECLINED {
            if let Some(name) = names.first().filter(given) {
                let letter = letter.map(|letter| format!(" (-{letter})")).unwrap_or_default();
                let text = format!(
                    "--{name}{letter} is not taken over from GNU parallel\nhint: {instead}\n"
                );
                return Err(clap::Error::raw(ErrorKind::UnknownArgument, text));
            }
        }
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
