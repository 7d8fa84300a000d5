//! One fuzz target: runs it for a time, and reads from its log what it has seen.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::step::{Outcome, command};

/// The longest input that is made up: room for some hundred memo slots, which take other opcodes.
const INPUT_BYTES_MAX: usize = 4096;
/// The longest that one input may take; the slowest of them take a hundredth.
const INPUT_SECONDS_MAX: u64 = 10;
/// The most memory that a target may hold: inputs are small, so what grows beyond has no bound.
const MEMORY_MIB_MAX: usize = 2048;

/// A target, and where its things are.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    program: PathBuf,
    /// What the fuzzer has made up and found worth keeping, also for its next run.
    corpus: PathBuf,
    seeds: PathBuf,
    /// Inputs that fail.
    findings: PathBuf,
    log: PathBuf,
}

/// What a run has seen.
#[derive(Debug)]
pub(super) struct Figures {
    executions: String,
    per_second: String,
    coverage: String,
    features: String,
    corpus: String,
    /// What failed, with the file that shows it.
    pub(super) finding: Option<String>,
}

impl Target {
    pub(super) fn new(name: String, programs: &Path, place: &Path, seeds: &Path) -> Outcome<Self> {
        let target = Self {
            program: programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)),
            corpus: place.join("corpus").join(&name),
            seeds: seeds.join(&name),
            findings: place.join("findings").join(&name),
            log: place.join(format!("{name}.log")),
            name,
        };
        for folder in [&target.corpus, &target.findings] {
            fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        }
        Ok(target)
    }

    /// Runs until the time is over, or an input fails.
    pub(super) fn run(&self, time: Duration) -> Outcome<Figures> {
        let failed = |why| format!("{}: {why}", self.log.display());
        let log = File::create(&self.log).map_err(failed)?;
        // libFuzzer takes what stands behind this as the front of a file's name.
        let findings = self.findings.join("");
        let mut fuzz = command(&self.program);
        fuzz.args([&self.corpus, &self.seeds])
            .arg(format!("-max_total_time={}", time.as_secs()))
            .arg(format!("-max_len={INPUT_BYTES_MAX}"))
            .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
            .arg(format!("-artifact_prefix={}", findings.display()))
            .arg("-print_final_stats=1")
            .stderr(log);
        let status = fuzz
            .status()
            .map_err(|error| format!("{} does not start: {error}", self.program.display()))?;
        let log = fs::read(&self.log).map_err(failed)?;
        let log = String::from_utf8_lossy(&log);
        let mut figures = Figures::read(&log);
        if !status.success() {
            figures.finding = Some(self.finding(&log, &status.to_string()));
        }
        Ok(figures)
    }

    /// Says what failed, by which input, and how to see it again.
    fn finding(&self, log: &str, status: &str) -> String {
        let mut lines = log.lines();
        let panic = lines.find(|line| line.contains("panicked at"));
        let what = panic.map(|panic| format!("{panic} {}", lines.next().unwrap_or_default()));
        let what =
            what.or_else(|| log.lines().find(|line| line.contains("ERROR:")).map(str::to_owned));
        let input = log.lines().find_map(|line| Some(line.split_once("Test unit written to ")?.1));
        let input = input.unwrap_or("none was written");
        format!(
            "fuzz target `{}` failed: {}\n  input: {input}\n  log: {}\n  again: {} {input}\n  once \
             mended, keep the input: crates/piecework-wire/tests/fuzzed/{}/",
            self.name,
            what.as_deref().unwrap_or(status),
            self.log.display(),
            self.program.display(),
            self.name,
        )
    }
}

impl Figures {
    pub(super) const HEADINGS: [&str; 7] =
        ["target", "executions", "per second", "coverage", "features", "corpus", "result"];

    /// Reads libFuzzer's log: lines such as `#42 NEW cov: 7 ft: 8 corp: 3/9b ...`, then figures.
    fn read(log: &str) -> Self {
        let last = log.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: "));
        let word = |name: &str| {
            let mut words = last.unwrap_or_default().split_whitespace();
            words.find(|word| *word == name);
            words.next().unwrap_or("?").to_owned()
        };
        let figure = |name: &str| {
            let found = log.lines().find_map(|line| line.strip_prefix(&format!("stat::{name}:")));
            found.map_or("?", str::trim).to_owned()
        };
        Self {
            executions: figure("number_of_executed_units"),
            per_second: figure("average_exec_per_sec"),
            coverage: word("cov:"),
            features: word("ft:"),
            corpus: word("corp:"),
            finding: None,
        }
    }

    pub(super) fn row(self, name: &str) -> [String; 7] {
        let result = if self.finding.is_some() { "a finding" } else { "no finding" };
        [
            name.to_owned(),
            self.executions,
            self.per_second,
            self.coverage,
            self.features,
            self.corpus,
            result.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_log() {
        let log = "#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 26Mb\n\
            #904\tDONE   cov: 141 ft: 739 corp: 86/21Kb lim: 4096 exec/s: 54 rss: 28Mb\n\
            stat::number_of_executed_units: 904\nstat::average_exec_per_sec:     54\n";
        let row = Figures::read(log).row("walk");
        assert_eq!(row, ["walk", "904", "54", "141", "739", "86/21Kb", "no finding"]);
    }

    #[test]
    fn a_log_without_figures_is_no_error() {
        let row = Figures::read("ld.so: no such file\n").row("walk");
        assert_eq!(row, ["walk", "?", "?", "?", "?", "?", "no finding"]);
    }
}
