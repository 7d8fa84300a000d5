//! The flags of `piecework map`, and what they ask for.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use piecework::Address;

use crate::authkey::AuthkeyArgs;
use crate::exit;
use crate::input::InputArgs;
use crate::output::ProgressArgs;
use crate::record::RecordArgs;
use crate::run::gate::GateArgs;
use crate::run::halt::Halt;
use crate::run::jobs::Jobs;
use crate::run::print::{Look, Tag};
use crate::run::rlimit::LimitArgs;
use crate::run::spec::Spec;
use crate::run::term_seq::TermSeq;
use crate::run::timeout::Timeout;
use crate::template::{Pattern, Syntax, Template};

const EXAMPLES: &str = "\
Examples:
  piecework map wc -l {} ::: *.txt            count the lines of each file, in order
  ls *.wav | piecework map lame -V2 {} {}.mp3 one argument per line of standard input
  find . -type f -print0 | piecework map -0 sha256sum
                                              names that may hold anything, even newlines
  piecework map 'grep -c error {} | tee {}.n' ::: *.log
                                              one quoted word is a line for sh; {} is quoted for it
  piecework map -j4 < commands.txt            no command: each line is one
  piecework map --run nightly ./simulate {} < seeds
                                              killed? the same line again runs what is left

Each command finds in its environment PIECEWORK_SEQ (its number in the input), PIECEWORK_SLOT
(1 to the number of jobs), PIECEWORK_TASK_ID and PIECEWORK_ATTEMPT.

Other machines: with --listen 0.0.0.0:5000 the run shows what to start on them, at any time:
`piecework worker HOST --exec`. They take tasks as they are ready for them; what a machine had that
is lost goes to others. With --connect ADDRESS several runs share one manager and its workers.

Ctrl-C: the first lets running commands end, the second asks them to end and kills them after two
seconds, the third kills them at once.

Exit code: 0 if all went well, else the number of tasks that failed, 101 for more than 100; 126 or
127 if the program cannot be run, 130 after Ctrl-C, 143 after SIGTERM, 255 for any other error.";

/// Runs a command for each argument, on all cores, with the results in order.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct MapArgs {
    /// Run up to N commands at a time: a number, N% of the cores, +N or -N beside them, 0 for as
    /// many as there may be [default: the number of cores]
    #[arg(
        short,
        long,
        short_alias = 'P',
        alias = "max-procs",
        value_name = "N",
        allow_hyphen_values = true
    )]
    pub(super) jobs: Option<Jobs>,

    /// The command, with {} where the argument goes; then ::: and arguments, if they are not read
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub(super) words: Vec<OsString>,

    #[command(flatten)]
    pub(super) input: InputArgs,

    #[command(flatten)]
    pub(super) running: RunningArgs,

    #[command(flatten)]
    pub(super) printing: PrintingArgs,

    #[command(flatten, next_help_heading = "Records")]
    pub(super) records: RecordArgs,

    #[command(flatten, next_help_heading = "Progress")]
    pub(super) progress: ProgressArgs,

    #[command(flatten)]
    pub(super) machines: MachineArgs,
}

/// How commands are run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Running")]
pub(super) struct RunningArgs {
    /// Print the commands instead of running them
    #[arg(long)]
    pub(super) dry_run: bool,

    /// End a command that takes longer: 30s, 1.5m, or 200% of the median so far
    #[arg(long, value_name = "TIME|N%")]
    pub(super) timeout: Option<Timeout>,

    /// Try a task that fails N times in all; attempts that were lost with their machine do not
    /// count
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) retries: u32,

    /// End the run early: never, or now or soon after fail=, success= or done= and a number or a
    /// percentage, as now,fail=1
    #[arg(
        long,
        alias = "halt-on-error",
        value_name = "WHEN,WHY=N",
        default_value = "never",
        hide_default_value = true
    )]
    pub(super) halt: Halt,

    /// The signals by which commands are ended, with milliseconds after each
    #[arg(long, alias = "termseq", value_name = "SEQUENCE", default_value_t)]
    pub(super) term_seq: TermSeq,

    /// Run commands in this folder; ... is one for each task, which goes with it
    #[arg(long, visible_alias = "workdir", value_name = "DIR")]
    pub(super) wd: Option<PathBuf>,

    /// Set a variable for the commands, or hand one on to other machines; may be given several
    /// times
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(super) env: Vec<OsString>,

    #[command(flatten)]
    pub(super) gate: GateArgs,

    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

