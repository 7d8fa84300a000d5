//! One step of a task: a command that is announced, run at the root of the repository, and timed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How a task or a step ends: well, or with a message that says what failed and what to do.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// Talks to the person at the terminal.
#[expect(clippy::print_stderr, reason = "the one place of xtask that prints")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// The root of the repository that cargo runs this program in.
pub(crate) fn root() -> PathBuf {
    // Not the one it was built from: two checkouts may share a target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("xtask is run by cargo");
    Path::new(&package).parent().expect("xtask is a folder of the repository").to_owned()
}

/// Where cargo builds: this program was built there itself, so it is right however it was chosen.
pub(crate) fn target_dir() -> Outcome<PathBuf> {
    let program = std::env::current_exe().map_err(|error| format!("where am I: {error}"))?;
    let folder = program.parent().and_then(Path::parent);
    folder.map(Path::to_owned).ok_or_else(|| format!("{} has no folder", program.display()))
}

/// A command that runs at the root of the repository.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this program, with these arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Whether a program is there and answers `--version` (or whatever else it is asked).
pub(crate) fn answers(mut question: Command) -> bool {
    let status = question.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a step to its end and says how long it took.
pub(crate) fn run(name: &str, mut command: Command) -> Outcome {
    say(&format!("==> {name}"));
    let begin = Instant::now();
    let status = command.status().map_err(|error| {
        format!("step `{name}`: {} does not start: {error}", command.get_program().display())
    })?;
    if !status.success() {
        return Err(format!(
            "step `{name}` failed ({status})\n  again by hand: {}",
            line(&command)
        ));
    }
    say(&format!("    {name}: {:.1} s", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}='{}'", name.display(), value?.display())));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| word.to_string_lossy().into_owned());
    set.chain(words).collect::<Vec<_>>().join(" ")
}
