//! Options of GNU parallel that `map` does not take, each with what to do instead: better than the
//! bare word that an option is unknown.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

const ARG_MAX: &str = "getconf ARG_MAX tells it";
const AWK: &str = "part the input before, with awk say";
const COLOUR: &str = "--tag and --tagstring tell the lines of commands apart";
const CONFIG: &str = "PIECEWORK_CONFIG names the file of settings, and is empty for none";
const CORES: &str = "-j50% is half of the cores; nproc and lscpu count them";
const COUNT: &str = "use -n for so many arguments, and -N with --pipe";
const EACH: &str = "workers ask for tasks; to run a command on each host, loop over ssh";
const FLOCK: &str = "a run is not spread over calls; flock keeps two programs apart";
const JOIN: &str = "run `piecework map --listen 0.0.0.0:5000`, then `piecework worker HOST --exec` \
                    on the other machines, by ssh say";
const MARKS: &str = "the marks are fixed: :::, :::+, :::: and ::::+";
const MEMFREE: &str =
    "--memfree starts commands only while there is memory, --rlimit as=2G limits each";
const PLACES: &str = "the places are fixed; -I names another word than {}";
const RESULTS: &str = "--results DIR keeps the output of each task in files";
const SCRIPT: &str = "write a script for sh that calls piecework map";
const SHELL: &str = "use a line for the shell: 'x={}; echo ${x%%.*}'";
const SHOW: &str = "--dry-run shows the commands, --joblog records them, --tag names their lines";
const SQL: &str = "--results FILE.csv or FILE.jsonl can be loaded into a database; to keep tasks, use \
                   `piecework serve` and --connect";
const TERMINAL: &str = "commands find nothing on standard input; --pipe gives them some";
const TMUX: &str = "--line-buffer --tag shows what commands print while they run";
const VERSION: &str = "piecework --version tells it";

/// The names of options that have the same answer, and the answer.
type Declined = (&'static [&'static str], &'static str);

const DECLINED: [Declined; 60] = [
    (&["--arg-sep", "--argsep", "--arg-file-sep", "--argfilesep"], MARKS),
    (&["--basefile", "--bf"], "--transferfile FILE goes with each task"),
    (&["--basenamereplace", "--bnr", "--basenameextensionreplace", "--bner"], PLACES),
    (&["--dirnamereplace", "--dnr", "--extensionreplace", "--er", "--parens"], PLACES),
    (&["--seqreplace", "--slotreplace"], PLACES),
    (&["--bg", "--fg", "--semaphore", "--semaphore-name", "--id", "--wait"], FLOCK),
    (&["--semaphore-timeout", "--st"], FLOCK),
    (&["--bin", "--shard", "--group-by"], AWK),
    (&["--block-timeout", "--bt"], "use -N: a block goes as soon as its records are read"),
    (&["--cat"], "write standard input to a file in the command: cat > FILE"),
    (&["--citation"], "nothing to cite, and no notice to silence"),
    (&["--color", "--colour", "--color-failed", "--colour-failed", "--cf"], COLOUR),
    (&["--ctag", "--ctagstring", "--ctag-string"], COLOUR),
    (
        &["--compress", "--compress-program", "--decompress-program"],
        "TMPDIR names a folder with room",
    ),
    (&["--controlmaster", "-M", "--ssh", "--ssh-delay", "--sshdelay", "--rsync-opts"], JOIN),
    (&["--sshlogin", "-S", "--sshloginfile", "--slf", "--filter-hosts"], JOIN),
    (&["--hostgroups", "--hgrp"], "start workers of one kind for a run of its own, with --listen"),
    (&["--onall", "--nonall"], EACH),
    (&["--embed"], "the program is one file: copy it"),
    (&["--eof", "-E", "-e"], "end the input before: sed /LINE/Q"),
    (
        &["--exit", "-x"],
        "a command that is too long is an error of its task; --halt now,fail=1 ends at it",
    ),
    (&["--fifo"], "use /dev/stdin as the file"),
    (&["--filter"], "filter the input before, with awk say"),
    (&["--interactive", "-p"], "look at the commands with --dry-run, then run them"),
    (&["--latest-line", "--ll"], "--bar shows how far it is, --line-buffer what is printed"),
    (&["--limit"], "use --load, --memfree and --delay"),
    (&["--max-chars", "-s"], "use -n for so many arguments"),
    (&["--max-lines", "-l", "-L"], COUNT),
    (&["--max-line-length-allowed", "--show-limits"], ARG_MAX),
    (&["--memsuspend", "--noswap"], MEMFREE),
    (&["--minversion", "--version", "-V"], VERSION),
    (&["--number-of-cores", "--number-of-cpus"], CORES),
    (&["--number-of-sockets", "--number-of-threads"], CORES),
    (&["--use-cores-instead-of-threads", "--use-cpus-instead-of-cores"], CORES),
    (&["--use-sockets-instead-of-threads"], CORES),
    (&["--open-tty", "-o", "--tty"], TERMINAL),
    (&["--output-as-files", "--outputasfiles", "--files"], RESULTS),
    (&["--_parset", "--parset"], RESULTS),
    (&["--pipe-part", "--pipepart"], "use --pipe: it reads the file once"),
    (&["--plain", "--profile", "-J"], CONFIG),
    (&["--plus", "--rpl"], SHELL),
    (&["--process-slot-var"], "use {%}, or PIECEWORK_SLOT in the environment of the commands"),
    (&["--record-env"], "--env NAME hands one variable on to other machines"),
    (&["--regexp"], "--recstart and --recend are plain text"),
    (&["--remove-rec-sep", "--removerecsep", "--rrs"], "let the command drop them: tr, sed"),
    (&["-i"], "use -I TEXT"),
    (&["--round-robin", "--round"], "--pipe starts one command a block; make them larger"),
    (&["--session"], "--env NAME hands one variable on; commands here have all that you have"),
    (&["--shebang", "--hashbang", "--shebang-wrap"], SCRIPT),
    (&["--shell-completion"], "piecework completions bash, zsh or fish prints them"),
    (&["--shell-quote", "--shellquote"], "arguments are quoted where they are filled in"),
    (&["--skip-first-line"], "use tail -n +2, or --header : to name columns by it"),
    (&["--sql", "--sql-and-worker", "--sqlandworker", "--sql-master", "--sqlmaster"], SQL),
    (&["--sql-worker", "--sqlworker"], SQL),
    (&["--tee"], "give each command a file to read"),
    (&["--template", "--tmpl"], "write the file in the command, with sed or envsubst"),
    (&["--tmpdir", "--tempdir"], "TMPDIR names the folder for long output"),
    (&["--tmux", "--tmuxpane"], TMUX),
    (&["--total-jobs", "--total"], "tasks are counted as soon as the input is read"),
    (&["-v", "--verbose", "-t"], SHOW),
];