/// How results are printed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct PrintingArgs {
    /// Print results in the order of the arguments (this is the default)
    #[arg(short, long, overrides_with = "unordered")]
    pub(super) keep_order: bool,

    /// Print each result as soon as its command ends
    #[arg(long, alias = "no-keep-order", overrides_with = "keep_order")]
    pub(super) unordered: bool,

    /// Print each result whole (this is the default)
    #[arg(long, overrides_with_all = ["line_buffer", "ungroup"])]
    pub(super) group: bool,

    /// Print lines as they come, instead of each result whole
    #[arg(long, visible_alias = "lb", overrides_with = "group")]
    pub(super) line_buffer: bool,

    /// Print lines of all commands as they come: as --line-buffer --unordered
    #[arg(short = 'u', long, overrides_with = "group")]
    pub(super) ungroup: bool,

    /// Put the arguments and a tab in front of each line of output
    #[arg(long, conflicts_with = "tagstring")]
    pub(super) tag: bool,

    /// Put TEXT and a tab in front of each line of output; places as in the command
    #[arg(long, value_name = "TEXT")]
    pub(super) tagstring: Option<OsString>,

    /// No progress, no summary, no word on tasks that failed
    #[arg(short, long)]
    pub(super) quiet: bool,

    /// Changes nothing: what GNU parallel is told to do by these names is done anyway
    #[arg(
        long,
        aliases = ["will-cite", "no-notice", "silent", "quote"],
        action = clap::ArgAction::Count,
        hide = true
    )]
    pub(super) gnu: u8,
}

/// Who does the work.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Other machines")]
pub(super) struct MachineArgs {
    /// Let other machines join the run at this address; the line to run there is shown. May be
    /// given several times
    #[arg(long, value_name = "ADDRESS", conflicts_with = "connect")]
    pub(super) listen: Vec<Address>,

    /// Have the run done by the workers of a manager that runs already, beside other runs
    #[arg(long, value_name = "ADDRESS", conflicts_with = "jobs")]
    pub(super) connect: Option<Address>,

    #[command(flatten)]
    pub(super) authkey: AuthkeyArgs,

    /// Give other machines the file that the argument names: short for --transferfile {}
    #[arg(long)]
    pub(super) transfer: bool,

    /// Give other machines this file with each task; places as in the command; may be given several
    /// times
    #[arg(long, visible_alias = "tf", value_name = "FILE")]
    pub(super) transferfile: Vec<OsString>,

    /// Bring this file back from other machines; places as in the command; may be given several
    /// times
    #[arg(long = "return", value_name = "FILE")]
    pub(super) returns: Vec<OsString>,

    /// Remove the files of a task from other machines when it has ended
    #[arg(long)]
    pub(super) cleanup: bool,

    /// Short for --transfer --return FILE --cleanup
    #[arg(long, value_name = "FILE")]
    pub(super) trc: Vec<OsString>,
}

impl RunningArgs {
    pub(super) fn spec(
        &self,
        run_id: &str,
        template: &Template,
        lines: bool,
    ) -> anyhow::Result<Spec> {
        Ok(Spec {
            run_id: run_id.to_owned(),
            words: template.to_words(),
            tries_max: self.retries,
            lines,
            gate: self.gate.clone(),
            timeout: self.timeout,
            term_seq: self.term_seq.clone(),
            limits: self.limits.limits(),
            dir: self.wd.clone().map(|dir| dir.into_os_string().into_vec()),
            returns: Vec::new(),
            cleanup: false,
            env: self.env.iter().map(variable).collect::<anyhow::Result<_>>()?,
        })
    }
}

impl MachineArgs {
    /// The files that go along; none if no other machine can take part.
    pub(super) fn transfers(&self, syntax: &Syntax) -> Vec<Pattern> {
        if self.listen.is_empty() && self.connect.is_none() {
            return Vec::new();
        }
        let whole =
            (self.transfer || !self.trc.is_empty()).then_some(syntax.placeholder.as_slice());
        let named = self.transferfile.iter().map(|file| file.as_bytes());
        whole.into_iter().chain(named).map(|text| Pattern::new(text, syntax)).collect()
    }

    pub(super) fn returns(&self) -> Vec<Vec<u8>> {
        self.returns.iter().chain(&self.trc).map(|file| file.as_bytes().to_vec()).collect()
    }
}

/// `NAME=VALUE`, or the value that `NAME` has here.
fn variable(given: &OsString) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let bytes = given.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=');
    let (name, value) = match equals {
        Some(at) => {
            let (name, value) = bytes.split_at(at);
            (name, value.get(1..).unwrap_or_default().to_vec())
        }
        None => {
            let value = std::env::var_os(given).ok_or_else(|| {
                exit::usage(format!("--env {0}: {0} is not set here", given.display()))
            })?;
            (bytes, value.into_vec())
        }
    };
    if name.is_empty() {
        return Err(exit::usage(format!("--env {}: expected NAME=VALUE", given.display())));
    }
    Ok((name.to_vec(), value))
}

impl PrintingArgs {
    /// Whether lines are printed as they come.
    pub(super) fn lines(&self) -> bool {
        self.line_buffer || self.ungroup
    }

    pub(super) fn look(&self, syntax: &Syntax, silent: bool) -> Look {
        let pattern = self.tagstring.as_ref().map(|text| Pattern::new(text.as_bytes(), syntax));
        let tag = self.tag.then_some(Tag::Arguments).or(pattern.map(Tag::Pattern));
        let keep_order = !self.unordered && !self.ungroup;
        Look { keep_order, tag, lines: self.lines(), silent, quiet: self.quiet }
    }
}
