//! Who takes part in a bout: their names, their programs, and their way to the manager.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::census::MARK_VARIABLE;
use super::member::{Line, Member};
use super::schedule::Target;

/// The authkey of a bout. It guards nothing: the manager is on loopback, for minutes.
const AUTHKEY: &str = "a key for the torture alone";

/// The two policies under which a killed manager loses nothing, and a machine without power nothing
/// that was promised; starts of the manager alternate.
const SYNCS: [&str; 2] = ["always", "interval:100ms"];

/// A task goes to the workers until it is done, however often they are killed; so does a result to
/// the collectors, which say themselves that they have it. A master comes back to a key within
/// seconds; keys are forgotten soon, so that this happens in a bout too.
const QUEUES: [&str; 2] =
    ["task:answers=result,attempts=0,once=1m", "result:ack=explicit,attempts=0"];

/// What `piecework worker` runs: it reads `KEY NUMBER MILLISECONDS` and says `KEY SQUARE NAME`. A
/// sleep that is killed is no answer.
const SHELL_WORK: &str = "read key number ms; sleep 0.$(printf %03d $ms) && \
    echo $key $((number * number)) $PIECEWORK_TORTURE_NAME";

/// Everything there is to know for starting the members.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) binary: PathBuf,
    pub(crate) pythons: Vec<PathBuf>,
    /// Where the Python programs are.
    pub(crate) programs: PathBuf,
    /// Where the bout keeps its files.
    pub(crate) folder: PathBuf,
    pub(crate) manager: SocketAddr,
    pub(crate) proxy: SocketAddr,
    pub(crate) seed: u64,
    /// The mark that all processes of the bout carry.
    pub(crate) mark: String,
}

/// How a member reaches the manager.
#[derive(Clone, Copy)]
enum Way {
    Direct,
    Proxy,
}

/// The Python programs: name, role, program, way. About half go through the proxy.
const PROGRAMS: [(&str, Target, &str, Way); 11] = [
    ("master-0", Target::Master, "master.py", Way::Direct),
    ("master-1", Target::Master, "master.py", Way::Proxy),
    ("master-2", Target::Master, "master.py", Way::Direct),
    ("collector-0", Target::Collector, "collector.py", Way::Direct),
    ("collector-1", Target::Collector, "collector.py", Way::Proxy),
    ("steady-0", Target::PythonWorker, "steady_worker.py", Way::Direct),
    ("steady-1", Target::PythonWorker, "steady_worker.py", Way::Proxy),
    ("plain-0", Target::PythonWorker, "plain_worker.py", Way::Direct),
    ("plain-1", Target::PythonWorker, "plain_worker.py", Way::Proxy),
    ("threads-0", Target::PythonWorker, "threads_worker.py", Way::Proxy),
    ("processes-0", Target::PythonWorker, "processes_worker.py", Way::Direct),
];

/// The workers that run commands.
const COMMAND_WORKERS: [(&str, Way); 2] = [("worker-0", Way::Direct), ("worker-1", Way::Proxy)];

impl Stage {
    /// Makes the folders, and the file with the authkey.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        for folder in [self.logs(), self.records()] {
            fs::create_dir_all(folder)?;
        }
        fs::write(self.key_file(), AUTHKEY)
    }

    /// What each member says.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The masters' journals and the collectors' results.
    pub(crate) fn records(&self) -> PathBuf {
        self.folder.join("records")
    }

    /// The file that tells masters to begin nothing new.
    pub(crate) fn stop_file(&self) -> PathBuf {
        self.records().join("stop")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("authkey")
    }

    /// The manager.
    pub(crate) fn manager(&self) -> Member {
        let (binary, mark) = (self.binary.clone(), self.mark.clone());
        let (address, key_file) = (self.manager.to_string(), self.key_file());
        let (data, first_sync) = (self.folder.join("data"), self.seed);
        let line: Line = Box::new(move |starts| {
            let mut command = marked(&binary, &mark);
            command.args(["serve", "--listen", &address, "--engine", "disk", "--data-dir"]);
            command.arg(&data).arg("--authkey-file").arg(&key_file);
            let turn = (first_sync as usize).wrapping_add(starts) % SYNCS.len();
            command.args(["--sync", SYNCS.get(turn).copied().unwrap_or_default()]);
            for queue in QUEUES {
                command.args(["--queue", queue]);
            }
            command
        });
        self.member("manager", Target::Manager, line)
    }

    /// Everybody else.
    pub(crate) fn clients(&self) -> Vec<Member> {
        let pythons = self.pythons.iter().cycle().skip(self.seed as usize % self.pythons.len());
        let programs = PROGRAMS.iter().zip(pythons);
        let mut members: Vec<_> = programs
            .map(|((name, role, program, way), python)| {
                let mut words = vec![(*name).to_owned()];
                let records = self.records();
                match role {
                    Target::Master => words.push(records.display().to_string()),
                    Target::Collector => {
                        words = vec![records.join(format!("{name}.results")).display().to_string()];
                    }
                    _ => {}
                }
                self.member(name, *role, self.python_line(python, program, *way, words))
            })
            .collect();
        members.extend(COMMAND_WORKERS.iter().map(|(name, way)| {
            self.member(name, Target::PieceworkWorker, self.worker_line(name, *way))
        }));
        members
    }

    /// The program that prints what is in the queues.
    pub(crate) fn counts(&self) -> Command {
        let python = self.pythons.first().expect("without a Python there is an error before");
        self.python_line(python, "counts.py", Way::Direct, Vec::new())(0)
    }

    fn member(&self, name: &str, role: Target, line: Line) -> Member {
        Member::new(name, role, line, self.logs().join(format!("{name}.log")))
    }

    fn python_line(&self, python: &Path, program: &str, way: Way, words: Vec<String>) -> Line {
        let address = self.address(way);
        let (python, program) = (python.to_owned(), self.programs.join(program));
        let mark = self.mark.clone();
        Box::new(move |_| {
            let mut command = marked(&python, &mark);
            command.arg(&program).arg(address.ip().to_string()).arg(address.port().to_string());
            command.arg(AUTHKEY).args(&words).env("PYTHONDONTWRITEBYTECODE", "1");
            command
        })
    }

    fn worker_line(&self, name: &str, way: Way) -> Line {
        let (binary, mark, name) = (self.binary.clone(), self.mark.clone(), name.to_owned());
        let (address, key_file) = (self.address(way).to_string(), self.key_file());
        Box::new(move |_| {
            let mut command = marked(&binary, &mark);
            command.args(["worker", &address, "-j2", "--stdin", "--authkey-file"]).arg(&key_file);
            command.args(["--", SHELL_WORK]).env("PIECEWORK_TORTURE_NAME", &name);
            command
        })
    }

    fn address(&self, way: Way) -> SocketAddr {
        match way {
            Way::Direct => self.manager,
            Way::Proxy => self.proxy,
        }
    }
}

/// A command that carries the mark, and heeds nobody's own settings.
fn marked(program: &Path, mark: &str) -> Command {
    let mut command = Command::new(program);
    command.env(MARK_VARIABLE, mark).env("PIECEWORK_CONFIG", "");
    command
}