/// Says more of an option that is unknown because it was declined.
pub(crate) fn explained(error: Error) -> Error {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(given))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return error;
    };
    let Some((_, instead)) = DECLINED.iter().find(|(names, _)| names.contains(&given.as_str()))
    else {
        return error;
    };
    let told = format!("{given} is not taken over from GNU parallel\nhint: {instead}\n");
    Error::raw(ErrorKind::UnknownArgument, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn a_declined_option_tells_what_to_do_instead() {
        for (typed, told) in [
            (&["-S", "host", "echo"][..], "-S is not taken over"),
            (&["--sshlogin=host", "echo"], "--sshlogin is not taken over"),
            (&["-s100", "echo"], "-s is not taken over"),
            (&["-j2", "-v", "echo"], "-v is not taken over"),
            (&["--round", "echo"], "make them larger"),
            (&["--no-such-flag", "echo"], "unexpected argument '--no-such-flag' found"),
            (&["-jx", "echo"], "no number of jobs"),
        ] {
            let words = [&["piecework", "map"], typed].concat();
            let error = crate::Arguments::try_parse_from(words).unwrap_err();
            let error = explained(error).to_string();
            assert!(error.contains(told), "{typed:?}: {error}");
        }
    }

    #[test]
    fn no_option_is_declined_twice_or_taken_too() {
        let root = crate::Arguments::command();
        let map = root.find_subcommand("map").unwrap();
        let mut seen = std::collections::HashSet::new();
        for name in DECLINED.iter().flat_map(|(names, _)| *names) {
            assert!(seen.insert(name), "{name} is declined twice");
            let is_taken = map.get_arguments().any(|arg| {
                let long = arg.get_long_and_visible_aliases().unwrap_or_default();
                let short = arg.get_short_and_visible_aliases().unwrap_or_default();
                long.iter().any(|long| format!("--{long}") == *name)
                    || short.iter().any(|short| format!("-{short}") == *name)
            });
            assert!(!is_taken, "{name} is taken");
        }
    }
}
