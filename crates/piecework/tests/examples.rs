//! Each example, run as a program, prints what its first lines say.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// An example as it was built beside this test.
fn example(name: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let path: PathBuf = own.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    Command::new(path)
}

/// What it prints, line by line, when it ends well.
fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Its numbers are another each time.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    for letter in line.chars() {
        match letter.is_ascii_digit() {
            true if out.ends_with('N') => {}
            true => out.push('N'),
            false => out.push(letter),
        }
    }
    out
}

#[test]
fn process() {
    let said: Vec<_> =
        lines(&mut example("process")).iter().map(|line| without_numbers(line)).collect();
    let expected = [
        "Parent process N.",
        "Child process will start.",
        "Run child process test (N)...",
        "Child process end.",
    ];
    assert_eq!(said, expected);
}

#[test]
fn pool() {
    let said = lines(&mut example("pool"));
    assert!(said[0].starts_with("Parent process "), "{said:?}");
    assert_eq!(said.last().unwrap(), "All subprocesses done.");
    for task in 0..5 {
        let began = said.iter().position(|it| it.starts_with(&format!("Run task {task} (")));
        let ended = said.iter().position(|it| it.starts_with(&format!("Task {task} runs 0.")));
        assert!(began.unwrap() < ended.unwrap(), "{said:?}");
    }
}

#[test]
fn queue_between_processes() {
    let said = lines(&mut example("queue_between_processes"));
    for word in ["Put", "Get"] {
        let of_word: Vec<_> = said.iter().filter(|line| line.starts_with(word)).collect();
        let letters: Vec<_> = of_word.iter().map(|line| &line[4..5]).collect();
        assert_eq!(letters, ["A", "B", "C"], "{said:?}");
    }
}

#[test]
fn subprocess() {
    let said = lines(&mut example("subprocess"));
    let expected =
        ["$ echo hello", "hello", "Exit code: 0", "$ sort", "apple", "pear", "Exit code: 0"];
    assert_eq!(said, expected);
}

#[test]
fn lock() {
    assert_eq!(lines(&mut example("lock")), ["0"]);
}

#[test]
fn worker_state() {
    let said = lines(&mut example("worker_state"));
    assert!(said.iter().all(|it| it.starts_with("Hello, Alice (in ThreadId(")), "{said:?}");
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn pool_over_workers() {
    let said = lines(&mut example("pool_over_workers"));
    assert!(said[0].starts_with("9592 primes below 100000, found by "), "{said:?}");
    assert!(said[1].starts_with("foo(0) failed on a worker: division by zero, at "), "{said:?}");
}

#[test]
fn cpu_bound() {
    let said = lines(&mut example("cpu_bound"));
    assert!(said[0].starts_with("9592 primes below 100000, found by "), "{said:?}");
}

#[test]
fn io_bound() {
    let expected = ["1000 answers, one after the other 100 s, here less than 10"];
    assert_eq!(lines(&mut example("io_bound")), expected);
}

#[test]
fn log_files() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.log", "b.log"].map(|name| folder.path().join(name));
    std::fs::write(&a, "ERROR 1\nfine\nERROR 2\n").unwrap();
    std::fs::write(&b, "fine\n").unwrap();
    let said = lines(example("log_files").args([a, b]));
    assert_eq!(said, ["a.log: 2 errors", "b.log: 0 errors"]);
}

#[test]
fn errors() {
    let said = lines(&mut example("errors"));
    assert!(said[0].starts_with("ERROR foo(\"0\") failed: the task panicked: "), "{said:?}");
    assert!(said.iter().any(|line| line.contains("division by zero")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("errors.rs:")), "{said:?}");
    assert_eq!(said.last().unwrap(), "4");
}

/// A mail server that takes whatever comes; it refuses the first mail, once.
fn mail_server() -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = std::thread::spawn(move || {
        let mut to = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            stream.get_mut().write_all(b"220 hello\r\n").unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 0 {
                let reply = match line.trim_end() {
                    rcpt if rcpt.starts_with("RCPT") && number == 0 => "451 try again later",
                    "DATA" => "354 go on",
                    "." => "250 taken",
                    "QUIT" => "221 bye",
                    said if said.contains(' ') && !said.starts_with(['T', 'D']) => "250 ok",
                    _ => "",
                };
                if let Some(mail) = line.strip_prefix("RCPT TO:").filter(|_| number > 0) {
                    to.push(mail.trim().to_owned());
                }
                line.clear();
                if !reply.is_empty() {
                    stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).unwrap();
                }
                if reply.starts_with("221") && to.len() == 2 {
                    return to;
                }
            }
        }
        to
    });
    (address, serving)
}

#[test]
fn mail_queue() {
    let (address, serving) = mail_server();
    let said = lines(example("mail_queue").arg(address));
    let mut to = serving.join().unwrap();
    to.sort();
    assert_eq!(to, ["<ada@example.org>", "<bob@example.org>"]);
    assert!(said.iter().any(|line| line.ends_with("later again")), "{said:?}");
    assert_eq!(said.iter().filter(|line| line.starts_with("sent to ")).count(), 2, "{said:?}");
}

/// A master of either language, at a free port, with its standard output.
struct Master {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Master {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child, said, address }
    }

    fn results(mut self) -> Vec<String> {
        let lines: Vec<String> = self.said.lines().map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success(), "{lines:?}");
        let mut results: Vec<_> =
            lines.into_iter().filter(|line| line.starts_with("Result: ")).collect();
        results.sort();
        results
    }
}

/// The twin of `task_master` in Python, with its own server.
const PYTHON_MASTER: &str = "
import queue
from multiprocessing.managers import BaseManager

task_queue, result_queue = queue.Queue(), queue.Queue()

class QueueManager(BaseManager):
    pass

QueueManager.register('get_task_queue', callable=lambda: task_queue)
QueueManager.register('get_result_queue', callable=lambda: result_queue)
manager = QueueManager(address=('127.0.0.1', 0), authkey=b'abc')
manager.start()
print('listening on %s:%d' % manager.address, flush=True)
task, result = manager.get_task_queue(), manager.get_result_queue()
for n in [3411, 1605, 1398, 4729, 5300, 7471, 68, 4219, 339, 7866]:
    task.put(n)
for i in range(10):
    print('Result: %s' % result.get(timeout=60), flush=True)
manager.shutdown()
";

/// The twin of `task_worker` in Python.
const PYTHON_WORKER: &str = "
import sys
from multiprocessing.managers import BaseManager

class QueueManager(BaseManager):
    pass

QueueManager.register('get_task_queue')
QueueManager.register('get_result_queue')
host, port = sys.argv[1].split(':')
m = QueueManager(address=(host, int(port)), authkey=b'abc')
m.connect()
task, result = m.get_task_queue(), m.get_result_queue()
for i in range(10):
    n = task.get(timeout=10)
    result.put('%d * %d = %d' % (n, n, n * n))
";

fn python(program: &str) -> Command {
    let mut python = Command::new("python3");
    python.args(["-c", program]);
    python
}

#[test]
fn task_master_and_task_worker_in_four_pairings() {
    let mut all = Vec::new();
    for masters_are_ours in [true, false] {
        for workers_are_ours in [true, false] {
            let mut master =
                if masters_are_ours { example("task_master") } else { python(PYTHON_MASTER) };
            let mut worker =
                if workers_are_ours { example("task_worker") } else { python(PYTHON_WORKER) };
            let started = Master::start(master.arg("127.0.0.1:0"));
            lines(worker.arg(&started.address));
            all.push(started.results());
        }
    }
    assert_eq!(all[0].len(), 10);
    assert!(all.iter().all(|results| *results == all[0]), "{all:?}");
}

#[test]
fn a_worker_serves_masters_of_both_kinds() {
    let mut all = Vec::new();
    for mut master in [example("task_master"), python(PYTHON_MASTER)] {
        let started = Master::start(master.arg("127.0.0.1:0"));
        let said = lines(example("worker").arg(&started.address));
        assert_eq!(said.last().unwrap(), "worker exit: the master has ended.");
        assert_eq!(said.len(), 11, "{said:?}");
        let mut results = started.results();
        results.sort();
        all.push(results);
    }
    assert_eq!(all[0].len(), 10);
    assert_eq!(all[0], all[1]);
}
